package tests

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/varvekv/varve"
	"github.com/varvekv/varve/vfs"
)

// A world is a database, the model of it, and what is held open on both. Each
// step does one random thing to the two and compares.
type world struct {
	t    fataler
	d    dice
	fs   *vfs.Strict
	db   *varve.DB
	o    varve.Options
	m    *model
	iter []*heldIter
	snap []*heldSnap

	durability varve.Durability
	nextID     uint64
	scratch    []byte
	batches    []sequenced // above the durable floor
	lastSeq    uint64
	fig        figures
	seen       *sightings
}

// sequenced is which commit has which last sequence.
type sequenced struct {
	unit int
	last uint64
}

// sightings are what the engine's events told; they come from its goroutines.
type sightings struct {
	flushes, rotations, failures, archived atomic.Int64
	compactions                            [8]atomic.Int64 // by target level
	moves                                  atomic.Int64
}

func (s *sightings) events() *varve.Events {
	return &varve.Events{
		FlushEnd: func(i varve.FlushInfo) {
			s.flushes.Add(1)
			if i.Err != nil {
				s.failures.Add(1)
			}
		},
		CompactionEnd: func(i varve.CompactionInfo) {
			s.compactions[i.ToLevel].Add(1)
			if i.IsMove {
				s.moves.Add(1)
			}
		},
		RotateEnd:       func(varve.RotateInfo) { s.rotations.Add(1) },
		ArchiveEnd:      func(varve.ArchiveInfo) { s.archived.Add(1) },
		BackgroundError: func(error) { s.failures.Add(1) },
	}
}

// figures are what a run covered.
type figures struct {
	ops, moves, turns, reopens, crashes, lost       int
	snapshots, heldOverFlush, heldOverClose, levels int
	flushed, compacted, checks, scans               int
}

const worldDir = "db"

func newWorld(t fataler, d dice, keys int) *world {
	w := &world{t: t, d: d, fs: vfs.NewStrict(uint64(d.IntN(1 << 30))), seen: new(sightings)}
	w.m = newModel(universe(d, keys))
	w.open()
	return w
}

// randomOptions are small, so that little work makes many files and levels.
func randomOptions(d dice, fs vfs.FS, seen *sightings) varve.Options {
	o := varve.Options{
		Durability:    varve.Durability(d.IntN(3)),
		MemtableBytes: 64 << 10,
		CacheBytes:    []int64{-1, 1, 64 << 10, 1 << 20, 8 << 20}[d.IntN(5)],
		Compression:   varve.Compression(d.IntN(4)),
		BloomBits:     []int{0, -1, 1, 4, 20}[d.IntN(5)],
		Compactions:   d.IntN(3),
		FS:            fs,
		Events:        seen.events(),
	}
	if chance(d, 4) {
		o.MemtableBytes = 256 << 10
	}
	if chance(d, 3) {
		o.Archive = varve.ArchiveOptions{Dir: "archive", MaxBytes: int64(d.IntN(2)) << 20, Compress: chance(d, 2)}
	}
	return o
}

func (w *world) open() {
	w.t.Helper()
	w.openWith(randomOptions(w.d, w.fs, w.seen))
}

func (w *world) openWith(o varve.Options) {
	w.t.Helper()
	w.o = o
	db, err := varve.Open(worldDir, &w.o)
	if err != nil {
		w.t.Fatalf("open with %s: %v", describe(&w.o), err)
	}
	w.db, w.durability = db, w.o.Durability
	w.t.Logf("op %d: opened with %s", w.fig.ops, describe(&w.o))
}

func describe(o *varve.Options) string {
	return fmt.Sprintf("{durability %d memtable %d cache %d compression %d bloom %d compactions %d archive %+v}",
		o.Durability, o.MemtableBytes, o.CacheBytes, o.Compression, o.BloomBits, o.Compactions, o.Archive.Dir)
}

// must ends the test when an engine call failed that had no reason to.
func (w *world) must(what string, err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatalf("op %d: %s: %v", w.fig.ops, what, err)
	}
}

func (w *world) fail(format string, args ...any) {
	w.t.Helper()
	w.t.Fatalf("op %d: %s", w.fig.ops, fmt.Sprintf(format, args...))
}

// key throws a key of the universe, the same ones more often than others.
func (w *world) key() int {
	n := len(w.m.keys)
	if chance(w.d, 3) {
		n = min(n, 16)
	}
	return w.d.IntN(n)
}

func (w *world) change(atMost int) change {
	k := w.key()
	if chance(w.d, 4) {
		return change{k, absent}
	}
	w.nextID++
	return change{k, newStamp(w.nextID, size(w.d, atMost))}
}

// write commits one unit at a random durability.
func (w *world) write(unit []change) {
	w.t.Helper()
	var to varve.Writer = w.db
	d := w.durability
	if chance(w.d, 3) {
		d = varve.Durability(w.d.IntN(3))
		to = w.db.With(d)
	}
	seq, err := apply(to, w.m.keys, unit, chance(w.d, 4))
	w.must("write", err)
	w.m.commit(unit, d == varve.Synced)
	w.fig.ops += len(unit)
	if seq == 0 && len(unit) > 1 {
		w.fail("a written batch has sequence 0")
	}
	if seq != 0 {
		if seq <= w.lastSeq {
			w.fail("sequence %d after %d", seq, w.lastSeq)
		}
		w.lastSeq = seq + uint64(len(unit)) - 1
		w.batches = append(w.batches, sequenced{w.m.unit, w.lastSeq})
	}
	oldest := w.oldest()
	for _, c := range unit {
		w.m.prune(c.key, oldest)
	}
}

