package tests

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// bulkFrom is how many operations a run must have to afford a world with so
// much data that four levels are in use.
const bulkFrom = 300_000

// TestModelHolds does random operations under random options and compares the
// database with a map, over reopens and crashes (G11).
func TestModelHolds(t *testing.T) {
	guard(t)
	d, _ := seeded(t)
	want := budget(*opsFlag, 30_000, 1_000_000, 10_000_000)
	var total figures
	began, seen, worlds := time.Now(), new(sightings), 0
	for total.ops < want {
		w := newWorld(t, d, []int{3, 40, 400, 4000, 20_000}[worlds%5])
		w.seen = seen
		w.reopen() // with the common sightings
		if want >= bulkFrom && worlds == 4 {
			w.bulk()
		}
		for w.fig.ops < want/20 && total.ops+w.fig.ops < want {
			stop := watchdog(time.Minute, "a step of a world")
			w.step()
			stop()
		}
		w.finish()
		total.add(w.fig)
		worlds++
	}
	t.Logf("%d operations in %d worlds, %v", total.ops, worlds, time.Since(began).Round(time.Second))
	t.Logf("%+v", total)
	t.Logf("%s", (&world{seen: seen}).background())
	total.atLeast(t, want, seen)
}

func (f *figures) add(g figures) {
	f.ops += g.ops
	f.moves += g.moves
	f.turns += g.turns
	f.reopens += g.reopens
	f.crashes += g.crashes
	f.lost += g.lost
	f.snapshots += g.snapshots
	f.heldOverFlush += g.heldOverFlush
	f.heldOverClose += g.heldOverClose
	f.levels = max(f.levels, g.levels)
	f.flushed += g.flushed
	f.compacted += g.compacted
	f.checks += g.checks
	f.scans += g.scans
}

// atLeast fails a run that did not come by what it is for.
func (f *figures) atLeast(t *testing.T, ops int, s *sightings) {
	t.Helper()
	per := func(n int) int { return ops / n }
	compactions, kinds := 0, 0
	for level := range s.compactions {
		n := int(s.compactions[level].Load())
		compactions += n
		if n > 0 {
			kinds++
		}
	}
	for _, m := range []minimum{
		{"turns of iterators", f.turns, per(100)},
		{"reopens", f.reopens, per(30_000)},
		{"crashes", f.crashes, per(30_000)},
		{"snapshots", f.snapshots, per(5000)},
		{"held open over a flush or compaction", f.heldOverFlush, per(20_000)},
		{"held open over Close", f.heldOverClose, per(30_000)},
		{"scans", f.scans, per(1000)},
		{"flushes", int(s.flushes.Load()), per(1000)},
		{"compactions", compactions, per(10_000)},
		{"target levels of compactions", kinds, 1},
	} {
		m.hold(t)
	}
	if ops >= bulkFrom {
		minimum{"levels in use at once", f.levels, 4}.hold(t)
	}
}

// A minimum of coverage that a run must reach. Under the race detector, which
// is so much slower, the share of it that the same time allows.
type minimum struct {
	what      string
	got, want int
}

func (m minimum) hold(t *testing.T) {
	t.Helper()
	if want := m.want / raceFactor; m.got < want {
		t.Errorf("too little covered: %s: %d, want at least %d", m.what, m.got, want)
	}
}

// rapidDice throws through rapid, so that what fails is made small.
type rapidDice struct{ t *rapid.T }

func (d rapidDice) IntN(n int) int { return rapid.IntRange(0, n-1).Draw(d.t, "n") }

// TestModelHoldsShrunk is TestModelHolds in small: a failure is shrunk to few
// steps, and replayed with the flag -rapid.seed or the fail file it names.
func TestModelHoldsShrunk(t *testing.T) {
	guard(t)
	ops, steps := 0, budget(0, 40, 150, 1000)
	for rounds := 0; ops < 20*steps && rounds < 20; rounds++ { // rapid likes few steps
		rapid.Check(t, func(rt *rapid.T) {
			defer watchdog(time.Minute, "a shrunk world")()
			w := newWorld(rt, rapidDice{rt}, 8)
			for range rapid.IntRange(1, steps).Draw(rt, "steps") {
				w.step()
			}
			w.finish()
			ops += w.fig.ops
		})
	}
	t.Logf("%d operations", ops)
	minimum{"operations", ops, 20 * steps}.hold(t)
}
