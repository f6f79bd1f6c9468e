package command

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/varvekv/varve"
	"github.com/varvekv/varve/cmd/varve/internal/console"
	"github.com/varvekv/varve/cmd/varve/internal/exchange"
)

type exportCommand struct {
	console  *console.Console
	encoding encoding
	format   exchangeFormat
	bounds   bounds

	lower, upper []byte
	done         exported
}

// exported is what an export did.
type exported struct {
	File       string  `json:"file"`
	Format     string  `json:"format"`
	Entries    int64   `json:"entries"`
	KeyBytes   int64   `json:"key_bytes"`
	ValueBytes int64   `json:"value_bytes"`
	Sequence   uint64  `json:"sequence"` // of the newest operation in it
	Seconds    float64 `json:"seconds"`
}

func newExport(c *console.Console) *cobra.Command {
	e := &exportCommand{console: c}
	export := &cobra.Command{
		Use:   "export DIR FILE",
		Short: "Write entries to a file",
		Long: `Write the entries of DIR, or of a range, to FILE (- is standard output), as of
one moment. A file appears under its name when it is whole and synced; an export
that is interrupted leaves nothing.

` + formatHelp + `

JSON (not with -): file, format, entries, key_bytes, value_bytes, sequence, seconds.`,
		Example: `  varve export data backup.frames
  varve export data - --prefix user/ | jq -r .key`,
		Args: cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error { return e.run(c, args[0], args[1]) },
	}
	e.encoding.addFlags(export)
	e.format.addFlags(export)
	e.bounds.addFlags(export)
	return export
}

func (e *exportCommand) run(c *cobra.Command, dir, file string) error {
	f, o, err := e.format.resolve(file, &e.encoding)
	if err != nil {
		return err
	}
	if e.lower, e.upper, err = e.bounds.resolve(c, &e.encoding); err != nil {
		return err
	}
	e.done.File, e.done.Format = file, f.String()
	begin := time.Now()
	err = reading(dir, func(db *varve.DB) error {
		return e.writeTo(file, func(w io.Writer) error { return e.copy(c.Context(), db, exchange.NewWriter(f, w, o)) })
	})
	if err != nil {
		return err
	}
	e.done.Seconds = time.Since(begin).Seconds()
	text := fmt.Sprintf("exported %s, %s, in %s", console.Plural(e.done.Entries, "entry", "entries"),
		console.Bytes(e.done.KeyBytes+e.done.ValueBytes), console.Duration(time.Since(begin)))
	if file == "-" {
		e.console.Notef("%s", text) // standard output is the entries
		return nil
	}
	return e.console.Show(e.done, func() { e.console.Printf("%s\n", text) })
}

// writeTo calls write with the file, which is there afterwards if nothing failed.
func (e *exportCommand) writeTo(file string, write func(io.Writer) error) error {
	if file == "-" {
		return write(e.console.Out)
	}
	t, err := createTarget(file)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(t, 256<<10)
	if err := write(w); err != nil {
		return errors.Join(err, t.abandon())
	}
	if err := w.Flush(); err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", file, err), t.abandon())
	}
	return t.commit()
}

func (e *exportCommand) copy(ctx context.Context, db *varve.DB, w exchange.Writer) (err error) {
	snapshot := db.Snapshot()
	defer func() { err = errors.Join(err, snapshot.Close()) }()
	e.done.Sequence = snapshot.Seq()
	bar := e.console.NewBar("export", -1)
	defer bar.End()
	it := snapshot.NewIter(&varve.IterOptions{Lower: e.lower, Upper: e.upper})
	defer func() { err = errors.Join(err, it.Close()) }()
	for it.Next() {
		if ctx.Err() != nil {
			return errInterrupted
		}
		if err := w.Write(it.Key(), it.Value()); err != nil {
			return fmt.Errorf("export: %w", err)
		}
		e.done.Entries++
		e.done.KeyBytes += int64(len(it.Key()))
		e.done.ValueBytes += int64(len(it.Value()))
		bar.Add(len(it.Key()) + len(it.Value()))
	}
	if err := it.Err(); err != nil {
		return err
	}
	return w.Close()
}
