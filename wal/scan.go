package wal

import (
	"errors"
	"fmt"

	"github.com/varvekv/varve/internal/recordio"
	"github.com/varvekv/varve/vfs"
)

// Scanning the live segments in order: replay what is valid, stop at the first
// damage. What the damage is, verdict.go decides.

// segmentScan is the scan of one segment.
type segmentScan struct {
	r       *recoverer
	f       *found
	scanner *recordio.Scanner
	file    vfs.File
	unit    recordio.Unit
	sum     uint64 // chained checksum so far
	end     LSN    // of the last complete unit, mark or seal
	endSum  uint64
	sealed  bool
	closed  bool   // … because the log was closed
	skipped bool   // frames were left out: sums and counts say nothing
	reason  string // what is wrong at end, beyond what the scanner says
	fatal   error
}

// scan replays the chain and leaves end, sum and cut behind its last good frame,
// or the verdict in the report.
func (r *recoverer) scan() error {
	var s recordio.Scanner
	for i, f := range r.chain {
		if f.bounded && f.bound <= r.start {
			f.end = f.bound
			continue // not needed; it is archived or recycled later
		}
		r.report.Segments++
		if f.missing != 0 {
			// No end of a predecessor is known but that of the one before the hole.
			if done, err := r.missingBefore(i); done || err != nil {
				return err
			}
		}
		done, err := r.scanSegment(i, &s)
		if done || err != nil {
			return err
		}
	}
	return nil
}

