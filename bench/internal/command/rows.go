package command

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/varvekv/varve/bench/internal/engine"
	"github.com/varvekv/varve/bench/internal/row"
)

func newRows(open engine.Opener) *cobra.Command {
	s := &settings{}
	var names []string
	c := &cobra.Command{
		Use:   "rows",
		Short: "Run single-purpose measurements: fillseq, readrandom, fillsync ...",
		Long: `Run rows named after db_bench, each verified. Rows that read share one database,
filled in random order; the -deleted ones run after half of it was deleted. Rows
that fill run on databases of their own; fillsync-N writes durably from N
goroutines, whatever --durability says.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, args []string) error {
			return s.runRows(c.Context(), names, open, c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	s.addFlags(c.Flags())
	c.Flags().StringSliceVar(&names, "rows", row.Names(), "rows to run, in this order")
	return c
}

func (s *settings) runRows(ctx context.Context, names []string, open engine.Opener, stdout, stderr io.Writer) error {
	config := row.Config{
		Records: s.records, Operations: s.operations, FillDuration: s.loadDuration, Duration: s.duration,
		Threads: s.threads, ValueBytes: s.valueBytes, Seed: s.seed, Durability: s.durability.Durability, Rows: names,
	}
	if err := config.Validate(); err != nil {
		return err
	}
	b, err := newBench("rows", s, open, stderr)
	if err != nil {
		return err
	}
	config.Open = b.openSession
	if err := b.end(stdout, b.runRows(ctx, config)); err != nil {
		return failure{err}
	}
	return nil
}

func (b *bench) runRows(ctx context.Context, config row.Config) (err error) {
	if err := b.begin(); err != nil {
		return err
	}
	b.report.Phases, err = row.Run(ctx, config)
	return err
}
