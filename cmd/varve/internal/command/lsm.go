package command

import (
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/varvekv/varve/cmd/varve/internal/console"
	"github.com/varvekv/varve/cmd/varve/internal/tree"
	"github.com/varvekv/varve/vfs"
)

func newLSM(c *console.Console) *cobra.Command {
	var all bool
	l := &cobra.Command{
		Use:   "lsm DIR",
		Short: "Draw the tree: levels, runs and tables over their keys",
		Long: `Draw the log-structured merge tree of a database. Every run is a line of bars, one
for each table, from its smallest to its greatest key; keys are spread by their
rank among the tables' bounds. Below, the tables with size, entries, tombstones,
what they share keys with in older runs and in the next level, age and bounds.

It reads the manifest and the log without taking the lock, so that it works while
another process has the database open; it shows the last edit that was written,
and of the log what was written out.

JSON: dir, manifest, edit, last_seq, tables, table_bytes, levels (level, totals,
runs with slices) and log (segments, file_bytes, waiting_operations,
waiting_units, waiting_bytes, last_seq, damage).`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			t, err := readTree(args[0], true)
			if err != nil {
				return err
			}
			return c.Show(t, func() { t.Draw(c, all) })
		},
	}
	l.Flags().BoolVar(&all, "tables", false, "list all tables, not only the first of each run")
	return l
}

// readTree reads the database in dir without its lock; what waits in the log, only
// where that is asked for.
func readTree(dir string, waiting bool) (t *tree.Tree, err error) {
	if err := wantDatabase(dir); err != nil {
		return nil, err
	}
	d, err := vfs.OS.OpenDir(dir, false)
	if err != nil {
		return nil, &inputError{File: dir, Err: reasonOf(err)}
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	if t, err = tree.Read(d, dir, time.Now()); err != nil {
		return nil, located{dir, err}
	}
	if err := t.ReadLog(d, waiting); err != nil {
		return nil, located{dir, err}
	}
	return t, nil
}