func (r *recoverer) scanSegment(i int, scanner *recordio.Scanner) (done bool, err error) {
	f := r.chain[i]
	f.scanned = true
	r.cut, r.end, r.sum, r.sealed, r.closed = f, f.header.first, f.header.prev.chain, false, false
	if f.damage.reason != "" {
		if done, err := r.damagedHeader(i); done || err != nil {
			return done, err
		}
	}
	file, err := r.dir.Open(f.name)
	if err != nil {
		return false, fmt.Errorf("wal: open: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	region := f.region()
	region.End = min(region.End, f.sizeBytes)
	scanner.Reset(file, region)
	ss := &segmentScan{r: r, f: f, scanner: scanner, file: file, sum: r.sum, end: r.end, endSum: r.sum}
	for {
		ss.frames()
		if ss.fatal != nil {
			return false, ss.fatal
		}
		f.end, r.end, r.sum, r.sealed, r.closed = ss.end, ss.end, ss.endSum, ss.sealed, ss.closed
		again, done, err := r.afterScan(i, ss)
		if !again || done || err != nil {
			return done, err
		}
	}
}

// frames reads until something stops it.
func (ss *segmentScan) frames() {
	for !ss.sealed && ss.scanner.Next() {
		fr := ss.scanner.Frame()
		if reason := ss.frame(fr); reason != "" || ss.fatal != nil {
			ss.reason = reason
			return
		}
		ss.sum = chained(ss.sum, fr.HeaderCRC)
		if !ss.unit.Open() {
			ss.end, ss.endSum = LSN(fr.EndLSN()), ss.sum
		}
	}
	if err := ss.scanner.Err(); err != nil {
		ss.fatal = fmt.Errorf("wal: open: read %s: %w", ss.f.name, err)
	}
	if ss.scanner.Stop() == recordio.Unknown {
		h := ss.scanner.Frame().Header
		ss.fatal = unsupported(ss.f.name, ss.scanner.Offset(), "frame of kind %d, flags %#x", h.Kind, h.Flags)
	}
}

// frame takes one valid frame; a reason means that it cannot stand here.
func (ss *segmentScan) frame(fr *recordio.Frame) (reason string) {
	switch fr.Kind {
	case recordio.KindMark:
		return ss.mark(fr)
	case recordio.KindSeal:
		s, ok := parseSeal(fr.Payload)
		if !ok || !ss.skipped && (s.chain != ss.sum || s.count != ss.f.units) {
			return "the seal does not agree with the segment"
		}
		ss.sealed, ss.closed = true, s.why == sealClosed
		return ss.mark(fr)
	case recordio.KindOps, recordio.KindRecord:
		return ss.data(fr)
	}
	if fr.Kind&recordio.KindSkippable != 0 {
		return ""
	}
	return fmt.Sprintf("a frame of kind %d in a log", fr.Kind)
}

func (ss *segmentScan) mark(fr *recordio.Frame) string {
	m, ok := parseMark(fr.Payload)
	if !ok || ss.unit.Open() {
		return "a mark that is too short, or inside a unit"
	}
	ss.r.noteMark(m)
	ss.r.report.LastSeq = max(ss.r.report.LastSeq, fr.FirstSeq)
	return ""
}

// noteMark takes what a mark proves.
func (r *recoverer) noteMark(m mark) {
	r.proof = max(r.proof, m.durable)
	r.start = max(r.start, m.start)
	r.stamp = max(r.stamp, m.time)
	r.edit = max(r.edit, m.edit)
	r.seq = max(r.seq, m.durableSeq)
}

func (ss *segmentScan) data(fr *recordio.Frame) string {
	done, ok := ss.unit.Add(fr)
	if !ok {
		return "a chain of frames is broken"
	}
	rep := ss.r.report
	if !done {
		return ""
	}
	lsn, _ := ss.unit.Start()
	h := ss.unit.Header()
	ss.f.units++
	if h.FirstSeq != 0 {
		rep.LastSeq = max(rep.LastSeq, h.FirstSeq+uint64(h.Count)-1)
	}
	if LSN(lsn) < ss.r.options.ReplayFrom {
		return ""
	}
	rep.Records++
	if fr.Kind == recordio.KindRecord {
		rep.Records += int64(h.Count) - 1
	}
	rep.Bytes += int64(len(ss.unit.Payload()))
	if fr.Kind == recordio.KindOps && ss.r.options.Replay != nil {
		ss.fatal = ss.replay(Unit{
			LSN: LSN(lsn), End: LSN(fr.EndLSN()), Segment: ss.f.number,
			FirstSeq: h.FirstSeq, Count: h.Count, Payload: ss.unit.Payload(), Time: ss.r.stamp,
		})
	}
	return ""
}

func (ss *segmentScan) replay(u Unit) error {
	if err := ss.r.options.Replay(u); err != nil {
		// Whatever the caller makes of it: newer is not damaged.
		if why := notUnderstood(u.Payload); why != nil {
			return unsupported(ss.f.name, ss.f.offsetOf(u.LSN), "%v", why)
		}
		return fmt.Errorf("wal: replay %s at offset %d: %w", ss.f.name, ss.f.offsetOf(u.LSN), err)
	}
	return nil
}

// behind looks past damage, from the file offset onwards, for valid frames and
// what their marks prove. last is the offset behind the last one; 0 = none.
func (r *recoverer) behind(f *found, file vfs.File, from int64) (last int64, err error) {
	region := f.wholeRegion()
	region.Start, region.LSN = from, region.LSNAt(from)
	s := recordio.NewScanner(file, region)
	for {
		for s.Next() {
			fr := s.Frame()
			last = s.Offset()
			if fr.Kind == recordio.KindMark || fr.Kind == recordio.KindSeal {
				if m, ok := parseMark(fr.Payload); ok {
					r.noteMark(m)
				}
			}
		}
		if !s.Resume() {
			break
		}
	}
	if s.Err() != nil {
		return 0, fmt.Errorf("wal: open: read %s: %w", f.name, s.Err())
	}
	return last, nil
}

// proofFrom looks through the segments of the chain from index i on for what
// they prove, and how many bytes they hold.
func (r *recoverer) proofFrom(i int) (bytes int64, err error) {
	for _, f := range r.chain[min(i, len(r.chain)):] {
		last, err := r.behindFile(f, headerBytes)
		if err != nil {
			return 0, err
		}
		f.dropped = max(last-headerBytes, 0)
		bytes += f.dropped
	}
	return bytes, nil
}

func (r *recoverer) behindFile(f *found, from int64) (last int64, err error) {
	file, err := r.dir.Open(f.name)
	if err != nil {
		return 0, fmt.Errorf("wal: open: %w", err)
	}
	last, err = r.behind(f, file, from)
	return last, errors.Join(err, file.Close())
}
