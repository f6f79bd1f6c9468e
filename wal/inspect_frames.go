package wal

import (
	"errors"
	"fmt"
	"time"

	"github.com/varvekv/varve/internal/corruption"
	"github.com/varvekv/varve/internal/recordio"
)

// inspectUnitBytes is how long a unit may be whose operations are told, where a
// compressed copy holds more than its own length.
const inspectUnitBytes = 64 << 20

// frameWalk is the walk over the frames of one segment.
type frameWalk struct {
	*inspector
	region  recordio.Region
	scanner *recordio.Scanner
	unit    recordio.Unit
	joined  int64 // bytes of the open unit
	tooLong bool  // the open unit is passed over
	behind  bool  // damage was met: chain and counts say nothing any more
	bounded bool  // by the header of the next segment
	end     EndInfo
}

func (i *inspector) frames() {
	w := &frameWalk{inspector: i, end: EndInfo{Offset: headerBytes, LSN: i.header.first, Chain: i.header.prev.chain}}
	w.region = recordio.Region{Seed: i.header.binding().Seed(), Start: headerBytes, End: i.size, LSN: uint64(i.header.first)}
	w.bound(&w.region)
	w.scanner = recordio.NewScanner(i.reader(), w.region)
	for {
		for !w.end.IsSealed && i.stop == nil && w.scanner.Next() {
			w.frame(w.scanner.Frame())
		}
		if w.end.IsSealed || i.stop != nil || !w.goOn() {
			break
		}
	}
	if i.stop == nil {
		w.ended(w.region.End)
	}
	tell(i, i.in.End, &w.end)
}

// bound ends the region where the next segment says that this one was accepted to.
func (w *frameWalk) bound(region *recordio.Region) {
	n, h := w.in.Next, &w.header
	if n == nil || n.Prev.Number != h.number || n.Identity != h.identity {
		return
	}
	if n.Prev.End < h.first || uint64(n.Prev.End-h.first) > uint64(region.End-headerBytes) {
		w.corrupt(region.End, "segment %d says that this one was accepted up to LSN %d, which is not in it", n.Number, n.Prev.End)
		return
	}
	w.bounded = true
	region.End = region.OffsetOf(uint64(n.Prev.End))
}

// goOn looks behind what stopped the scan for the next sound frame.
func (w *frameWalk) goOn() bool {
	s := w.scanner
	at, why := s.Offset(), s.Stop()
	if why == recordio.ReadError {
		w.find(fmt.Errorf("wal: read %s: %w", w.name, s.Err()))
		return false
	}
	broken := headAt(s, at, why)
	found := s.Resume()
	if err := s.Err(); err != nil {
		w.find(fmt.Errorf("wal: read %s: %w", w.name, err))
		return false
	}
	if !found {
		return w.atTail(at, why, broken)
	}
	w.damaged(broken, why)
	w.broken(at, why, "%v; the next sound frame is at offset %d", why, s.Offset())
	w.behind = true
	w.dropOpen()
	return true
}

// headAt is the frame that stopped the scan, where its header at least is sound.
func headAt(s *recordio.Scanner, at int64, why recordio.Reason) *recordio.Frame {
	switch why {
	case recordio.PayloadChecksum, recordio.Cut, recordio.Unknown:
		if f := *s.Frame(); f.Offset == at {
			f.Payload = nil
			return &f
		}
	}
	return nil
}

// atTail tells an end from a frame that is not whole. Of a segment that is being
// written right now, it may be whole when it is read again.
func (w *frameWalk) atTail(at int64, why recordio.Reason, broken *recordio.Frame) bool {
	w.end.Reason = why.String()
	if w.isUnwritten(at, w.region.End, why) {
		if why == recordio.HeaderChecksum {
			w.end.Reason = "what follows is no frame of this segment"
		}
		return false
	}
	if w.again(at) {
		return true
	}
	w.damaged(broken, why)
	w.broken(at, why, "%v; no sound frame follows", why)
	return false
}

// tailReads is how often a tail is read that may be about to be written.
const tailReads = 100

func (w *frameWalk) again(at int64) bool {
	if w.packed || w.bounded {
		return false
	}
	for range tailReads {
		size, err := w.f.Size()
		if err != nil {
			return false // what was read stands
		}
		w.size, w.region.End = size, size
		rest := w.region
		rest.Start, rest.LSN = at, w.region.LSNAt(at)
		if w.scanner.Reset(w.f, rest); w.scanner.Next() {
			w.frame(w.scanner.Frame())
			return true
		}
	}
	return false
}

// broken is a finding about what is no frame, or none that is understood.
func (w *frameWalk) broken(at int64, why recordio.Reason, format string, args ...any) {
	if why == recordio.Unknown {
		w.find(unsupported(w.name, at, format, args...))
		return
	}
	w.corrupt(at, format, args...)
}

// isUnwritten says that at is where frames just end. What is written is whole
// blocks, of which the last one ends in zeros; behind it lies what was there before.
func (w *frameWalk) isUnwritten(at, end int64, why recordio.Reason) bool {
	switch why {
	case recordio.PayloadChecksum, recordio.Unknown, recordio.Cut:
		return false
	case recordio.End:
		return true
	}
	block := (at + recordio.BlockBytes - 1) &^ (recordio.BlockBytes - 1)
	zero, _, err := recordio.AllZero(w.reader(), at, min(block, end))
	if err != nil {
		w.find(fmt.Errorf("wal: read %s: %w", w.name, err))
	}
	return zero
}

