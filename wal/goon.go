package wal

import (
	"errors"
	"fmt"
	"slices"

	"github.com/varvekv/varve/internal/filename"
	"github.com/varvekv/varve/internal/recordio"
)

// The second half of recovery: make durable what was accepted, record where it
// ends, and go on in a fresh segment.

// goOn is what Open does once it has accepted what it found.
func (r *recoverer) goOn() error {
	r.fillReport()
	r.trim()
	if err := r.harden(); err != nil {
		return err
	}
	header := r.newHeader()
	seg, err := r.createSegment(header)
	if err != nil {
		return err
	}
	if err := r.clearAway(); err != nil {
		return errors.Join(err, seg.closeFile())
	}
	return r.install(seg)
}

func (r *recoverer) fillReport() {
	rep := r.report
	rep.Start, rep.End, rep.Chain, rep.LastTime = r.start, r.end, r.sum, r.stamp
	if r.cut != nil {
		rep.Segment = r.cut.number
	}
	rep.Undecided = max(0, int64(r.end)+rep.Dropped-int64(max(r.proof, r.start)))
	rep.Unclean = len(r.chain) > 0 && !(rep.Verdict == Clean && r.closed) || rep.Verdict != Clean
	if n := r.newestLive(); n != nil {
		rep.Epoch = n.header.epoch
	}
	if rep.Unclean {
		rep.Epoch++
	}
	rep.Epoch = max(rep.Epoch, r.options.MinEpoch)
	rep.Next = r.nextLSN()
	if rep.Identity == 0 {
		rep.Identity = r.options.Random()
	}
}

// nextLSN is where appends go on: behind every byte that any file could hold,
// unless the log had been closed.
func (r *recoverer) nextLSN() LSN {
	next := max(r.end, r.start, r.options.ProvenLSN)
	if !r.report.Unclean {
		return next
	}
	for _, f := range r.files {
		switch f.class {
		case live:
			next = max(next, f.lastLSN())
		case broken:
			next += LSN(f.sizeBytes)
		}
	}
	return max(next, r.proof)
}

// harden writes again, as they are, the accepted bytes that nothing proves
// durable, and syncs them: a failed sync of an earlier life may have left pages
// that look clean and never reached the disk.
func (r *recoverer) harden() error {
	for _, f := range r.kept {
		if f.end <= r.start || f.end <= r.proof && f.damage.reason == "" {
			continue
		}
		from := int64(0) // the header is not proven either, or one copy never arrived
		if r.proof > f.header.first && f.damage.reason == "" {
			from = f.offsetOf(r.proof) &^ (recordio.BlockBytes - 1)
		}
		if err := r.rewrite(f, from, f.offsetOf(f.end)); err != nil {
			return err
		}
	}
	if len(r.chain) == 0 {
		return nil
	}
	if err := r.dir.Sync(); err != nil {
		return fmt.Errorf("wal: open: %w", err)
	}
	return nil
}

