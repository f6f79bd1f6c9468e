package tests

import (
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/varvekv/varve"
	"github.com/varvekv/varve/vfs"
)

// A life is one opening of a database under concurrent writers, until it is
// closed; meanwhile images are drawn of what the disk would hold after a power
// cut. When all writers have ended, sequences tell the order of commits, and
// the ledger every image that may be.
type life struct {
	fs     *vfs.Strict
	rng    *rand.Rand
	keys   []string
	base   []stamp
	o      varve.Options
	seen   *sightings
	nextID *atomic.Uint64
	quiet  bool // nobody asks for a sync but the engine itself

	durableSeq atomic.Uint64 // greatest sequence known to be on stable storage
	ackedSeq   atomic.Uint64 // greatest sequence of a write that returned

	mu     sync.Mutex
	units  []committed
	images []image
	errs   []error
	chance int // an image is drawn at one call in so many
	most   int // images
}

type committed struct {
	seq  uint64
	unit []change
}

// An image is a crash, and what was known to be durable before it.
type image struct {
	fs    *vfs.Strict
	floor uint64 // sequence
	at    string // the call that never happened
}

func (l *life) tiny(archive bool) varve.Options {
	return varve.Options{
		MemtableBytes: 64 << 10, CacheBytes: 256 << 10, FS: l.fs, Events: l.seen.events(),
		Durability: varve.Durability(l.rng.IntN(3)), Compression: varve.Compression(l.rng.IntN(4)),
		Archive: archiveOf(archive),
	}
}

func archiveOf(archive bool) varve.ArchiveOptions {
	if !archive {
		return varve.ArchiveOptions{}
	}
	return varve.ArchiveOptions{Dir: "archive"}
}

// draw is the hook: it runs before every call of the file system.
func (l *life) draw(op vfs.Op) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.images) >= l.most || l.rng.IntN(l.chance) != 0 {
		return
	}
	l.take(op.String())
}

// take draws one image. The floor is read first: what is durable by then must
// be in it.
func (l *life) take(at string) {
	floor := l.durableSeq.Load()
	var img *vfs.Strict
	switch l.rng.IntN(8) {
	case 0:
		img = l.fs.CrashImageStrict()
	case 1:
		img = l.fs.CrashImageKept()
	default:
		img = l.fs.CrashImage(l.rng)
	}
	l.images = append(l.images, image{img, floor, at})
}

// raise lifts v to at least to.
func raise(v *atomic.Uint64, to uint64) {
	for old := v.Load(); old < to && !v.CompareAndSwap(old, to); old = v.Load() {
	}
}

// run opens, writes from several goroutines, and closes.
func (l *life) run(writers, unitsEach int) error {
	seeds := make([]uint64, writers+1) // once the hook is set, l.rng is its own
	for i := range seeds {
		seeds[i] = l.rng.Uint64()
	}
	l.fs.SetHook(l.draw)
	db, err := varve.Open(worldDir, &l.o)
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	done := make(chan struct{})
	for i := range writers {
		rng := rand.New(rand.NewPCG(seeds[i], 1))
		wg.Add(1)
		go func() {
			defer wg.Done()
			l.write(db, rng, unitsEach)
		}()
	}
	var keeper sync.WaitGroup
	keeper.Add(1)
	rng := rand.New(rand.NewPCG(seeds[writers], 2))
	go func() {
		defer keeper.Done()
		l.keep(db, rng, done)
	}()
	wg.Wait()
	close(done)
	keeper.Wait()
	l.mu.Lock()
	l.take("none: all writers have ended")
	l.mu.Unlock()
	l.note(db.Close())
	raise(&l.durableSeq, l.ackedSeq.Load())
	l.fs.SetHook(nil)
	l.take("none: closed")
	if len(l.errs) > 0 {
		return l.errs[0]
	}
	return nil
}

func (l *life) note(err error) bool {
	if err == nil {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.errs = append(l.errs, err)
	return false
}

func (l *life) write(db *varve.DB, rng *rand.Rand, units int) {
	for range units {
		unit := make([]change, 1+rng.IntN(6))
		for i := range unit {
			unit[i] = change{rng.IntN(len(l.keys)), absent}
			if rng.IntN(4) != 0 {
				unit[i].to = newStamp(l.nextID.Add(1), size(rng, 4000))
			}
		}
		d := varve.Durability(rng.IntN(3))
		if l.quiet {
			d = max(d, varve.Written)
		}
		seq, err := apply(db.With(d), l.keys, unit, true)
		if !l.note(err) {
			return
		}
		last := seq + uint64(len(unit)) - 1
		raise(&l.ackedSeq, last)
		if d == varve.Synced {
			raise(&l.durableSeq, last)
		}
		raise(&l.durableSeq, db.DurableSeq())
		l.mu.Lock()
		l.units = append(l.units, committed{seq, unit})
		l.mu.Unlock()
	}
}

// keep does what a caretaker does: syncs, flushes, compacts, waits.
func (l *life) keep(db *varve.DB, rng *rand.Rand, done <-chan struct{}) {
	for !l.quiet {
		select {
		case <-done:
			return
		default:
		}
		ctx, cancel := patience()
		acked := l.ackedSeq.Load()
		switch rng.IntN(12) {
		case 0:
			if l.note(db.Flush()) {
				raise(&l.durableSeq, acked)
			}
		case 1:
			l.note(db.Compact(ctx, nil, nil))
		case 2:
			if acked > 0 && l.note(db.WaitDurable(ctx, acked)) {
				raise(&l.durableSeq, acked)
			}
		default:
			if l.note(db.Sync()) {
				raise(&l.durableSeq, acked)
			}
		}
		cancel()
	}
}

// ledger orders what was committed, once the life is over.
func (l *life) ledger() (*ledger, []committed) {
	slices.SortFunc(l.units, func(a, b committed) int {
		if a.seq < b.seq {
			return -1
		}
		return 1
	})
	led := &ledger{keys: l.keys, base: l.base}
	for _, u := range l.units {
		led.units = append(led.units, u.unit)
	}
	return led, l.units
}

// floorUnits is how many units end at or below a durable sequence.
func floorUnits(units []committed, seq uint64) int {
	n := 0
	for n < len(units) && units[n].seq+uint64(len(units[n].unit))-1 <= seq {
		n++
	}
	return n
}
