package command

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/varvekv/varve"
	"github.com/varvekv/varve/cmd/varve/internal/console"
)

type compactCommand struct {
	console  *console.Console
	encoding encoding
	bounds   bounds
}

// compacted is what `varve compact` says.
type compacted struct {
	Dir     string    `json:"dir"`
	Before  treeStats `json:"before"`
	After   treeStats `json:"after"`
	Seconds float64   `json:"seconds"`
}

// treeStats is the tables of all levels together.
type treeStats struct {
	Tables     int    `json:"tables"`
	Bytes      int64  `json:"bytes"`
	Entries    uint64 `json:"entries"`
	Tombstones uint64 `json:"tombstones"`
}

func treeOf(m varve.Metrics) (t treeStats) {
	for _, l := range m.Levels {
		t.Tables += l.Tables
		t.Bytes += l.Bytes
		t.Entries += l.Entries
		t.Tombstones += l.Tombstones
	}
	return t
}

func (t treeStats) String() string {
	return fmt.Sprintf("%s, %s, %s, %s", console.Plural(t.Tables, "table", "tables"), console.Bytes(t.Bytes),
		console.Plural(t.Entries, "entry", "entries"), console.Plural(t.Tombstones, "tombstone", "tombstones"))
}

func newCompact(c *console.Console) *cobra.Command {
	p := &compactCommand{console: c}
	compact := &cobra.Command{
		Use:   "compact DIR",
		Short: "Merge all tables, or those of a range, down to the last level",
		Long: `Flush, then merge the tables of a range down to the last level, so that deleted
and overwritten entries no longer take space. Ctrl-C ends it; what was merged
until then stays so.

JSON: dir, before and after (tables, bytes, entries, tombstones), seconds.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return p.run(c, args[0]) },
	}
	p.encoding.addFlags(compact)
	p.bounds.addFlags(compact)
	return compact
}

func (p *compactCommand) run(c *cobra.Command, dir string) error {
	lower, upper, err := p.bounds.resolve(c, &p.encoding)
	if err != nil {
		return err
	}
	if err := wantDatabase(dir); err != nil {
		return err
	}
	r := compacted{Dir: dir}
	bar := p.console.NewBar("compact", -1)
	defer bar.End()
	merged := func(i varve.CompactionInfo) { bar.Add(int(i.BytesIn)) }
	begin := time.Now()
	err = using(dir, &varve.Options{Events: &varve.Events{CompactionEnd: merged}}, func(db *varve.DB) error {
		r.Before = treeOf(db.Metrics())
		err := db.Compact(c.Context(), lower, upper)
		r.After = treeOf(db.Metrics())
		if err != nil && c.Context().Err() != nil {
			return errInterrupted
		}
		return err
	})
	if err != nil {
		return err
	}
	bar.End()
	r.Seconds = time.Since(begin).Seconds()
	return p.console.Show(r, func() {
		p.console.Printf("before   %v\nafter    %v\n", r.Before, r.After)
		p.console.Printf("took     %s\n", console.Duration(time.Since(begin)))
	})
}
