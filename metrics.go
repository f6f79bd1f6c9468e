package varve

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"github.com/varvekv/varve/compaction"
	"github.com/varvekv/varve/internal/cache"
	"github.com/varvekv/varve/internal/offheap"
	"github.com/varvekv/varve/manifest"
	"github.com/varvekv/varve/wal"
)

// Metrics is what the engine counted since Open, and what it holds now.
type Metrics struct {
	Levels   [manifest.LevelCount]LevelMetrics
	Memory   MemoryMetrics
	Cache    cache.Metrics
	Log      wal.Metrics
	Recovery RecoveryReport

	Operations      uint64 // committed Puts and Deletes
	UserBytes       uint64 // keys and values, as encoded for the log
	Flushes         uint64
	FlushedBytes    uint64 // of tables written by flushes
	Compactions     uint64
	CompactedIn     uint64 // bytes of tables read by compactions
	CompactedOut    uint64 // bytes of tables written by compactions
	Moves           uint64 // tables that changed level without being rewritten
	Rotations       uint64
	Corruptions     uint64 // reads that found damage
	Stalls          uint64 // writers that waited for a full pipeline
	Paced           uint64 // writers that were held back before that
	StallTime       time.Duration
	StallReason     StallReason // in force now
	Snapshots       int
	OldestSnapshot  uint64 // sequence; 0 without snapshots
	OpenTables      int
	LastSeq         uint64 // newest readable operation
	DurableSeq      uint64
	BackgroundError error // of the last flush or compaction; nil once one succeeded
	Poisoned        error // why every write fails; nil otherwise
}

// LevelMetrics describes one level.
type LevelMetrics struct {
	Runs, Tables        int
	Bytes               int64
	Entries, Tombstones uint64
}

// MemoryMetrics says where the engine's memory is, in bytes, besides the Go heap.
type MemoryMetrics struct {
	Memtable   int64 // the active one
	Immutables int64 // those that wait for their flush
	Cache      int64 // mapped for blocks
	Tables     int64 // indexes and filters of open tables; counted in CacheBytes
	Idle       int64 // arenas kept for the next memtable
	OffHeap    int64 // everything mapped outside Go's heap by varve in this process
}

// counters is what Metrics adds up. Its fields synchronise themselves.
type counters struct {
	operations, userBytes     atomic.Uint64
	flushes, flushed          atomic.Uint64
	compactions               atomic.Uint64
	compactedIn, compactedOut atomic.Uint64
	moves, rotations          atomic.Uint64
	corruptions               atomic.Uint64
}

// committedLocked counts one committed unit. REQUIRES: db.commitMu held, so that
// plain loads and stores suffice.
func (c *counters) committedLocked(sizeBytes, count int) {
	c.operations.Store(c.operations.Load() + uint64(count))
	c.userBytes.Store(c.userBytes.Load() + uint64(sizeBytes))
}

// compacted counts one compaction.
func (c *counters) compacted(p *compaction.Plan, r *compaction.Result) {
	if p.Move {
		c.moves.Add(uint64(len(r.Edit.Added)))
		return
	}
	c.compactions.Add(1)
	c.compactedIn.Add(uint64(r.ReadBytes))
	c.compactedOut.Add(uint64(r.WrittenBytes))
}

// Metrics is a picture of the counters and of the tree. It takes microseconds.
func (db *DB) Metrics() Metrics {
	m := Metrics{
		Recovery:     db.report,
		Operations:   db.counters.operations.Load(),
		UserBytes:    db.counters.userBytes.Load(),
		Flushes:      db.counters.flushes.Load(),
		FlushedBytes: db.counters.flushed.Load(),
		Compactions:  db.counters.compactions.Load(),
		CompactedIn:  db.counters.compactedIn.Load(),
		CompactedOut: db.counters.compactedOut.Load(),
		Moves:        db.counters.moves.Load(),
		Rotations:    db.counters.rotations.Load(),
		Corruptions:  db.counters.corruptions.Load(),
		Stalls:       db.stall.waits.Load(),
		Paced:        db.stall.paced.Load(),
		StallTime:    time.Duration(db.stall.slept.Load()),
		StallReason:  StallReason(db.stall.reason.Load()),
		Memory:       MemoryMetrics{OffHeap: offheap.Live()},
		LastSeq:      db.visible.Load(),
		DurableSeq:   db.DurableSeq(),
	}
	if seqs, _ := db.snapshots.held(&db.visible); len(seqs) > 0 {
		m.OldestSnapshot = seqs[0]
	}
	m.Snapshots = db.snapshots.count()
	m.BackgroundError = db.work.lastFailure()
	if err := db.log.Err(); errors.Is(err, ErrPoisoned) {
		m.Poisoned = err
	}
	m.Log = db.log.Metrics()
	db.measure(&m)
	return m
}