// damaged tells a frame of which only the header is sound; nil is none.
func (w *frameWalk) damaged(f *recordio.Frame, why recordio.Reason) {
	if f == nil {
		return
	}
	info := w.info(f)
	info.Err = corruption.New(w.name, f.Offset, "%v", why)
	w.end.Frames++
	tell(w.inspector, w.in.Frame, info)
}

func (w *frameWalk) info(f *recordio.Frame) *FrameInfo {
	return &FrameInfo{
		Offset: f.Offset, LSN: LSN(f.LSN), Kind: f.Kind, Flags: f.Flags, Seq: f.FirstSeq, Count: f.Count,
		Length: int(f.Length), HeaderCRC: f.HeaderCRC, PayloadCRC: f.PayloadCRC, IsBehind: w.behind, Payload: f.Payload,
	}
}

// frame tells one sound frame, and what it completes.
func (w *frameWalk) frame(f *recordio.Frame) {
	info := w.info(f)
	w.end.Frames++
	var wrong string
	done := false
	switch f.Kind {
	case recordio.KindMark, recordio.KindSeal:
		wrong = w.mark(f, info)
	case recordio.KindOps, recordio.KindRecord:
		done, info.IsUnitBroken = w.data(f)
		if info.IsUnitBroken && !w.behind {
			wrong = "a chain of frames without its beginning"
		}
	default:
		if f.Kind&recordio.KindSkippable == 0 {
			wrong = fmt.Sprintf("a frame of kind %d in a log", f.Kind)
		}
	}
	tell(w.inspector, w.in.Frame, info)
	if wrong != "" {
		w.corrupt(f.Offset, "%s", wrong)
	}
	if done {
		w.completed(f.Kind)
	}
	w.end.Chain = chained(w.end.Chain, f.HeaderCRC)
	if !w.unit.Open() {
		w.end.Offset, w.end.LSN = f.Offset+recordio.HeaderBytes+int64(f.Length), LSN(f.EndLSN())
	}
}

func (w *frameWalk) mark(f *recordio.Frame, info *FrameInfo) (wrong string) {
	m, ok := parseMark(f.Payload)
	if !ok {
		return "a mark that is too short"
	}
	info.Mark = &MarkInfo{m.durable, m.durableSeq, m.start, time.Unix(0, m.time), m.epoch, m.edit}
	w.end.LastSeq = max(w.end.LastSeq, f.FirstSeq)
	w.dropOpen() // no mark stands inside a unit
	if f.Kind == recordio.KindMark {
		return ""
	}
	s, ok := parseSeal(f.Payload)
	if !ok {
		return "a seal that is too short"
	}
	info.Seal = &SealInfo{Units: s.count, Chain: s.chain, Why: s.why, IsClosed: s.why == sealClosed}
	w.end.IsSealed, w.end.IsClosed, w.end.Reason = true, s.why == sealClosed, "seal"
	if !w.behind && (s.chain != w.end.Chain || s.count != w.end.Units) {
		return "the seal does not agree with the segment"
	}
	return ""
}

func (w *frameWalk) data(f *recordio.Frame) (done, isBroken bool) {
	if f.Flags&recordio.FlagFirst != 0 {
		w.dropOpen()
		w.joined, w.tooLong = 0, false
	}
	w.joined += int64(f.Length)
	w.tooLong = w.tooLong || w.packed && w.joined > inspectUnitBytes
	add := *f
	if w.tooLong {
		add.Payload = nil
	}
	done, ok := w.unit.Add(&add)
	return done, !ok
}

// dropOpen forgets a unit whose last frame did not come.
func (w *frameWalk) dropOpen() {
	if w.unit.Open() {
		_, at := w.unit.Start()
		w.corrupt(at, "the unit that begins here is not complete")
		w.unit.Reset()
	}
}

// completed tells the operations of a unit that is whole.
func (w *frameWalk) completed(kind recordio.Kind) {
	h := w.unit.Header()
	_, at := w.unit.Start()
	w.end.Units++
	if kind != recordio.KindOps {
		return
	}
	if h.Count > 0 {
		w.end.LastSeq = max(w.end.LastSeq, h.FirstSeq+uint64(h.Count)-1)
	}
	if w.tooLong {
		w.end.Ops += uint64(h.Count)
		return
	}
	count := uint64(0)
	d := DecodeOps(w.unit.Payload())
	for w.stop == nil && d.Next() {
		tell(w.inspector, w.in.Op, &OpInfo{Offset: at, Seq: h.FirstSeq + count, Op: d.Op})
		count++
	}
	w.end.Ops += count
	switch {
	case w.stop != nil:
	case errors.Is(d.Err(), ErrUnsupported):
		w.find(unsupported(w.name, at, "operation %d: %v", count, d.Err()))
	case d.Err() != nil:
		w.corrupt(at, "operation %d: %v", count, d.Err())
	case count != uint64(h.Count):
		w.corrupt(at, "a unit of %d operations holds %d", h.Count, count)
	}
}

// ended looks at how the segment ends as a whole.
func (w *frameWalk) ended(end int64) {
	w.dropOpen()
	if !w.bounded || w.behind || w.stop != nil {
		return
	}
	switch n := w.in.Next; {
	case w.end.Offset != end:
		w.corrupt(w.end.Offset, "it ends here, but segment %d says that it was accepted up to offset %d", n.Number, end)
	case w.end.Chain != n.Prev.Chain:
		w.corrupt(end, "its chained checksum is %016x, segment %d says %016x", w.end.Chain, n.Number, n.Prev.Chain)
	}
}
