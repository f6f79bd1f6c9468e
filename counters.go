package varve

// What the engine counts outside of reads, and how Metrics is put together.

import (
	"errors"
	"runtime/metrics"
	"sync/atomic"
	"time"

	"github.com/varvekv/varve/compaction"
	"github.com/varvekv/varve/internal/offheap"
	"github.com/varvekv/varve/manifest"
)

// counters is what Metrics adds up. Its fields synchronise themselves.
type counters struct {
	operations, userBytes     atomic.Uint64
	rotations                 atomic.Uint64
	flushed                   atomic.Uint64 // bytes
	compactedIn, compactedOut atomic.Uint64
	moves                     atomic.Uint64
	corruptions               atomic.Uint64
	jobs                      atomic.Uint64 // numbers given to flushes and compactions

	flushes, compactions workCounter
	levels               [manifest.LevelCount]levelCounters
	seeks, steps         atomic.Uint64 // of closed iterators
}

// workCounter counts flushes, or compactions.
type workCounter struct {
	count, fails    atomic.Uint64
	nanos, maxNanos atomic.Int64
}

func (w *workCounter) ended(took time.Duration, err error) {
	if err != nil {
		w.fails.Add(1)
		return
	}
	w.count.Add(1)
	w.nanos.Add(int64(took))
	for {
		old := w.maxNanos.Load()
		if int64(took) <= old || w.maxNanos.CompareAndSwap(old, int64(took)) {
			return
		}
	}
}

func (w *workCounter) time() time.Duration { return time.Duration(w.nanos.Load()) }
func (w *workCounter) max() time.Duration  { return time.Duration(w.maxNanos.Load()) }

// levelCounters is what passed into one level.
type levelCounters struct {
	compactions, bytesIn, bytesRead, bytesWritten, bytesMoved atomic.Uint64
}

// committedLocked counts one committed unit. REQUIRES: db.commitMu held, so that
// plain loads and stores suffice.
func (c *counters) committedLocked(sizeBytes, count int) {
	c.operations.Store(c.operations.Load() + uint64(count))
	c.userBytes.Store(c.userBytes.Load() + uint64(sizeBytes))
}

// iterated counts what an iterator did.
func (c *counters) iterated(it *Iterator) {
	if it.seeks > 0 {
		c.seeks.Add(it.seeks)
	}
	if it.steps > 0 {
		c.steps.Add(it.steps)
	}
}

// flushedTables counts what a flush wrote, all of it into level 0.
func (c *counters) flushedTables(sizeBytes int64) {
	c.flushed.Add(uint64(sizeBytes))
	c.levels[0].bytesIn.Add(uint64(sizeBytes))
	c.levels[0].bytesWritten.Add(uint64(sizeBytes))
}

// compacted counts what one compaction, or move, did.
func (c *counters) compacted(p *compaction.Plan, r *compaction.Result) {
	var fromAbove uint64
	for _, in := range p.Inputs {
		if in.Level == p.Level {
			continue
		}
		for _, s := range in.Slices {
			fromAbove += uint64(s.FileBytes)
		}
	}
	l := &c.levels[p.Level]
	if p.Move {
		c.moves.Add(uint64(len(r.Edit.Added)))
		l.bytesMoved.Add(fromAbove)
		return
	}
	c.compactedIn.Add(uint64(r.ReadBytes))
	c.compactedOut.Add(uint64(r.WrittenBytes))
	l.compactions.Add(1)
	l.bytesIn.Add(fromAbove)
	l.bytesRead.Add(uint64(r.ReadBytes))
	l.bytesWritten.Add(uint64(r.WrittenBytes))
}