// measure fills in what the current view says; a closed database has none.
func (db *DB) measure(m *Metrics) {
	r := db.enter()
	defer db.exit(r)
	v := db.view.Load()
	if v == nil || db.closed.Load() {
		return
	}
	m.Cache = db.blocks.Metrics()
	m.OpenTables = db.tables.openCount()
	m.Memory = MemoryMetrics{
		Memtable: v.mem.SizeBytes(),
		Cache:    m.Cache.MappedBytes,
		Tables:   m.Cache.ChargedBytes,
		Idle:     int64(db.arenas.Idle()) * db.opts.MemtableBytes,
		OffHeap:  offheap.Live(),
	}
	for _, im := range v.imms {
		m.Memory.Immutables += im.SizeBytes()
	}
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

// WriteAmplification is the bytes that went to tables and log, per byte of the
// user's; 0 before the first write.
func (m Metrics) WriteAmplification() float64 {
	if m.UserBytes == 0 {
		return 0
	}
	return float64(m.Log.WrittenBytes+m.FlushedBytes+m.CompactedOut) / float64(m.UserBytes)
}

// String is a table for people to read.
func (m Metrics) String() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "level\truns\ttables\tbytes\tentries\ttombstones\t")
	for i, l := range m.Levels {
		if l.Tables > 0 {
			fmt.Fprintf(w, "%d\t%d\t%d\t%s\t%d\t%d\t\n", i, l.Runs, l.Tables, bytesText(l.Bytes), l.Entries, l.Tombstones)
		}
	}
	w.Flush() //nolint:errcheck // into memory
	fmt.Fprintf(&b, "memory: memtable %s, immutables %s, cache %s, indexes and filters %s, idle arenas %s; off heap %s in all\n",
		bytesText(m.Memory.Memtable), bytesText(m.Memory.Immutables), bytesText(m.Memory.Cache), bytesText(m.Memory.Tables), bytesText(m.Memory.Idle), bytesText(m.Memory.OffHeap))
	fmt.Fprintf(&b, "writes: %d operations, %s; write amplification %.2f; last sequence %d, durable %d\n",
		m.Operations, bytesText(int64(m.UserBytes)), m.WriteAmplification(), m.LastSeq, m.DurableSeq)
	fmt.Fprintf(&b, "work: %d flushes (%s), %d compactions (%s in, %s out), %d moves, %d rotations\n",
		m.Flushes, bytesText(int64(m.FlushedBytes)), m.Compactions, bytesText(int64(m.CompactedIn)), bytesText(int64(m.CompactedOut)), m.Moves, m.Rotations)
	fmt.Fprintf(&b, "stalls: %d waits, %d paced, %v in all, now %v\n", m.Stalls, m.Paced, m.StallTime.Round(time.Microsecond), m.StallReason)
	fmt.Fprintf(&b, "open tables %d, snapshots %d, corruptions %d\n", m.OpenTables, m.Snapshots, m.Corruptions)
	if m.Poisoned != nil {
		fmt.Fprintf(&b, "poisoned: %v\n", m.Poisoned)
	}
	if m.BackgroundError != nil {
		fmt.Fprintf(&b, "background error: %v\n", m.BackgroundError)
	}
	return b.String()
}

// bytesText is a size for people to read.
func bytesText(n int64) string {
	const unit = 1024
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	f, i := float64(n)/unit, 0
	for ; f >= unit && i < 4; i++ {
		f /= unit
	}
	return fmt.Sprintf("%.1f %ciB", f, "KMGTP"[i])
}
