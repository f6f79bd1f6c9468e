// Package ycsb runs the Yahoo! Cloud Serving Benchmark: a load phase and core
// workloads, every record that is read verified. (Cooper et al., "Benchmarking
// Cloud Serving Systems with YCSB", SoCC 2010; site.ycsb.workloads.CoreWorkload.)
//
// It differs from the Java program in these: a record is one value, not ten
// fields, and an update replaces it; values are half compressible and verified;
// threads run in this process, without a driver between.
package ycsb

import (
	"context"
	"fmt"
	"time"

	"github.com/varvekv/varve/bench/internal/driver"
	"github.com/varvekv/varve/bench/internal/report"
	"github.com/varvekv/varve/bench/internal/session"
	"github.com/varvekv/varve/bench/internal/value"
	"github.com/varvekv/varve/bench/internal/workload"
)

// Config is what a run does.
type Config struct {
	Records      uint64        // to load
	Operations   uint64        // ends a workload; 0 = never
	LoadDuration time.Duration // ends the load early; 0 = never
	Duration     time.Duration // ends a workload; 0 = never
	TargetRate   float64       // calls a second over all threads, of workloads; of the load if there are none; 0 = none
	Threads      int
	ValueBytes   int
	Keys         workload.Keys
	Seed         uint64
	Mixes        []workload.Mix // run in this order, on what the one before left
	Prefix       string         // of the phases' names
}

// Validate tells what is wrong with a configuration, in the user's words.
func (c *Config) Validate() error {
	switch {
	case c.Records == 0:
		return fmt.Errorf("records must be at least 1")
	case c.Threads < 1:
		return fmt.Errorf("threads must be at least 1")
	case c.ValueBytes < value.MinBytes:
		return fmt.Errorf("value size must be at least %d bytes, to hold what verifies it", value.MinBytes)
	case c.Operations == 0 && c.Duration == 0 && len(c.Mixes) > 0:
		return fmt.Errorf("operations and duration are both unlimited")
	}
	return nil
}

// Run loads the records and runs the workloads, then reads the whole database
// once more and compares it with what it must hold. The phases done are
// returned beside an error too.
func Run(ctx context.Context, s *session.Session, c Config) (phases []report.Phase, notes []string, err error) {
	if err := c.Validate(); err != nil {
		return nil, nil, err
	}
	r := &runner{session: s, config: c, sequence: workload.NewSequence(0)}
	if err := r.load(ctx); err != nil {
		return r.phases, r.notes, err
	}
	for i := range c.Mixes {
		if err := r.mix(ctx, &c.Mixes[i], i); err != nil {
			return r.phases, r.notes, err
		}
	}
	err = r.checkAll(ctx)
	return r.phases, r.notes, err
}

type runner struct {
	session  *session.Session
	config   Config
	sequence *workload.Sequence
	greatest []byte // of the loaded keys: a scan may end early only behind it
	phases   []report.Phase
	notes    []string
}

func (r *runner) load(ctx context.Context) error {
	c := &r.config
	p := driver.Phase{
		Name: c.Prefix + "load", Kinds: []string{"insert"},
		Operations: int64(c.Records), Duration: c.LoadDuration,
	}
	if len(c.Mixes) == 0 {
		p.TargetRate = c.TargetRate
	}
	loaders := make([]*loader, c.Threads)
	for i := range loaders {
		loaders[i] = &loader{sequence: r.sequence, keys: c.Keys, valueBytes: c.ValueBytes}
		p.Workers = append(p.Workers, loaders[i])
	}
	written := sum(loaders, func(l *loader) int64 { return l.written })
	if err := r.run(ctx, session.Work{Phase: p, UserBytes: written, Settle: true}); err != nil {
		return err
	}
	for _, l := range loaders {
		if string(l.greatest) > string(r.greatest) {
			r.greatest = l.greatest
		}
	}
	if n := r.sequence.Count(); n < c.Records {
		r.notes = append(r.notes, fmt.Sprintf("The load ended by its time limit: %d of %d records.", n, c.Records))
	}
	return nil
}

func (r *runner) mix(ctx context.Context, m *workload.Mix, place int) error {
	c := &r.config
	p := driver.Phase{
		Name: c.Prefix + m.Name, Kinds: workload.KindNames(),
		Operations: int64(c.Operations), Duration: c.Duration, TargetRate: c.TargetRate,
	}
	sources := make([]*workload.Random, c.Threads)
	for i := range sources {
		sources[i] = workload.NewRandom(c.Seed, uint64(place)<<32|uint64(i))
	}
	operations := c.Operations
	if operations == 0 {
		operations = c.Records // a guess: the time decides how many there will be
	}
	choosers, lengths := m.NewChoosers(r.sequence, m.ExpectedNew(operations), sources), m.NewScanLengths(sources)
	clients := make([]*client, c.Threads)
	for i := range clients {
		clients[i] = &client{
			mix: m, random: sources[i], chooser: choosers[i], sequence: r.sequence,
			lengths: lengths[i], keys: c.Keys, valueBytes: c.ValueBytes, writer: place*c.Threads + i, greatest: r.greatest,
		}
		clients[i].visit = clients[i].visitEntry
		p.Workers = append(p.Workers, clients[i])
	}
	return r.run(ctx, session.Work{
		Phase:     p,
		UserBytes: sum(clients, func(w *client) int64 { return w.written }),
		ReadBytes: sum(clients, func(w *client) int64 { return w.read }),
	})
}

// sum is for asking, once the workers have ended, what they counted.
func sum[W any](workers []W, count func(W) int64) func() int64 {
	return func() (n int64) {
		for _, w := range workers {
			n += count(w)
		}
		return n
	}
}

func (r *runner) run(ctx context.Context, w session.Work) error {
	w.LiveBytes = func() int64 { return liveBytes(r.sequence.Settle(), r.config.Keys, r.config.ValueBytes) }
	p, err := r.session.Run(ctx, w)
	if err != nil {
		return err
	}
	r.phases = append(r.phases, p)
	return nil
}

// liveBytes is what count records hold, keys and values.
func liveBytes(count uint64, keys workload.Keys, valueBytes int) int64 {
	total, key := int64(count)*int64(valueBytes), []byte(nil)
	for n := range count {
		key = keys.Append(key[:0], n)
		total += int64(len(key))
	}
	return total
}