func (r *recoverer) rewrite(f *found, from, end int64) (err error) {
	file, err := r.dir.OpenReadWrite(f.name)
	if err != nil {
		return fmt.Errorf("wal: open: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	buf := make([]byte, chunkBytes)
	end = min((end+recordio.BlockBytes-1)&^(recordio.BlockBytes-1), f.sizeBytes)
	if from == 0 {
		if _, err := file.WriteAt(f.block, 0); err != nil {
			return fmt.Errorf("wal: open: rewrite %s: %w", f.name, err)
		}
		from = headerBytes
	}
	for from < end {
		p := buf[:min(int64(len(buf)), end-from)]
		if err := copyWithin(file, p, from); err != nil {
			return fmt.Errorf("wal: open: rewrite %s: %w", f.name, err)
		}
		from += int64(len(p))
	}
	if err := file.SyncData(); err != nil {
		return fmt.Errorf("wal: open: sync %s: %w", f.name, err)
	}
	return nil
}

type readerWriterAt interface {
	ReadAt([]byte, int64) (int, error)
	WriteAt([]byte, int64) (int, error)
}

func copyWithin(f readerWriterAt, p []byte, at int64) error {
	if n, err := f.ReadAt(p, at); n < len(p) {
		return err
	}
	_, err := f.WriteAt(p, at)
	return err
}

// newHeader is the header of the segment that goes on: the record of what was
// accepted.
func (r *recoverer) newHeader() segmentHeader {
	rep := r.report
	return segmentHeader{
		state: stateSegment, number: r.greatest + 1, identity: rep.Identity, epoch: rep.Epoch,
		first: rep.Next, firstSeq: rep.LastSeq + 1, start: r.start,
		durable: rep.Next, durableSeq: rep.LastSeq, edit: rep.LastEdit, created: max(r.options.Clock().UnixNano(), r.stamp), prev: r.prev,
	}
}

// trim leaves trailing segments without a unit out of the chain, so that opening
// and closing again and again does not pile up files.
func (r *recoverer) trim() {
	n := 0
	for n < len(r.chain) && r.chain[n] != r.cut {
		n++
	}
	if r.cut == nil {
		r.kept = nil
		return
	}
	r.kept = r.chain[:n+1]
	r.prev = link{r.cut.number, r.end, r.sum, r.cut.header.epoch}
	for len(r.kept) > 0 {
		last := r.kept[len(r.kept)-1]
		if last.units > 0 || last.dropped > 0 || last.header.prev.number == 0 || last.bounded && last.bound <= r.start && last.bound > last.header.first {
			return
		}
		r.prev = last.header.prev
		r.kept = r.kept[:len(r.kept)-1]
		if len(r.kept) > 0 && r.kept[len(r.kept)-1].number != r.prev.number {
			return
		}
	}
}

// createSegment makes the new segment's file durable with its header, before
// anything is appended.
func (r *recoverer) createSegment(h segmentHeader) (*segment, error) {
	seg := newSegment(h, r.log.segmentSize(0))
	f, err := r.dir.Create(seg.name)
	if err != nil {
		return nil, fmt.Errorf("wal: open: new segment: %w", err)
	}
	seg.file, seg.made = f, true
	_, err = f.WriteAt(appendHeader(nil, &h), 0)
	if err == nil {
		err = f.SyncData()
	}
	if err == nil {
		err = r.dir.Sync()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("wal: open: new segment %s: %w", seg.name, err), f.Close())
	}
	return seg, nil
}

// clearAway sets aside what was cut off, and removes files that hold nothing.
func (r *recoverer) clearAway() error {
	changed := false
	for _, f := range r.files {
		if r.isKept(f) {
			continue
		}
		changed = true
		if err := r.clearFile(f); err != nil {
			return fmt.Errorf("wal: open: set aside: %w", err)
		}
	}
	if !changed {
		return nil
	}
	if err := r.dir.Sync(); err != nil {
		return fmt.Errorf("wal: open: %w", err)
	}
	return nil
}

// isKept: in the accepted chain, or released and on its way out.
func (r *recoverer) isKept(f *found) bool {
	return slices.Contains(r.kept, f) || r.isObsolete(f)
}

func (r *recoverer) isObsolete(f *found) bool {
	if f.class != live || len(r.chain) == 0 {
		return false
	}
	return f.number < r.chain[0].number && r.chain[0].missing == 0
}

// holdsNothing reports whether a file may be removed instead of set aside: it was
// prepared and not used, or there is nothing but zeros where data would stand.
func (r *recoverer) holdsNothing(f *found) (bool, error) {
	switch {
	case f.class == spare:
		return true, nil
	case f.dropped > 0 || f.units > 0:
		return false, nil
	case f.class == broken:
		return r.isZero(f, 0)
	case f.scanned:
		return true, nil // marks and a seal at most
	case slices.Contains(r.chain, f):
		return r.isZero(f, headerBytes)
	}
	return false, nil
}

func (r *recoverer) clearFile(f *found) error {
	holdsNothing, err := r.holdsNothing(f)
	if err != nil {
		return err
	}
	if holdsNothing {
		return r.dir.Remove(f.name)
	}
	torn := filename.MakeTorn(f.name)
	if err := r.dir.Rename(f.name, torn); err != nil {
		return err
	}
	r.torn = append(r.torn, torn)
	r.report.SetAside = append(r.report.SetAside, torn)
	return nil
}

// install hands the log what recovery found.
func (r *recoverer) install(seg *segment) error {
	l, rep := r.log, r.report
	l.identity, l.epoch = rep.Identity, rep.Epoch
	l.start, l.end, l.dataEnd, l.lastSeq = r.start, seg.first, seg.first, rep.LastSeq
	l.written.Store(uint64(seg.first))
	l.durable.Store(uint64(seg.first))
	l.durableSeq.Store(rep.LastSeq)
	l.edit.Store(rep.LastEdit)
	l.lastTime.Store(seg.header.created)
	l.lastMark = mark{durable: seg.first, time: seg.header.created}
	l.turn.target, l.turn.targetSeq = seg.first, rep.LastSeq
	l.keeper.firstNumber, l.keeper.claimed = seg.number, seg.number
	l.keeper.changed.L = &l.keeper.mu
	l.keeper.torn = r.torn
	if err := r.installOld(); err != nil {
		return errors.Join(err, seg.closeFile())
	}
	l.segments = append(l.segments, seg)
	l.active = seg
	l.cur = l.newChunkLocked(seg, headerBytes)
	return nil
}

// installOld adds the accepted segments, and hands the released ones on.
func (r *recoverer) installOld() error {
	l := r.log
	for _, f := range r.files {
		switch {
		case slices.Contains(r.kept, f) && !(f.bounded && f.bound <= r.start):
			l.segments = append(l.segments, f.segment())
		case r.isKept(f):
			if !slices.Contains(r.chain, f) && l.options.Archive.enabled() {
				if err := r.findEnd(f); err != nil {
					return err
				}
			}
			l.keeper.released = append(l.keeper.released, f.segment())
		}
	}
	return nil
}

// findEnd finds where a released segment ends that no other one links to.
func (r *recoverer) findEnd(f *found) (err error) {
	file, err := r.dir.Open(f.name)
	if err != nil {
		return fmt.Errorf("wal: open: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	s := recordio.NewScanner(file, f.wholeRegion())
	for s.Next() {
		f.end = LSN(s.LSN())
	}
	if s.Stop() == recordio.Unknown {
		return fmt.Errorf("wal: open: %w", stopped(f.name, s))
	}
	return s.Err()
}

func (f *found) segment() *segment {
	seg := newSegment(f.header, f.sizeBytes)
	seg.sealed, seg.made, seg.units = true, true, f.units
	seg.end = f.end
	return seg
}

// installReadOnly serves reads of what was accepted; nothing on disk changes.
func (r *recoverer) installReadOnly() error {
	r.fillReport()
	r.trim()
	l := r.log
	l.identity, l.epoch = r.report.Identity, r.report.Epoch
	l.start, l.end, l.dataEnd, l.lastSeq = r.start, r.end, r.end, r.report.LastSeq
	l.written.Store(uint64(r.end))
	l.durable.Store(uint64(min(r.end, r.proof)))
	// What was found beyond the proof may lie in the system's cache alone.
	l.durableSeq.Store(min(r.seq, r.report.LastSeq))
	if r.proof >= r.end {
		l.durableSeq.Store(r.report.LastSeq)
	}
	if err := r.installOld(); err != nil {
		return err
	}
	l.keeper.released = nil
	h := segmentHeader{number: r.greatest + 1, first: r.end}
	l.active = newSegment(h, headerBytes)
	l.stopped = true
	l.failed.Store(&stickyError{fmt.Errorf("wal: %w", ErrReadOnly)})
	l.gateLocked()
	return nil
}