// oldest is the oldest commit that something held open still sees.
func (w *world) oldest() int {
	oldest := w.m.unit
	for _, s := range w.snap {
		oldest = min(oldest, s.unit)
	}
	for _, it := range w.iter {
		oldest = min(oldest, it.w.unit)
	}
	return oldest
}

// durable lifts the model's floor by what the engine says is durable.
func (w *world) durable() {
	seq := w.db.DurableSeq()
	for len(w.batches) > 0 && w.batches[0].last <= seq {
		w.m.settleAt(w.batches[0].unit)
		w.batches = w.batches[1:]
	}
	if len(w.batches) > 1000 {
		w.batches = w.batches[len(w.batches)-100:]
	}
}

// shut closes everything held, in random order with the database.
func (w *world) shut() {
	w.t.Helper()
	early := chance(w.d, 2)
	if early {
		w.release()
	}
	w.must("close", w.db.Close())
	if !early {
		w.fig.heldOverClose += len(w.iter) + len(w.snap)
		w.expectClosed()
		w.release()
	}
}

// bulk writes so much, incompressible and through the smallest memtable, that
// the tree grows four levels.
func (w *world) bulk() {
	w.t.Helper()
	w.shut()
	w.m.settleAt(w.m.unit)
	w.batches = nil
	o := randomOptions(w.d, w.fs, w.seen)
	o.MemtableBytes, o.Compression, o.Durability = 64<<10, varve.CompressionNone, varve.Buffered
	w.openWith(o)
	for written := 0; w.fig.levels < 4 && written < 96<<20; {
		stop := watchdog(time.Minute, "bulk writing")
		unit := make([]change, 40)
		for i := range unit {
			w.nextID += 2 - w.nextID%2 // even ones do not compress
			unit[i] = change{w.d.IntN(len(w.m.keys)), newStamp(w.nextID, 2500+w.d.IntN(2500))}
			written += int(unit[i].to.size)
		}
		w.write(unit)
		if written%(1<<20) < 160_000 {
			w.durable()
			w.fig.levels = max(w.fig.levels, levelsInUse(w.db.Metrics()))
		}
		stop()
	}
}

// finish verifies all of it once more and closes.
func (w *world) finish() {
	w.t.Helper()
	w.compareAll()
	w.must("Check", w.db.Check(context.Background()))
	w.fig.levels = max(w.fig.levels, levelsInUse(w.db.Metrics()))
	w.shut()
	noHandles(w.t, w.fs)
}

// levelsInUse is how many levels hold tables.
func levelsInUse(m varve.Metrics) (n int) {
	for _, l := range m.Levels {
		if l.Tables > 0 {
			n++
		}
	}
	return n
}

// compareAll reads the whole database and compares it with the newest state.
func (w *world) compareAll() {
	w.t.Helper()
	found, err := contents(w.db, w.m.keys, chance(w.d, 2))
	w.must("read all", err)
	for i := range found {
		if want := w.m.at(i, w.m.unit); found[i] != want {
			w.fail("key %q: found %v, want %v", clip(w.m.keys[i]), found[i], want)
		}
	}
}

// reopen closes and opens again: everything must be there.
func (w *world) reopen() {
	w.t.Helper()
	w.shut()
	noHandles(w.t, w.fs)
	w.m.settleAt(w.m.unit)
	w.batches = nil
	w.open()
	w.fig.reopens++
	if chance(w.d, 4) {
		w.compareAll()
	}
}

// crash cuts the power and opens what the disk held.
func (w *world) crash() {
	w.t.Helper()
	w.durable()
	img := w.fs.CrashImage(rand.New(rand.NewPCG(uint64(w.d.IntN(1<<30)), 0)))
	w.release()
	w.must("close of what crashed", w.db.Close())
	noHandles(w.t, w.fs)
	w.fs, w.batches = img, nil
	w.open()
	found, err := contents(w.db, w.m.keys, false)
	w.must("read after crash", err)
	n, err := w.m.since.settle(found, 0)
	if err != nil {
		w.fail("after a crash: %v", err)
	}
	w.fig.crashes++
	w.fig.lost += len(w.m.since.units) - n
	w.m.rollBack(w.m.floor + n)
	w.lastSeq = w.db.Metrics().LastSeq
}

// background names what the engine did meanwhile.
func (w *world) background() string {
	s := w.seen
	var by []string
	for level := range s.compactions {
		if n := s.compactions[level].Load(); n > 0 {
			by = append(by, fmt.Sprintf("L%d %d", level, n))
		}
	}
	return fmt.Sprintf("%d rotations, %d flushes, compactions into %v, %d of them moves, %d segments archived",
		s.rotations.Load(), s.flushes.Load(), by, s.moves.Load(), s.archived.Load())
}

// patience bounds calls that may wait for the background.
func patience() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), time.Minute)
}
