package wal

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"time"

	"github.com/varvekv/varve/vfs"
)

// Defaults and limits.
const (
	defaultSegmentBytes   = 8 << 20
	minSegmentBytes       = 16 << 10
	maxSegmentBytes       = 1 << 40
	defaultMaxRecordBytes = 64 << 20
	chunkBytes            = 256 << 10 // one write to the file, and what the background writes at
	// pendingMaxBytes of what is appended and not written make WaitRoom block. A
	// write to a growing file stands still for 50 to 700 ms while ext4 commits its
	// journal; a caller that waits for nothing should not notice.
	pendingMaxBytes = 64 << 20
)

// Options of Open and OpenDir. The zero value is ready.
type Options struct {
	// SegmentBytes is the size at which a segment is sealed. Smaller ones are
	// released sooner and cost more files; the first two are smaller still.
	// Default: 8 MiB.
	SegmentBytes int64
	// MaxRecordBytes bounds one record of Append. Default: 64 MiB.
	MaxRecordBytes int64
	// Policy is what Open does about damage. Default: TolerateTornTail.
	Policy Policy
	// ReadOnly opens without writing a byte; every append is ErrReadOnly.
	ReadOnly bool
	// FlushInterval is how long Buffered data may wait to be written. Default: 10 ms.
	FlushInterval time.Duration
	// Archive keeps a copy of segments that are released. Default: none.
	Archive Archive
	// Events are told what happens. Default: nobody.
	Events *Events
	// FS is used by Open. Default: the operating system.
	FS vfs.FS

	// Replay is called in order for each accepted unit of operations (appended
	// by AppendOps). Its error ends Open.
	Replay func(Unit) error
	// ReplayFrom says that everything before it is safe elsewhere: it is neither
	// replayed nor missed when its segments are gone.
	ReplayFrom LSN
	// StartKept says that the caller records ReplayFrom durably before it calls
	// Release; otherwise the log does so itself, with a sync in each Release.
	StartKept bool
	// Judge is asked, before anything is written, whether what the log proves fits
	// what the caller knows: start, before which the log was released, and
	// lastEdit, the greatest manifest edit that it proves durable. With StartKept a
	// start behind ReplayFrom means that the caller's record was lost. Its error
	// ends Open. Default: nobody.
	Judge func(start LSN, lastEdit uint64) error
	// ProvenLSN is a position up to which the log is known durable from elsewhere.
	ProvenLSN LSN
	// Identity is the log's, where it is known from elsewhere; segments of another
	// are refused. Default: any; random for a new log.
	Identity uint64
	// MinSegment and MinEpoch are lower bounds for a new segment's number and epoch,
	// for a log whose files may all be gone. Default: 1 and 0.
	MinSegment uint64
	MinEpoch   uint64

	// Clock and Random are injected by tests. Default: the system's.
	Clock  func() time.Time
	Random func() uint64
}

// Unit is one replayed append of operations, whole.
type Unit struct {
	LSN      LSN // of its first frame
	End      LSN // behind its last
	Segment  uint64
	FirstSeq uint64
	Count    uint32
	Payload  []byte // operations: see DecodeOps. Valid during the call
	Time     int64  // unix nanoseconds of the newest mark before it; 0 = none yet
}

// Events are functions that the log calls from its own goroutines, without a
// lock held; they must return soon. Any of them may be nil.
type Events struct {
	Rotated func(number uint64, first LSN)
	// Synced is told of each sync, by who made it, once that is over for everybody.
	Synced   func(took time.Duration, bytes int64)
	Released func(number uint64)
	// Archived is told of each segment that was archived, and how long that took.
	Archived func(segment ArchivedSegment, took time.Duration)
	// ArchiveFailed is told of each failure; dropped means that the backlog had
	// reached its bound and the segment goes unarchived.
	ArchiveFailed func(number uint64, err error, dropped bool)
	Poisoned      func(err error)
}

// Archive says where copies of released segments go. Zero: nowhere.
type Archive struct {
	// Dir receives the files NNNNNN.log, or NNNNNN.log.vz when compressed. It must
	// be a directory of its own: one that a database lives in is refused.
	Dir vfs.Dir
	// MaxBytes and MaxAge bound what is kept there; the oldest goes first. 0 = no bound.
	MaxBytes int64
	MaxAge   time.Duration
	// Compress stores the copies compressed with zstd.
	Compress bool
	// Handler, when set, is given each segment: after it was copied where Dir is
	// set too, instead of a copy otherwise. An error means that it is tried again.
	Handler func(ctx context.Context, segment ArchivedSegment) error
	// MaxBacklog is how many segments may wait for the archive before the oldest
	// is given up with an event; commits are never held up. Default: 64.
	MaxBacklog int
}

func (a *Archive) enabled() bool { return a.Dir != nil || a.Handler != nil }

func (o *Options) withDefaults() Options {
	var r Options
	if o != nil {
		r = *o
	}
	if r.SegmentBytes <= 0 {
		r.SegmentBytes = defaultSegmentBytes
	}
	r.SegmentBytes = min(max(r.SegmentBytes, minSegmentBytes), maxSegmentBytes)
	if r.MaxRecordBytes <= 0 {
		r.MaxRecordBytes = defaultMaxRecordBytes
	}
	if r.FlushInterval <= 0 {
		r.FlushInterval = 10 * time.Millisecond
	}
	if r.Archive.MaxBacklog <= 0 {
		r.Archive.MaxBacklog = 64
	}
	if r.Events == nil {
		r.Events = &Events{}
	}
	r.MinSegment = max(r.MinSegment, 1)
	if r.Clock == nil {
		r.Clock = time.Now
	}
	if r.Random == nil {
		r.Random = systemRandom
	}
	return r
}

func systemRandom() uint64 {
	var b [8]byte
	rand.Read(b[:]) // never fails: the runtime ends the process instead
	return binary.LittleEndian.Uint64(b[:])
}
