package command

import (
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

// A batch is large enough to pay for a sync, and small beside a memtable.
const (
	batchBytes = 1 << 20
	batchCount = 10_000
)

type importCommand struct {
	console    *console.Console
	encoding   encoding
	format     exchangeFormat
	durability durability

	batch varve.Batch
	done  imported
}

// imported is what an import did.
type imported struct {
	Entries    int64   `json:"entries"`
	KeyBytes   int64   `json:"key_bytes"`
	ValueBytes int64   `json:"value_bytes"`
	Batches    int64   `json:"batches"`
	Seconds    float64 `json:"seconds"`
}

func newImport(c *console.Console) *cobra.Command {
	i := &importCommand{console: c, durability: durability{varve.Buffered}}
	imp := &cobra.Command{
		Use:   "import DIR FILE",
		Short: "Put the entries of a file",
		Long: `Put every entry of FILE (- is standard input), in batches. The database is made
where DIR is missing or empty. The file is read to its end before all is synced;
--durability synced makes each batch wait as well.

` + formatHelp + `

A line that is no entry ends the import with exit code 2 and its number. The
entries before it are in, and so are they after Ctrl-C.

JSON: entries, key_bytes, value_bytes, batches, seconds.`,
		Example: `  varve import data users.jsonl
  varve scan old --prefix user/ | varve import new - --format tsv
  varve import data table.csv --header`,
		Args: cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error { return i.run(c.Context(), args[0], args[1]) },
	}
	i.encoding.addFlags(imp)
	i.format.addFlags(imp)
	imp.Flags().Var(&i.durability, "durability", "of each batch: synced, written or buffered")
	return imp
}

func (i *importCommand) run(ctx context.Context, dir, file string) (err error) {
	f, o, err := i.format.resolve(file, &i.encoding)
	if err != nil {
		return err
	}
	in, err := openSource(ctx, i.console, file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	begin := time.Now()
	bar := i.console.NewBar("import", in.sizeBytes)
	defer bar.End()
	err = creating(dir, func(db *varve.DB) error {
		r := exchange.NewReader(f, &counting{in, bar}, o)
		return i.copy(ctx, db, r, in.name)
	})
	if err != nil {
		return err
	}
	i.done.Seconds = time.Since(begin).Seconds()
	bar.End()
	return i.console.Show(i.done, func() {
		i.console.Printf("imported %s, %s, in %s\n", console.Plural(i.done.Entries, "entry", "entries"),
			console.Bytes(i.done.KeyBytes+i.done.ValueBytes), console.Duration(time.Since(begin)))
	})
}

// copy puts what r reads. Whatever ends it, the entries that were read before
// are in the database, and durable.
func (i *importCommand) copy(ctx context.Context, db *varve.DB, r exchange.Reader, name string) error {
	readErr := i.fill(ctx, db, r)
	err := i.write(db)
	if err == nil {
		err = db.Sync()
	}
	if readErr == nil || err != nil {
		return err
	}
	so := console.Plural(i.done.Entries, "entry before it is in", "entries before it are in")
	if bad := new(exchange.Malformed); errors.As(readErr, &bad) {
		e := &inputError{File: name, Line: bad.Line, Err: fmt.Errorf("%s (%s)", bad.Reason, so)}
		if bad.Line == 0 {
			e.Offset = &bad.Offset
		}
		return e
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%w: %s", errInterrupted, console.Plural(i.done.Entries, "entry is in", "entries are in"))
	}
	return fmt.Errorf("read %s: %w (%s)", name, readErr, so)
}

// fill reads entries and writes full batches; the last one is left to write.
func (i *importCommand) fill(ctx context.Context, db *varve.DB, r exchange.Reader) error {
	for {
		key, value, err := r.Next()
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		}
		i.batch.Put(key, value)
		i.done.KeyBytes += int64(len(key))
		i.done.ValueBytes += int64(len(value))
		if i.batch.Size() < batchBytes && i.batch.Len() < batchCount {
			continue
		}
		if err := i.write(db); err != nil {
			return err
		}
	}
}

func (i *importCommand) write(db *varve.DB) error {
	count := i.batch.Len()
	if count == 0 {
		return nil
	}
	if err := db.With(i.durability.Durability).Write(&i.batch); err != nil {
		return fmt.Errorf("write batch %d: %w", i.done.Batches+1, err)
	}
	i.batch.Reset()
	i.done.Batches++
	i.done.Entries += int64(count)
	return nil
}
