package row

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/varvekv/varve/bench/internal/driver"
	"github.com/varvekv/varve/bench/internal/engine"
	"github.com/varvekv/varve/bench/internal/session"
	"github.com/varvekv/varve/bench/internal/workload"
)

// order is which record the i-th write of a row is for. Rows that share an
// order between their workers write a dense beginning of it, whenever they end.
type order func(i uint64) uint64

func sequential(i uint64) uint64 { return i }

// Streams of a seed, one for each use of chance.
const (
	streamFill = iota + 1
	streamDelete
	streamRewrite
	streamRead
)

func shuffled(records, seed, stream uint64) order {
	return workload.NewPermutation(records, seed+stream).At
}

func fillSequential(ctx context.Context, r *runner, t *table) error {
	return r.fill(ctx, t, fillPlan{name: "fillseq", order: sequential, threads: r.config.Threads, batch: 1})
}

// batchEntries is how many entries fillbatch writes at once.
const batchEntries = 1000

func fillBatches(ctx context.Context, r *runner, t *table) error {
	return r.fill(ctx, t, fillPlan{name: "fillbatch", order: sequential, threads: 1, batch: batchEntries})
}

func fillRandom(ctx context.Context, r *runner, t *table) error {
	o := shuffled(r.config.Records, r.config.Seed, streamFill)
	return r.fill(ctx, t, fillPlan{name: "fillrandom", order: o, threads: r.config.Threads, batch: 1, settle: true})
}

func fillSynced(threads int) func(context.Context, *runner, *table) error {
	return func(ctx context.Context, r *runner, t *table) error {
		return r.fill(ctx, t, fillPlan{
			name: fmt.Sprintf("fillsync-%d", threads), threads: threads, batch: 1,
			order: shuffled(r.config.Records, r.config.Seed, streamFill), duration: r.config.Duration,
		})
	}
}

type fillPlan struct {
	name     string
	order    order
	threads  int
	batch    int
	settle   bool
	duration time.Duration // 0 = the configured one of fills
}

// fill writes each record of the model once, in the plan's order.
func (r *runner) fill(ctx context.Context, t *table, plan fillPlan) error {
	if plan.duration == 0 {
		plan.duration = r.config.FillDuration
	}
	issued := new(atomic.Uint64)
	p := driver.Phase{
		Name: plan.name, Kinds: []string{"put"}, Duration: plan.duration,
		Operations: int64((t.model.size + uint64(plan.batch) - 1) / uint64(plan.batch)),
	}
	for range plan.threads {
		p.Workers = append(p.Workers, &filler{
			order: plan.order, issued: issued, model: t.model, entries: make([]entry, plan.batch),
		})
	}
	done := func() uint64 { return min(issued.Load(), t.model.size) }
	return r.measure(ctx, t, session.Work{
		Phase:     p,
		Settle:    plan.settle,
		UserBytes: func() int64 { return int64(done()) * t.model.entryBytes() },
		LiveBytes: func() int64 {
			for i := range done() {
				t.model.add(plan.order(i))
			}
			return t.model.liveBytes()
		},
	})
}

// measure runs a phase and reports it.
func (r *runner) measure(ctx context.Context, t *table, w session.Work) error {
	p, err := t.session.Run(ctx, w)
	if err != nil {
		return err
	}
	r.phases = append(r.phases, p)
	return nil
}

type entry struct{ key, val []byte }

// filler writes one entry, or a batch, with each operation.
type filler struct {
	order  order
	issued *atomic.Uint64
	model  *model

	entries      []entry
	keys, values [][]byte // of this operation
}

func (f *filler) Prepare() int {
	n := uint64(len(f.entries))
	first := f.issued.Add(n) - n
	f.keys, f.values = f.keys[:0], f.values[:0]
	for i := first; i < min(first+n, f.model.size); i++ {
		e, record := &f.entries[i-first], f.order(i)
		e.key = appendKey(e.key[:0], record)
		e.val = f.model.appendValue(e.val[:0], record)
		f.keys, f.values = append(f.keys, e.key), append(f.values, e.val)
	}
	return 0
}

func (f *filler) Execute(c engine.Client) (int, error) {
	if len(f.entries) == 1 {
		return 1, c.Put(f.keys[0], f.values[0])
	}
	return len(f.keys), c.Load(f.keys, f.values)
}

func (f *filler) Verify() error { return nil } // the reading rows and the audit do

// deleteRandom deletes half of the records.
func deleteRandom(ctx context.Context, r *runner, t *table) error {
	o := shuffled(r.config.Records, r.config.Seed, streamDelete)
	issued := new(atomic.Uint64)
	p := driver.Phase{
		Name: "deleterandom", Kinds: []string{"delete"}, Duration: r.config.FillDuration,
		Operations: int64(r.config.Records / 2),
	}
	for range r.config.Threads {
		p.Workers = append(p.Workers, &deleter{order: o, issued: issued})
	}
	return r.measure(ctx, t, session.Work{
		Phase:     p,
		Settle:    true,
		UserBytes: func() int64 { return int64(issued.Load()) * keyBytes },
		LiveBytes: func() int64 {
			for i := range issued.Load() {
				t.model.remove(o(i))
			}
			return t.model.liveBytes()
		},
	})
}

type deleter struct {
	order  order
	issued *atomic.Uint64
	key    []byte
}

func (d *deleter) Prepare() int {
	d.key = appendKey(d.key[:0], d.order(d.issued.Add(1)-1))
	return 0
}

func (d *deleter) Execute(c engine.Client) (int, error) { return 1, c.Delete(d.key) }
func (d *deleter) Verify() error                        { return nil }
