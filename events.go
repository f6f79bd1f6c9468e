package varve

import (
	"time"

	"github.com/varvekv/varve/wal"
)

// Events are functions that are called when something happens in the
// background. Each may be nil. They are called without any lock held, from the
// goroutine that did the work: they must be quick, and must not call Close.
// FlushEnd comes from the goroutine that flushes: a write from it may wait for the
// next flush, and so for itself; let another goroutine write.
type Events struct {
	FlushEnd      func(FlushInfo)
	CompactionEnd func(CompactionInfo)
	RotateEnd     func(RotateInfo)
	StallBegin    func(StallReason)
	StallEnd      func(StallReason, time.Duration)
	// ArchiveEnd tells of a segment that was archived, or could not be.
	ArchiveEnd func(segment uint64, err error)
	// BackgroundError tells of an error that no caller has seen yet.
	BackgroundError func(error)
}

// FlushInfo describes one memtable that became tables.
type FlushInfo struct {
	Tables   int
	Bytes    int64 // of the tables
	Entries  uint64
	Duration time.Duration
	Err      error
}

// CompactionInfo describes one compaction.
type CompactionInfo struct {
	Reason     string // as compaction.Pick names it
	FromLevel  int
	ToLevel    int
	TablesIn   int
	TablesOut  int
	BytesIn    int64
	BytesOut   int64
	Duration   time.Duration
	Err        error
	IsMove     bool // tables changed level without being rewritten
	EntriesIn  uint64
	EntriesOut uint64
}

// RotateInfo describes a memtable that was exchanged for a fresh one.
type RotateInfo struct {
	Segment       uint64 // number of the log segment the fresh one begins with
	MemtableBytes int64  // of the full one
}

// StallReason says why writers are being held back.
type StallReason uint8

// Stall reasons.
const (
	StallNone      StallReason = iota
	StallMemtables             // flushes are behind
	StallLevel0                // compactions are behind
	StallLog                   // the log's buffer is full
)

func (r StallReason) String() string {
	switch r {
	case StallNone:
		return "none"
	case StallMemtables:
		return "memtables"
	case StallLevel0:
		return "level 0"
	case StallLog:
		return "log"
	}
	return "unknown"
}

// logEvents passes on what the log tells.
func (db *DB) logEvents() *wal.Events {
	return &wal.Events{
		Archived: func(s wal.ArchivedSegment) {
			if db.opts.Events.ArchiveEnd != nil {
				db.opts.Events.ArchiveEnd(s.Number, nil)
			}
		},
		ArchiveFailed: func(number uint64, err error, dropped bool) {
			db.opts.Logger.Error("varve: archive", "segment", number, "err", err, "dropped", dropped)
			if db.opts.Events.ArchiveEnd != nil {
				db.opts.Events.ArchiveEnd(number, err)
			}
		},
		Poisoned: func(err error) {
			db.backgroundError("log", err)
			db.work.wake()
		},
	}
}
