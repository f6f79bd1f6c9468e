package row

import (
	"context"

	"github.com/varvekv/varve/bench/internal/driver"
	"github.com/varvekv/varve/bench/internal/engine"
	"github.com/varvekv/varve/bench/internal/session"
	"github.com/varvekv/varve/bench/internal/workload"
)

// overwriteFactor is how many times each record is overwritten, on average.
const overwriteFactor = 3

func overwrite(ctx context.Context, r *runner, t *table) error {
	p := driver.Phase{
		Name: "overwrite", Duration: r.config.FillDuration,
		Operations: int64(overwriteFactor * r.config.Records),
	}
	return r.rewrite(ctx, t, rewritePlan{phase: p, mayWrite: t.model.has, settle: true})
}

// tail writes random records for as long as it may, whether they exist or not,
// so that flushes and compactions pass while calls are measured.
func tail(ctx context.Context, r *runner, t *table) error {
	p := driver.Phase{Name: "tail", Duration: r.config.Duration, TargetRate: r.config.TargetRate}
	if p.Duration == 0 {
		p.Operations = int64(r.config.Operations)
	}
	return r.rewrite(ctx, t, rewritePlan{phase: p, mayWrite: func(uint64) bool { return true }})
}

type rewritePlan struct {
	phase    driver.Phase // without its workers
	mayWrite func(record uint64) bool
	settle   bool
}

// rewrite gives random records new versions. Each worker has a class of records
// for itself, those of one remainder, so that the last version of each is known.
func (r *runner) rewrite(ctx context.Context, t *table, plan rewritePlan) error {
	p := plan.phase
	p.Kinds = []string{"put"}
	var writers []*rewriter
	for i := range uint64(r.config.Threads) {
		c := class{first: i, step: uint64(r.config.Threads), size: t.model.size}
		if !c.any(plan.mayWrite) {
			continue // fewer records than workers
		}
		writers = append(writers, &rewriter{
			random: workload.NewRandom(r.config.Seed, streamRewrite<<32|i),
			model:  t.model, class: c, mayWrite: plan.mayWrite,
		})
		p.Workers = append(p.Workers, writers[len(writers)-1])
	}
	return r.measure(ctx, t, session.Work{
		Phase:  p,
		Settle: plan.settle,
		UserBytes: func() (n int64) {
			for _, w := range writers {
				n += w.writes * t.model.entryBytes()
			}
			return n
		},
		LiveBytes: func() int64 {
			for n, version := range t.model.versions {
				if version > 0 {
					t.model.add(uint64(n))
				}
			}
			return t.model.liveBytes()
		},
	})
}

// class is the records first, first+step, first+2*step ... below size.
type class struct{ first, step, size uint64 }

func (c class) any(which func(uint64) bool) bool {
	for n := c.first; n < c.size; n += c.step {
		if which(n) {
			return true
		}
	}
	return false
}

// choose draws a record of the class. REQUIRES: it has one.
func (c class) choose(r *workload.Random) uint64 {
	count := (c.size - c.first + c.step - 1) / c.step
	return c.first + c.step*r.Below(count)
}

// rewriter writes the next version of some record with each operation.
type rewriter struct {
	random   *workload.Random
	model    *model
	class    class
	mayWrite func(record uint64) bool

	writes   int64
	key, val []byte
}

func (w *rewriter) Prepare() int {
	n := w.class.choose(w.random)
	for !w.mayWrite(n) {
		n = w.class.choose(w.random)
	}
	w.writes++
	w.model.renew(n)
	w.key = appendKey(w.key[:0], n)
	w.val = w.model.appendValue(w.val[:0], n)
	return 0
}

func (w *rewriter) Execute(c engine.Client) (int, error) { return 1, c.Put(w.key, w.val) }
func (w *rewriter) Verify() error                        { return nil }

// choose draws a record that exists. REQUIRES: one does.
func choose(r *workload.Random, m *model) uint64 {
	for {
		if n := r.Below(m.size); m.has(n) {
			return n
		}
	}
}
