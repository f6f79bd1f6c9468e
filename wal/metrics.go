package wal

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// stats are the figures behind Metrics.
type stats struct {
	writes        atomic.Uint64
	writtenBytes  atomic.Uint64
	preparedBytes atomic.Uint64
	segments      atomic.Uint64
	recycled      atomic.Uint64
	closeFails    atomic.Uint64

	syncs     atomic.Uint64
	syncNanos atomic.Uint64
	syncMax   atomic.Uint64     // nanoseconds; written by who leads
	syncTook  [32]atomic.Uint64 // by power of two of microseconds

	groups     atomic.Uint64
	grouped    atomic.Uint64
	groupMax   atomic.Uint64 // written by who leads
	groupSizes [16]atomic.Uint64

	archived       atomic.Uint64
	archivedBytes  atomic.Uint64
	archiveNanos   atomic.Uint64
	archiveFails   atomic.Uint64
	archiveDropped atomic.Uint64

	roomWaits atomic.Uint64
	roomNanos atomic.Uint64
}

// noteSync counts a sync. REQUIRES: the lead.
func (s *stats) noteSync(took time.Duration) {
	s.syncs.Add(1)
	s.syncNanos.Add(uint64(took))
	s.syncMax.Store(max(s.syncMax.Load(), uint64(took)))
	s.syncTook[min(bits.Len64(uint64(took/time.Microsecond)), len(s.syncTook)-1)].Add(1)
}

// noteGroup counts the commits that one sync served. REQUIRES: the lead.
func (s *stats) noteGroup(commits int) {
	if commits == 0 {
		return
	}
	n := uint64(commits)
	s.groups.Add(1)
	s.grouped.Add(n)
	s.groupMax.Store(max(s.groupMax.Load(), n))
	s.groupSizes[min(bits.Len64(n)-1, len(s.groupSizes)-1)].Add(1)
}

func (s *stats) noteArchived(sizeBytes int64, took time.Duration) {
	s.archived.Add(1)
	s.archivedBytes.Add(uint64(sizeBytes))
	s.archiveNanos.Add(uint64(took))
}

func (s *stats) noteRoomWait(took time.Duration) {
	s.roomWaits.Add(1)
	s.roomNanos.Add(uint64(took))
}

// noteCloseError counts a failed close of a segment that was synced before: the
// data is safe, only the descriptor's fate is unknown.
func (l *Log) noteCloseError(error) { l.stats.closeFails.Add(1) }

// Metrics are figures since Open. Durations are nanoseconds in JSON.
type Metrics struct {
	End        LSN    `json:"end_lsn"`     // behind the last append
	Written    LSN    `json:"written_lsn"` // in the operating system's hands up to here
	Durable    LSN    `json:"durable_lsn"` // on stable storage up to here
	Start      LSN    `json:"start_lsn"`   // the oldest position still needed
	DurableSeq uint64 `json:"durable_seq"` // everything up to it is on stable storage

	LiveSegments     int   `json:"live_segments"`     // that are still needed
	SpareSegments    int   `json:"spare_segments"`    // prepared ahead, or kept to become so
	ReleasedSegments int   `json:"released_segments"` // that wait for the archive, a reader to let go, or their removal
	PendingBytes     int64 `json:"pending_bytes"`     // appended and not yet handed to the system
	BufferBytes      int64 `json:"buffer_bytes"`      // memory of the buffers: for what is pending, and free ones

	Segments      uint64 `json:"segments"`       // begun
	Recycled      uint64 `json:"recycled"`       // files that became another segment
	Writes        uint64 `json:"writes"`         // calls of the system
	WrittenBytes  uint64 `json:"written_bytes"`  // in whole blocks, rewritten tails included
	PreparedBytes uint64 `json:"prepared_bytes"` // written ahead into files of later segments
	CloseFails    uint64 `json:"close_fails"`    // of segments whose content was safe

	Syncs    uint64        `json:"syncs"`
	SyncTime time.Duration `json:"sync_time_ns"` // of all syncs
	SyncMax  time.Duration `json:"sync_max_ns"`  // of the longest
	// SyncHistogram counts syncs by duration: element i those below 1<<i
	// microseconds and not below half of that.
	SyncHistogram [32]uint64 `json:"sync_histogram"`

	Groups       uint64 `json:"groups"`        // syncs made for Synced commits
	GroupCommits uint64 `json:"group_commits"` // those commits
	GroupMax     uint64 `json:"group_max"`     // most commits that shared one sync
	// GroupHistogram counts groups by size: element i those of 1<<i to 2<<i - 1
	// commits, the last one all larger ones too.
	GroupHistogram [16]uint64 `json:"group_histogram"`

	Archived       uint64        `json:"archived"`        // segments
	ArchivedBytes  uint64        `json:"archived_bytes"`  // of them, uncompressed
	ArchiveTime    time.Duration `json:"archive_time_ns"` // that took
	ArchiveFails   uint64        `json:"archive_fails"`   // each is tried again, unless it is dropped
	ArchiveDropped uint64        `json:"archive_dropped"` // segments given up: the backlog was full

	RoomWaits    uint64        `json:"room_waits"`        // appenders that waited for room in the buffer
	RoomWaitTime time.Duration `json:"room_wait_time_ns"` // of all of them
}

// Metrics takes the figures; each is consistent in itself.
func (l *Log) Metrics() Metrics {
	s := &l.stats
	m := Metrics{
		Written: l.Written(), Durable: l.Durable(), DurableSeq: l.DurableSeq(),
		Segments: s.segments.Load(), Recycled: s.recycled.Load(), CloseFails: s.closeFails.Load(),
		Writes: s.writes.Load(), WrittenBytes: s.writtenBytes.Load(), PreparedBytes: s.preparedBytes.Load(),
		Archived: s.archived.Load(), ArchivedBytes: s.archivedBytes.Load(), ArchiveTime: time.Duration(s.archiveNanos.Load()),
		ArchiveFails: s.archiveFails.Load(), ArchiveDropped: s.archiveDropped.Load(),
		RoomWaits: s.roomWaits.Load(), RoomWaitTime: time.Duration(s.roomNanos.Load()),
	}
	s.syncFigures(&m)
	l.keeper.figures(&m)
	l.mu.Lock()
	defer l.mu.Unlock()
	m.End, m.Start, m.LiveSegments, m.PendingBytes = l.dataEnd, l.start, len(l.segments), l.pending
	m.BufferBytes = int64(l.chunks) * chunkAlloc
	return m
}

func (s *stats) syncFigures(m *Metrics) {
	m.Syncs, m.SyncTime, m.SyncMax = s.syncs.Load(), time.Duration(s.syncNanos.Load()), time.Duration(s.syncMax.Load())
	for i := range s.syncTook {
		m.SyncHistogram[i] = s.syncTook[i].Load()
	}
	m.Groups, m.GroupCommits, m.GroupMax = s.groups.Load(), s.grouped.Load(), s.groupMax.Load()
	for i := range s.groupSizes {
		m.GroupHistogram[i] = s.groupSizes[i].Load()
	}
}

func (k *keeper) figures(m *Metrics) {
	k.mu.Lock()
	defer k.mu.Unlock()
	m.SpareSegments, m.ReleasedSegments = len(k.spares)+len(k.reusable), len(k.released)
}
