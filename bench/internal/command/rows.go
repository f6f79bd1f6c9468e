package command

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/varvekv/varve/bench/internal/engine"
	"github.com/varvekv/varve/bench/internal/report"
	"github.com/varvekv/varve/bench/internal/row"
)

// rowSettings is what the rows command is told beside the common settings.
type rowSettings struct {
	settings
	patterns      []string
	log           size
	bigRecords    uint64
	bigValueBytes int
}

func newRows(open engine.Opener) *cobra.Command {
	s := &rowSettings{log: row.DefaultLogBytes}
	c := &cobra.Command{
		Use:   "rows",
		Short: "Run single-purpose measurements: fillseq, readrandom, fillsync ...",
		Long: `Run rows named after db_bench, each verified; at its end each database is compared
with what it must hold, and the engine checks its files.

` + row.Help() + `
fillrandom, overwrite, the rows that read and deleterandom share one database, in
the order given, filled when the first wants it; the -deleted ones run after half
of it was deleted. The big rows share another one, of --big-records. Other rows have
databases of their own; openlog's memtable is four times its log, so that nothing
is flushed.

--rows takes names, globs such as 'read*', and groups: ` + strings.Join(row.Groups(), ", ") + `
(default is all but big, which takes minutes). The fill rows end by --records or
--load-duration, fillsync and tail by --duration, reads by that or --operations.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, args []string) error {
			return s.run(c.Context(), open, c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	s.addFlags(c.Flags())
	c.Flags().StringSliceVar(&s.patterns, "rows", []string{"default"}, "rows, globs and groups to run, in this order")
	c.Flags().Var(&s.log, "openlog-size", "keys and values in openlog's log")
	c.Flags().Uint64Var(&s.bigRecords, "big-records", row.DefaultBigRecords, "records of the big rows")
	c.Flags().IntVar(&s.bigValueBytes, "big-value-size", row.DefaultBigValueBytes, "bytes of a value in the big rows")
	return c
}

func (s *rowSettings) config() (row.Config, error) {
	names, err := row.Select(s.patterns)
	return row.Config{
		Records: s.records, Operations: s.operations, FillDuration: s.loadDuration, Duration: s.duration,
		Threads: s.threads, ValueBytes: s.valueBytes, Seed: s.seed, Durability: s.durability.Durability, Rows: names,
		TargetRate: s.target, LogBytes: int64(s.log), BigRecords: s.bigRecords, BigValueBytes: s.bigValueBytes,
	}, err
}

// describeRows is the settings beside the common ones, as the report shows them.
func (s *rowSettings) describeRows() []report.Option {
	return []report.Option{
		{Name: "openlog-size", Value: s.log.String()},
		{Name: "big-records", Value: report.Count(int64(s.bigRecords))},
		{Name: "big-value-size", Value: fmt.Sprint(s.bigValueBytes)},
	}
}

func (s *rowSettings) run(ctx context.Context, open engine.Opener, stdout, stderr io.Writer) error {
	config, err := s.config()
	if err != nil {
		return err
	}
	if err := config.Validate(); err != nil {
		return err
	}
	b, err := newBench("rows", &s.settings, open, stderr)
	if err != nil {
		return err
	}
	b.report.Options = append(b.report.Options, s.describeRows()...)
	config.Open = b.openSession
	if err := b.end(stdout, b.runRows(ctx, config)); err != nil {
		return failure{err}
	}
	return nil
}

func (b *bench) runRows(ctx context.Context, config row.Config) (err error) {
	synced := func(name string) bool { return strings.HasPrefix(name, "fillsync") }
	if err := b.begin(config.Durability == engine.Synced || slices.ContainsFunc(config.Rows, synced)); err != nil {
		return err
	}
	b.report.Phases, err = row.Run(ctx, config)
	return err
}
