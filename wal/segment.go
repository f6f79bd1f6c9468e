package wal

import (
	"sync"

	"github.com/varvekv/varve/internal/filename"
	"github.com/varvekv/varve/internal/recordio"
	"github.com/varvekv/varve/vfs"
)

// sealReserve is kept free at the end of a segment for a group's mark and the seal.
const sealReserve = 4*recordio.HeaderBytes + 2*markBytes + sealBytes

// segment is one file of the log.
type segment struct {
	// Constant once it is in the table.
	number uint64
	name   string
	first  LSN
	limit  int64 // file size at which it is sealed
	seed   recordio.Seed
	header segmentHeader

	// Guarded by Log.mu.
	end      LSN    // behind its last frame
	room     int64  // bytes left for units; negative where one was too long
	units    uint64 // operations units and records
	chain    uint64
	sealed   bool
	released bool // no longer needed: the leader drops what it has for it
	pins     int  // readers of its file

	// io guards the descriptor: the leader, who writes and syncs, against whoever
	// recycles a released file. Held across I/O. Rank: before Log.mu.
	io      sync.Mutex
	file    vfs.File // nil while not made, and again when closed
	made    bool     // the file exists
	dirty   bool     // written since the last sync
	newName bool     // its directory entry is not known to be durable
	gone    bool     // recycled or removed
}

func segmentName(number uint64) string { return filename.Make(filename.Log, number) }

// isGone reports whether its file was recycled or removed.
func (s *segment) isGone() bool {
	s.io.Lock()
	defer s.io.Unlock()
	return s.gone
}

// offsetOf is the file offset of a position in the segment.
func (s *segment) offsetOf(lsn LSN) int64 { return headerBytes + int64(lsn-s.first) }

func (s *segment) region(end LSN) recordio.Region {
	return recordio.Region{Seed: s.seed, Start: headerBytes, End: s.offsetOf(end), LSN: uint64(s.first)}
}

// segmentSize is the limit of the segment that is the n-th of this opening:
// small ones first, so that a small log stays small.
func (l *Log) segmentSize(index uint64) int64 {
	size := l.options.SegmentBytes
	switch index {
	case 0:
		size /= 8
	case 1:
		size /= 2
	}
	return max(size, min(l.options.SegmentBytes, minSegmentBytes))
}

// rotateLocked seals the active segment and begins the next, in memory: the
// leader makes the file when it gets there.
func (l *Log) rotateLocked() {
	l.sealLocked(sealRotated)
	old := l.active
	h := l.nextHeaderLocked(old.number+1, l.end, link{old.number, old.end, old.chain, l.epoch})
	l.beginLocked(h, l.cur != nil)
}

func (l *Log) nextHeaderLocked(number uint64, first LSN, prev link) segmentHeader {
	return segmentHeader{
		state: stateSegment, number: number, identity: l.identity, epoch: l.epoch,
		first: first, firstSeq: l.lastSeq + 1, start: l.start,
		durable: LSN(l.durable.Load()), durableSeq: l.durableSeq.Load(), edit: l.edit.Load(),
		created: l.stampLocked(), prev: prev,
	}
}

// beginLocked makes the segment of h the active one, its header first in line
// to be written. chain goes on from the link.
func (l *Log) beginLocked(h segmentHeader, hasChunk bool) {
	seg := newSegment(h, l.segmentSize(h.number-l.keeper.firstNumber))
	l.segments = append(l.segments, seg)
	l.active = seg
	if hasChunk {
		l.nextChunkLocked(seg, 0)
	} else {
		l.cur = l.newChunkLocked(seg, 0)
	}
	appendHeader(l.cur.buf[:0], &h)
	l.cur.used = headerBytes
	l.pending += headerBytes
}

func newSegment(h segmentHeader, limit int64) *segment {
	return &segment{
		number: h.number, name: segmentName(h.number), first: h.first, limit: limit,
		seed: h.binding().Seed(), header: h,
		end: h.first, room: limit - headerBytes - sealReserve, chain: h.prev.chain,
	}
}
