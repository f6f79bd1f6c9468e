package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/magiconair/properties"
	"github.com/spf13/cobra"

	"github.com/varvekv/varve/bench/internal/engine"
	"github.com/varvekv/varve/bench/internal/report"
	"github.com/varvekv/varve/bench/internal/row"
	"github.com/varvekv/varve/bench/internal/workload"
	"github.com/varvekv/varve/bench/internal/ycsb"
)

// ycsbSettings is what the ycsb command is told beside the common settings.
type ycsbSettings struct {
	settings
	workloads []string
	files     []string // -P
	singles   []string // -p
	keys      workload.Keys
	shape     []report.Option // properties that no flag stands for
}

func newYCSB(open engine.Opener) *cobra.Command {
	s := &ycsbSettings{}
	c := &cobra.Command{
		Use:   "ycsb",
		Short: "Run YCSB: load, then workloads A, B, C, F, D, E",
		Long: `Run YCSB on a fresh database: load the records, then run the core workloads,
each on what the one before left. Every value read is verified; at the end all
records are read once more and the engine checks its own files.

Flags outrank -p properties, which outrank -P files. A -P file or -p properties
with proportions (readproportion=0.5 ...) make a workload of its own, run in the
place of A to F. Any flag is a property too: -p varve.cache=1GiB.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, args []string) error {
			mixes, err := s.resolve(c)
			if err != nil {
				return err
			}
			return s.run(c.Context(), mixes, open, c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	s.addFlags(c.Flags())
	c.Flags().StringSliceVar(&s.workloads, "workloads", []string{"a", "b", "c", "f", "d", "e"},
		"workloads to run behind the load, in this order; \"load\" alone runs none")
	c.Flags().StringArrayVarP(&s.files, "properties", "P", nil, "file of YCSB properties")
	c.Flags().StringArrayVarP(&s.singles, "property", "p", nil, "one YCSB property, name=value")
	return c
}

// resolve takes the properties in and tells which workloads to run.
func (s *ycsbSettings) resolve(c *cobra.Command) ([]workload.Mix, error) {
	p, err := loadProperties(s.files, s.singles)
	if err != nil {
		return nil, err
	}
	if err := applyProperties(p, c.Flags()); err != nil {
		return nil, err
	}
	s.shape = describeProperties(p)
	if s.keys, err = readKeys(p); err != nil {
		return nil, err
	}
	mixes, err := s.mixes(p, c)
	if err != nil {
		return nil, err
	}
	for i := range mixes {
		if err := readShape(p, &mixes[i]); err != nil {
			return nil, err
		}
	}
	return mixes, nil
}

func (s *ycsbSettings) mixes(p *properties.Properties, c *cobra.Command) ([]workload.Mix, error) {
	own, err := ownMix(p, s.files)
	if err != nil {
		return nil, err
	}
	if own != nil && !c.Flags().Changed("workloads") {
		return []workload.Mix{*own}, nil
	}
	return pickMixes(s.workloads)
}

func pickMixes(names []string) ([]workload.Mix, error) {
	var picked []workload.Mix
	core := workload.Core()
	for _, name := range names {
		name = strings.TrimSpace(name)
		if strings.EqualFold(name, "load") {
			continue // always runs
		}
		i := slices.IndexFunc(core, func(m workload.Mix) bool { return strings.EqualFold(m.Name, name) })
		if i < 0 {
			return nil, fmt.Errorf("no workload is called %q; there are load and a to f", name)
		}
		picked = append(picked, core[i])
	}
	return picked, nil
}

func (s *ycsbSettings) run(ctx context.Context, mixes []workload.Mix, open engine.Opener, stdout, stderr io.Writer) error {
	config := ycsb.Config{
		Records: s.records, Operations: s.operations, LoadDuration: s.loadDuration, Duration: s.duration,
		Threads: s.threads, ValueBytes: s.valueBytes, Seed: s.seed, Keys: s.keys, Mixes: mixes,
		TargetRate: s.target,
	}
	if err := config.Validate(); err != nil {
		return err
	}
	b, err := newBench("YCSB", &s.settings, open, stderr)
	if err != nil {
		return err
	}
	b.report.Options = append(b.report.Options, s.shape...)
	if err := b.end(stdout, b.runYCSB(ctx, config)); err != nil {
		return failure{err}
	}
	return nil
}

func (b *bench) runYCSB(ctx context.Context, config ycsb.Config) (err error) {
	if err := b.begin(b.settings.durability.Durability == engine.Synced); err != nil {
		return err
	}
	s, discard, err := b.openSession(row.Request{Durability: b.settings.durability.Durability})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, discard(err)) }()
	b.report.Phases, b.report.Notes, err = ycsb.Run(ctx, s, config)
	return err
}
