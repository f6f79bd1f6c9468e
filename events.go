package varve

// What the engine tells while it works. How it is told, here and to the Logger,
// is in tell.go.

import (
	"fmt"
	"time"
)

// Events are functions that are called when something happens in the
// background. Each may be nil. They are called without any lock held, from the
// goroutine that did the work: they must be quick, and must not call Close.
// FlushEnd comes from the goroutine that flushes: a write from it may wait for the
// next flush, and so for itself; let another goroutine write. The same holds for
// FlushBegin, TableCreated and what else a flush tells. Several may run at once.
// A panic in one of them is not recovered: it ends the process, as it would
// anywhere else.
type Events struct {
	// FlushBegin is told before a memtable is written, with what is known by then.
	FlushBegin func(FlushInfo)
	// FlushEnd is told for each FlushBegin, after a failure too.
	FlushEnd func(FlushInfo)
	// CompactionBegin is told before tables are merged, or moved.
	CompactionBegin func(CompactionInfo)
	// CompactionEnd is told for each CompactionBegin, after a failure too.
	CompactionEnd func(CompactionInfo)
	// RotateEnd tells of a full memtable that was exchanged, by the writer that found it full.
	RotateEnd func(RotateInfo)
	// StallBegin tells that writers are being held back from now on, and why.
	StallBegin func(StallReason)
	// StallEnd tells that they are not any more, or for another reason, and how
	// long they were.
	StallEnd func(StallReason, time.Duration)
	// ArchiveEnd tells of a segment that was archived, or could not be.
	ArchiveEnd func(ArchiveInfo)
	// LogSync tells of each sync of the log, from whoever made it, once its commits
	// are through. Commits share syncs: it may come thousands of times a second. A
	// sync that comes out of it is told too.
	LogSync func(LogSyncInfo)
	// TableCreated tells of each table that a flush or compaction brought into the tree.
	TableCreated func(TableInfo)
	// TableDeleted tells of each table file that was removed once nobody read it any more.
	TableDeleted func(TableInfo)
	// BackgroundError tells of an error that no caller has seen yet: a *TaskError.
	BackgroundError func(error)
}

// FlushInfo describes one memtable that becomes tables.
type FlushInfo struct {
	Job           uint64 // numbers flushes and compactions since Open
	Entries       uint64 // in the memtable
	MemtableBytes int64  // memory that it takes

	// What follows is known at the end.
	Tables   int
	Bytes    int64 // of the tables
	Duration time.Duration
	Err      error // nil: the tables count; otherwise the flush is tried again
}

// CompactionInfo describes one compaction.
type CompactionInfo struct {
	Job       uint64 // numbers flushes and compactions since Open
	Reason    string // as compaction.Pick names it
	FromLevel int    // the uppermost one
	ToLevel   int
	TablesIn  int
	BytesIn   int64 // of their files
	IsMove    bool  // tables change level without being rewritten

	// What follows is known at the end.
	TablesOut  int
	BytesOut   int64
	EntriesIn  uint64
	EntriesOut uint64
	Duration   time.Duration
	Err        error // nil: the result counts
}

// RotateInfo describes a memtable that was exchanged for a fresh one.
type RotateInfo struct {
	Segment       uint64 // number of the log segment the fresh one begins with
	MemtableBytes int64  // of the full one
}

// ArchiveInfo describes a log segment on its way into the archive.
type ArchiveInfo struct {
	Segment   uint64 // its number
	Err       error  // nil: it is archived; otherwise it comes again, unless IsDropped
	IsDropped bool   // too many were waiting: it goes unarchived

	// What follows is known without an Err.
	Name     string // in the archive's directory
	Bytes    int64  // uncompressed
	Duration time.Duration
}

// LogSyncInfo describes one sync of the log.
type LogSyncInfo struct {
	Bytes    int64 // that it made durable
	Duration time.Duration
}

// TableInfo describes a table file.
type TableInfo struct {
	Number uint64 // in the file's name
	Bytes  int64
	Level  int    // that it is created in; -1 when it is deleted
	Job    uint64 // of the flush or compaction that created it; 0 when it is deleted
}

// TaskError is an error of work that no caller waits for.
type TaskError struct {
	Task string // flush, compaction, log, "delete table" and the like
	Err  error
}

// Error names the task and the cause.
func (e *TaskError) Error() string { return fmt.Sprintf("varve: %s: %v", e.Task, e.Err) }

// Unwrap is the cause.
func (e *TaskError) Unwrap() error { return e.Err }

// StallReason says why writers are being held back.
type StallReason uint8

// Stall reasons.
const (
	StallNone      StallReason = iota
	StallMemtables             // flushes are behind
	StallLevel0                // compactions are behind
	StallLog                   // the log's buffer is full

	stallReasons = iota
)

var stallNames = [stallReasons]string{"none", "memtables", "level0", "log"}

func (r StallReason) String() string {
	if r < stallReasons {
		return stallNames[r]
	}
	return "unknown"
}

// MarshalText is String, for JSON.
func (r StallReason) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads what MarshalText wrote; what it does not know is StallNone.
func (r *StallReason) UnmarshalText(text []byte) error {
	*r = StallNone
	for i, name := range stallNames {
		if name == string(text) {
			*r = StallReason(i)
		}
	}
	return nil
}
