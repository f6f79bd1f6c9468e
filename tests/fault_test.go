package tests

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/varvekv/varve"
	"github.com/varvekv/varve/vfs"
)

// A faultCase is one call that fails, and how.
type faultCase struct {
	nth  uint64
	side vfs.Side
	span vfs.Span
	err  error
}

func (c faultCase) String() string {
	side, span := "before", "once"
	if c.side == vfs.After {
		side = "after"
	}
	if c.span == vfs.ForGood {
		span = "for good"
	}
	return fmt.Sprintf("call %d fails %s its effect, %s, with %v", c.nth, side, span, c.err)
}

// faultKinds are the ways in which each call fails.
var faultKinds = []faultCase{
	{0, vfs.Before, vfs.Once, syscall.EIO},
	{0, vfs.After, vfs.Once, syscall.EIO},
	{0, vfs.Before, vfs.ForGood, syscall.EIO},
	{0, vfs.After, vfs.ForGood, syscall.EIO},
	{0, vfs.Before, vfs.Once, syscall.ENOSPC},
	{0, vfs.Before, vfs.ForGood, syscall.ENOSPC},
	{0, vfs.Before, vfs.Once, vfs.ErrShortWrite},
	{0, vfs.Before, vfs.ForGood, vfs.ErrShortWrite},
}

// TestEveryCallFails has every call of the script fail, once and for good, and
// demands that nothing acknowledged is lost, nothing hangs, errors stay (G3, I9).
func TestEveryCallFails(t *testing.T) {
	guard(t)
	rng, _ := seeded(t)
	calls := callsOfScript(t)
	var cases []faultCase
	for nth := range calls {
		for _, c := range faultKinds {
			c.nth = nth
			cases = append(cases, c)
		}
	}
	rng.Shuffle(len(cases), func(i, j int) { cases[i], cases[j] = cases[j], cases[i] })
	limit := time.Now().Add(span(5*time.Second, 25*time.Second, 100*time.Hour))
	least := budget(0, 60, 500, len(cases))
	var mu sync.Mutex // guards the figures and next
	struck, poisoned, done, next := make(map[string]int), 0, 0, 0
	nths := make(map[uint64]bool)
	failed := errors.Join(concurrently(4, func(int) error { // they wait more than they work
		for {
			mu.Lock()
			if next == len(cases) || next >= least/raceFactor && time.Now().After(limit) {
				mu.Unlock()
				return nil
			}
			c := cases[next]
			next++
			f := &faulty{c: c, rng: rand.New(rand.NewPCG(rng.Uint64(), c.nth))}
			mu.Unlock()
			if err := f.run(); err != nil {
				return fmt.Errorf("%v: %v: %w", c, f.struckAt(), err)
			}
			mu.Lock()
			done++
			if f.strokes() {
				struck[f.op.Kind.String()]++
				nths[c.nth] = true
			}
			if f.p.failed != nil {
				poisoned++
			}
			mu.Unlock()
		}
	})...)
	if failed != nil {
		t.Fatal(failed)
	}
	t.Logf("%d of %d cases, %d of about %d calls struck, %d ended in poison", done, len(cases), len(nths), calls, poisoned)
	t.Logf("struck by kind: %v", struck)
	minimum{"cases", done, least}.hold(t)
	minimum{"kinds of call", len(struck), budget(0, 8, 14, 14)}.hold(t)
	minimum{"cases that ended in poison", poisoned, done / 20}.hold(t)
}

func callsOfScript(t *testing.T) uint64 {
	t.Helper()
	fault := vfs.NewFault(vfs.NewStrict(1), func(vfs.Op) error { return nil })
	p := newPlayer(fault)
	if err := p.play(); err != nil || !p.finished {
		t.Fatalf("the script itself failed: %v %v", err, p.errs)
	}
	return fault.Ops()
}

// faulty is one run of the script with one fault.
type faulty struct {
	c   faultCase
	rng *rand.Rand
	p   *player

	mu sync.Mutex
	op *vfs.Op // the first that was struck
}

