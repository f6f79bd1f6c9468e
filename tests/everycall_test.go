package tests

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/varvekv/varve"
	"github.com/varvekv/varve/vfs"
)

// A crashPoint is the moment before one call of the file system.
type crashPoint struct {
	fs    *vfs.Strict
	floor int // units durable by then
	op    string
}

// pointTaker draws images before every call.
type pointTaker struct {
	fs     *vfs.Strict
	floor  func() int
	rng    *rand.Rand
	extra  int // random images beside the strict and the kept one
	mu     sync.Mutex
	points []crashPoint
	calls  int
	prints map[uint64]int // fingerprint → greatest floor it was taken with
}

func (p *pointTaker) hook(op vfs.Op) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls++
	p.add(p.fs.CrashImageStrict(), op)
	p.add(p.fs.CrashImageKept(), op)
	for range p.extra {
		p.add(p.fs.CrashImage(p.rng), op)
	}
}

// add leaves out what was there already with as much to hold.
func (p *pointTaker) add(img *vfs.Strict, op vfs.Op) {
	floor := p.floor()
	print := img.Fingerprint()
	if known, ok := p.prints[print]; ok && known >= floor {
		return
	}
	p.prints[print] = floor
	p.points = append(p.points, crashPoint{img, floor, op.String()})
}

// TestCrashAtEveryCall cuts the power before and after every call that a
// script makes, and at every call of the recovery that follows (G2).
func TestCrashAtEveryCall(t *testing.T) {
	guard(t)
	rng, _ := seeded(t)
	fs := vfs.NewStrict(rng.Uint64())
	p := newPlayer(fs)
	first := &pointTaker{fs: fs, rng: rng, extra: budget(0, 1, 3, 8), prints: make(map[uint64]int),
		floor: func() int { return int(p.synced.Load()) }}
	fs.SetHook(first.hook)
	if err := p.play(); err != nil || !p.finished {
		t.Fatalf("the script itself failed: %v %v", err, p.errs)
	}
	fs.SetHook(nil)
	rng.Shuffle(len(first.points), func(i, j int) {
		first.points[i], first.points[j] = first.points[j], first.points[i]
	})
	limit := time.Now().Add(span(4*time.Second, 25*time.Second, 100*time.Hour))
	done, second, deepCalls := 0, 0, 0
	least := budget(0, 30, 150, len(first.points))
	for _, point := range first.points {
		if done >= least/raceFactor && time.Now().After(limit) {
			break
		}
		n, calls := recoverTwice(t, p, point, rng, time.Now().Before(limit))
		done, second, deepCalls = done+1, second+n, deepCalls+calls
	}
	t.Logf("%d calls, %d distinct images before them, %d of them recovered; %d distinct images before %d calls of their recoveries; %d rotations, %d flushes, %d segments archived",
		first.calls, len(first.points), done, second, deepCalls, p.seen.rotations.Load(), p.seen.flushes.Load(), p.seen.archived.Load())
	minimum{"images recovered", done, least}.hold(t)
	minimum{"images of recoveries", second, budget(0, 60, 400, 10*done)}.hold(t)
}

// recoverTwice opens the image of a point, and the images before each call of
// that opening: all must hold the same.
func recoverTwice(t *testing.T, p *player, point crashPoint, rng *rand.Rand, deep bool) (images, calls int) {
	t.Helper()
	r := recovery{led: p.led, floor: point.floor, rng: rng, o: *p.options()}
	r.o.Events = nil
	taker := &pointTaker{fs: point.fs, rng: rand.New(rand.NewPCG(rng.Uint64(), 1)), extra: 1, prints: make(map[uint64]int), floor: func() int { return point.floor }}
	if deep {
		point.fs.SetHook(taker.hook)
	}
	n, err := r.open(point.fs, point.floor, func() { point.fs.SetHook(nil) })
	if err != nil {
		t.Fatalf("crash before %q, %d commits durable: %v\nfiles: %s", point.op, point.floor, err, listing(point.fs))
	}
	for _, again := range taker.points {
		m, err := r.open(again.fs, point.floor, func() {})
		if err != nil {
			t.Fatalf("crash before %q, %d commits durable, and in the recovery before %q: %v\nfiles: %s", point.op, point.floor, again.op, err, listing(again.fs))
		}
		if m != n && !slices.Equal(p.led.state(m), p.led.state(n)) {
			t.Fatalf("crash before %q: recovery found %d commits, and after a crash in it before %q found %d", point.op, n, again.op, m)
		}
	}
	return len(taker.points), taker.calls
}

// TestScriptRuns plays the script without any harm: the tests that break it
// lean on that.
func TestScriptRuns(t *testing.T) {
	guard(t)
	fs := vfs.NewStrict(1)
	p := newPlayer(fs)
	if err := p.play(); err != nil || !p.finished {
		t.Fatalf("%v %v", err, p.errs)
	}
	noHandles(t, fs)
	t.Logf("%d calls, %d commits, %d rotations, %d flushes, %d segments archived",
		fs.Ops(), len(p.led.units), p.seen.rotations.Load(), p.seen.flushes.Load(), p.seen.archived.Load())
	for level := range p.seen.compactions {
		if n := p.seen.compactions[level].Load(); n > 0 {
			t.Logf("compactions into level %d: %d", level, n)
		}
	}
	minimum{"rotations", int(p.seen.rotations.Load()), 3}.hold(t)
	minimum{"flushes", int(p.seen.flushes.Load()), 4}.hold(t)
	r := recovery{led: p.led, rng: newRand(1, "script"), o: varve.Options{}}
	if _, err := r.open(fs, len(p.led.units), func() {}); err != nil {
		t.Fatal(err)
	}
}
