package wal

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// stats are the figures behind Metrics.
type stats struct {
	writes       atomic.Uint64
	writtenBytes atomic.Uint64
	segments     atomic.Uint64
	syncs        atomic.Uint64
	syncNanos    atomic.Uint64
	syncTook     [32]atomic.Uint64 // by power of two of microseconds
	recycled     atomic.Uint64
	archived     atomic.Uint64
	archiveFails atomic.Uint64
	closeFails   atomic.Uint64
}

func (s *stats) noteSync(took time.Duration) {
	s.syncs.Add(1)
	s.syncNanos.Add(uint64(took))
	s.syncTook[min(bits.Len64(uint64(took/time.Microsecond)), len(s.syncTook)-1)].Add(1)
}

// noteCloseError counts a failed close of a segment that was synced before: the
// data is safe, only the descriptor's fate is unknown.
func (l *Log) noteCloseError(error) { l.stats.closeFails.Add(1) }

// Metrics are figures since Open.
type Metrics struct {
	End, Written, Durable LSN
	Start                 LSN
	DurableSeq            uint64
	LiveSegments          int
	PendingBytes          int64 // appended and not yet handed to the system
	BufferBytes           int64 // memory of the buffers: for what is pending, and free ones

	Segments     uint64 // begun
	Recycled     uint64
	Archived     uint64
	ArchiveFails uint64
	Writes       uint64
	WrittenBytes uint64 // in whole blocks, rewritten tails included
	Syncs        uint64
	SyncTime     time.Duration // of all syncs
	// SyncHistogram counts syncs by duration: element i those below 1<<i microseconds.
	SyncHistogram [32]uint64
}

// Metrics takes the figures; each is consistent in itself.
func (l *Log) Metrics() Metrics {
	s := &l.stats
	m := Metrics{
		Written: l.Written(), Durable: l.Durable(), DurableSeq: l.DurableSeq(),
		Segments: s.segments.Load(), Recycled: s.recycled.Load(), Archived: s.archived.Load(), ArchiveFails: s.archiveFails.Load(),
		Writes: s.writes.Load(), WrittenBytes: s.writtenBytes.Load(),
		Syncs: s.syncs.Load(), SyncTime: time.Duration(s.syncNanos.Load()),
	}
	for i := range s.syncTook {
		m.SyncHistogram[i] = s.syncTook[i].Load()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	m.End, m.Start, m.LiveSegments, m.PendingBytes = l.dataEnd, l.start, len(l.segments), l.pending
	m.BufferBytes = int64(l.chunks) * chunkAlloc
	return m
}