// strokes tells whether the fault struck.
func (f *faulty) strokes() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.op != nil
}

func (f *faulty) struckAt() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.op == nil {
		return "nothing struck"
	}
	return "struck " + f.op.String()
}

func (f *faulty) run() error {
	defer watchdog(40*time.Second, f.c.String())()
	inner := vfs.NewStrict(f.rng.Uint64())
	inject, _ := vfs.Plan{Nth: f.c.nth, Side: f.c.side, Span: f.c.span, Err: f.c.err}.Inject()
	f.p = newPlayer(vfs.NewFault(inner, func(op vfs.Op) error {
		err := inject(op)
		if err != nil {
			f.mu.Lock()
			defer f.mu.Unlock()
			if f.op == nil {
				f.op = &op
			}
		}
		return err
	}))
	if err := f.p.play(); err != nil {
		return fmt.Errorf("broken promise: %w\nerrors on the way: %v", err, brief(f.p.errs))
	}
	if err := f.surfaced(); err != nil {
		return err
	}
	images := []*vfs.Strict{inner.CrashImageStrict(), inner.CrashImage(f.rng)}
	for i, img := range images {
		r := f.recovery()
		if _, err := r.open(img, int(f.p.synced.Load()), func() {}); err != nil {
			return fmt.Errorf("power cut after the fault (image %d), %d commits durable: %w\nerrors on the way: %v", i, f.p.synced.Load(), err, brief(f.p.errs))
		}
	}
	return f.restart(inner)
}

func (f *faulty) recovery() *recovery {
	r := &recovery{led: f.p.led, rng: f.rng, o: *f.p.options()}
	r.o.Events = nil
	return r
}

// surfaced: with one fault that is over, whatever was read before is readable.
func (f *faulty) surfaced() error {
	for _, err := range f.p.errs {
		if !errors.Is(err, syscall.EIO) && !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, varve.ErrPoisoned) &&
			!errors.Is(err, vfs.ErrShortWrite) {
			return fmt.Errorf("an error that does not name its cause: %w", err)
		}
	}
	return nil
}

// restart opens the very files again, as a program does that is started anew
// on the same machine: what was Written is there. What it makes durable then
// stays, whatever the failed sync had left behind.
func (f *faulty) restart(inner *vfs.Strict) error {
	r := f.recovery()
	floor := int(f.p.written.Load())
	o := r.o
	o.FS = inner
	db, err := varve.Open(worldDir, &o)
	if err != nil {
		return fmt.Errorf("reopen after the fault: %w\nerrors on the way: %v\nfiles: %s", err, brief(f.p.errs), listing(inner))
	}
	n, err := r.compare(db, floor)
	if err != nil {
		db.Close()
		return fmt.Errorf("reopened after the fault, %d commits written: %w\nerrors on the way: %v", floor, err, brief(f.p.errs))
	}
	unit := []change{{0, newStamp(1<<40, 20)}}
	if _, err := apply(db.With(varve.Synced), r.led.keys, unit, false); err != nil {
		db.Close()
		return fmt.Errorf("write after reopening: %w", err)
	}
	img := inner.CrashImageStrict()
	if err := db.Close(); err != nil {
		return fmt.Errorf("close after reopening: %w", err)
	}
	after := &recovery{rng: f.rng, o: r.o, led: &ledger{keys: r.led.keys, base: r.led.state(n), units: [][]change{unit}}}
	if _, err := after.open(img, 1, func() {}); err != nil {
		return fmt.Errorf("power cut after a Synced write after reopening after the fault: %w\nerrors on the way: %v", err, brief(f.p.errs))
	}
	return nil
}

// brief is each error once.
func brief(errs []error) string {
	seen := make(map[string]bool)
	for _, err := range errs {
		seen[err.Error()] = true
	}
	lines := slices.Sorted(maps.Keys(seen))
	return strings.Join(lines[:min(len(lines), 6)], "; ")
}