// Metrics is a picture of the counters and of the tree. It takes microseconds,
// waits for no disk, and works on a closed database too.
func (db *DB) Metrics() Metrics {
	m := Metrics{
		Recovery:    db.report,
		Log:         db.log.Metrics(),
		Corruptions: db.counters.corruptions.Load(),
		LastSeq:     db.visible.Load(),
		DurableSeq:  db.DurableSeq(),
		Snapshots:   db.snapshots.count(),
	}
	db.counters.figures(&m)
	db.stall.figures(&m)
	if seqs, _ := db.snapshots.held(&db.visible); len(seqs) > 0 {
		m.OldestSnapshot = seqs[0]
	}
	if err := db.log.Err(); errors.Is(err, ErrPoisoned) {
		m.Poisoned = err
	}
	db.work.figures(&m)
	db.tallies.figures(&m)
	m.Memory.OffHeap, m.Memory.LogBuffers = offheap.Live(), m.Log.BufferBytes
	m.Memory.GoHeap, m.Memory.GoTotal = goMemory()
	db.measure(&m)
	return m
}

func (c *counters) figures(m *Metrics) {
	m.Operations, m.UserBytes = c.operations.Load(), c.userBytes.Load()
	m.Rotations, m.Moves = c.rotations.Load(), c.moves.Load()
	m.Flushes, m.FlushFails = c.flushes.count.Load(), c.flushes.fails.Load()
	m.FlushedBytes = c.flushed.Load()
	m.FlushTime, m.FlushMax = c.flushes.time(), c.flushes.max()
	m.Compactions, m.CompactionFails = c.compactions.count.Load(), c.compactions.fails.Load()
	m.CompactedIn, m.CompactedOut = c.compactedIn.Load(), c.compactedOut.Load()
	m.CompactionTime, m.CompactionMax = c.compactions.time(), c.compactions.max()
	m.Reads.Seeks, m.Reads.Moves = c.seeks.Load(), c.steps.Load()
	for i := range c.levels {
		from, to := &c.levels[i], &m.Levels[i]
		to.Compactions, to.BytesIn, to.BytesRead = from.compactions.Load(), from.bytesIn.Load(), from.bytesRead.Load()
		to.BytesWritten, to.BytesMoved = from.bytesWritten.Load(), from.bytesMoved.Load()
	}
}

// figures is what is going on now.
func (w *background) figures(m *Metrics) {
	w.mu.Lock()
	defer w.mu.Unlock()
	m.BackgroundError = errors.Join(w.flushes.failed, w.compacting.failed)
	m.RunningCompactions, m.Quarantined = len(w.busy), len(w.damaged)
}

// measure fills in what the current view says; a closed database has none, but its
// counts stay.
func (db *DB) measure(m *Metrics) {
	r := db.enter()
	defer db.exit(r)
	m.Cache = db.blocks.Metrics()
	db.tables.figures(m)
	m.OpenIterators = int(db.users.Load())
	v := db.view.Load()
	if v == nil || db.closed.Load() {
		return
	}
	m.OpenIterators-- // the DB counts as one
	db.obsoleteFiles(m)
	m.FlushQueue = len(v.imms)
	m.Memory.Memtable, m.Memory.Memtables = v.mem.SizeBytes(), v.mem.MappedBytes()
	for _, im := range v.imms {
		m.Memory.Immutables += im.SizeBytes()
		m.Memory.Memtables += im.MappedBytes()
	}
	m.Memory.Cache, m.Memory.Tables = m.Cache.MappedBytes, m.Cache.ChargedBytes
	m.Memory.Idle = int64(db.arenas.Idle()) * db.opts.MemtableBytes
	for i := range v.ver.Levels {
		for _, run := range v.ver.Levels[i].Runs {
			m.Levels[i].add(run)
		}
	}
}

func (l *LevelMetrics) add(run manifest.Run) {
	l.Runs++
	for _, s := range run.Slices {
		l.Tables++
		l.Bytes += s.FileBytes
		l.Entries += s.Entries
		l.Tombstones += s.Tombstones
	}
}

// goMemory asks Go's runtime, without stopping the world.
func goMemory() (heap, total int64) {
	s := []metrics.Sample{
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/total:bytes"},
		{Name: "/memory/classes/heap/released:bytes"},
	}
	metrics.Read(s)
	value := func(i int) int64 {
		if s[i].Value.Kind() != metrics.KindUint64 {
			return 0 // a runtime that does not know it
		}
		return int64(s[i].Value.Uint64())
	}
	return value(0), value(1) - value(2)
}
