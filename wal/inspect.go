package wal

import (
	"fmt"
	"time"

	"github.com/varvekv/varve/internal/codec"
	"github.com/varvekv/varve/internal/recordio"
	"github.com/varvekv/varve/vfs"
)

// Inspection: everything in a segment file told piece by piece, damaged or not,
// for people who look. It knows one file and judges nothing: what damage means
// for a log, only recovery can say, which knows all of them.

// Inspection says what Inspect tells, and to whom. Functions that are nil are
// passed over; an error that one returns ends the inspection. Whatever they are
// handed is borrowed until they return.
type Inspection struct {
	Packed func(*PackedInfo) error // a block of a compressed copy; before all else
	Header func(*SegmentInfo) error
	Frame  func(*FrameInfo) error // then the operations of the unit that it completes
	Op     func(*OpInfo) error
	End    func(*EndInfo) error // last; not without a header

	// Finding takes each thing that is wrong: an error that matches ErrCorruption
	// or ErrUnsupported and names file, offset and reason, or one of the file
	// system. Offsets inside a compressed copy are those of the segment.
	Finding func(error) error

	// Next is the header of the segment behind this one, where it is known: it
	// says where this one was accepted to end. What lies behind is not told.
	Next *SegmentInfo
}

// SegmentState is what a segment file holds.
type SegmentState uint8

// States. The first two stand in the file.
const (
	SegmentLive   SegmentState = stateSegment
	SegmentSpare  SegmentState = stateSpare // prepared for use: nothing
	SegmentUnborn SegmentState = 0          // nothing but zeros
)

func (s SegmentState) String() string {
	switch s {
	case SegmentLive:
		return "segment"
	case SegmentSpare:
		return "spare"
	case SegmentUnborn:
		return "unborn"
	}
	return fmt.Sprintf("state(%d)", uint8(s))
}

// SegmentInfo is a header, and the file it stands in.
type SegmentInfo struct {
	State        SegmentState
	IsCompressed bool   // a compressed copy in an archive
	SizeBytes    int64  // of the segment, uncompressed
	Version      uint32 // of the format; 0 where there is no header

	Incompatible, ReadCompatible, Compatible uint64 // features

	Number       uint64
	Identity     uint64 // of the log
	Epoch        uint64
	First        LSN // of the first frame
	FirstSeq     uint64
	Start        LSN // what was needed of the log, when the header was written
	Durable      LSN // what was durable then, and what follows
	DurableSeq   uint64
	ManifestEdit uint64
	Created      time.Time
	Prev         PrevInfo
}

// PrevInfo is what a header says of the segment before.
type PrevInfo struct {
	Number uint64 // 0 = none
	Epoch  uint64
	End    LSN    // where it was accepted to end
	Chain  uint64 // the chained checksum up to there
}

// PackedInfo is a block of a compressed copy.
type PackedInfo struct {
	Offset      int64 // in the file
	StoredBytes int   // behind a head of 13 bytes
	RawOffset   int64 // in the segment
	RawBytes    int
	Codec       codec.Type
}

// FrameInfo is one frame. LSN and Offset are where its header stands.
type FrameInfo struct {
	Offset int64
	LSN    LSN
	Kind   recordio.Kind
	Flags  recordio.Flags
	Seq    uint64 // of the first operation; of marks and seals, the last one given out
	Count  uint32 // operations or records in the unit
	Length int    // bytes of payload

	HeaderCRC, PayloadCRC uint32

	// Err is what is wrong with a frame whose header is sound; its payload is not
	// there then.
	Err          error
	IsBehind     bool // it stands behind damage
	Payload      []byte
	Mark         *MarkInfo // of a mark or a seal
	Seal         *SealInfo // of a seal
	IsUnitBroken bool      // of a chain of frames that is not whole
}

// MarkInfo is what was durable before the frames that a mark follows were written.
type MarkInfo struct {
	Durable      LSN
	DurableSeq   uint64
	Start        LSN // what was needed of the log
	Time         time.Time
	Epoch        uint64
	ManifestEdit uint64
}

// SealInfo is what a seal has beside its mark.
type SealInfo struct {
	Units    uint64 // in the segment
	Chain    uint64 // the chained checksum of all frames before it
	Why      uint64 // 1 rotated, 2 closed
	IsClosed bool   // the log was closed: nothing follows, and all before it is durable
}

// OpInfo is one operation.
type OpInfo struct {
	Offset int64 // of the first frame of its unit
	Seq    uint64
	Op
}

// EndInfo is where the frames end, and what there was.
type EndInfo struct {
	Offset   int64 // behind the last frame that counts
	LSN      LSN
	IsSealed bool
	IsClosed bool   // by the seal of a log that was closed
	Reason   string // why it ends there
	Frames   uint64
	Units    uint64
	Ops      uint64
	LastSeq  uint64 // greatest sequence of an operation, a mark or a seal; 0 = none
	Chain    uint64 // the chained checksum; says something only where nothing is damaged
}

// Inspect reads the segment in f, or a compressed copy of one, and tells what it
// finds, sound or damaged. It never changes the file, which stays open, and needs
// memory for a unit of operations, which is no longer than the file or 64 MiB.
// Damage is a Finding and no error of Inspect: that is only what one of the
// functions returned. Behind damage it looks for the next sound frame.
//
// A segment that nobody sealed may end in what its file held in an earlier life,
// or in zeros. Neither is a finding, where the last block that was written is
// whole.
//
//	err := wal.Inspect(f, wal.Inspection{
//		Op:      func(o *wal.OpInfo) error { fmt.Printf("%d %q\n", o.Seq, o.Key); return nil },
//		Finding: func(err error) error { log.Print(err); return nil },
//	})
func Inspect(f vfs.File, in Inspection) error {
	i := &inspector{in: in, f: f, name: f.Name()}
	i.inspect()
	return i.stop
}
