package wal

import (
	"errors"
	"fmt"

	"github.com/varvekv/varve/internal/filename"
	"github.com/varvekv/varve/internal/recordio"
)

// The second half of recovery: make durable what was accepted, record where it
// ends, and go on in a fresh segment.

// goOn is what Open does once it has accepted what it found.
func (r *recoverer) goOn() error {
	r.fillReport()
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
	r.install(seg)
	return nil
}

func (r *recoverer) fillReport() {
	rep := r.report
	rep.Start, rep.End, rep.Chain, rep.LastTime = r.start, r.end, r.sum, r.stamp
	if r.cut != nil {
		rep.Segment = r.cut.number
	}
	rep.Undecided = max(0, int64(r.end)+rep.Dropped-int64(max(r.proof, r.start)))
	rep.Unclean = len(r.chain) > 0 && !(rep.Verdict == Clean && r.sealed) || rep.Verdict != Clean
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
	for _, f := range r.chain {
		if f.end <= r.proof || f.end > r.end || f.end <= r.start {
			continue
		}
		from := f.offsetOf(max(r.proof, f.header.first))
		if err := r.rewrite(f, from&^(recordio.BlockBytes-1), f.offsetOf(f.end)); err != nil {
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
	if f.header.durable < f.header.first || from > headerBytes {
		if err := copyWithin(file, buf[:min(headerBytes, f.sizeBytes)], 0); err != nil {
			return fmt.Errorf("wal: open: rewrite %s: %w", f.name, err)
		}
	}
	for from = max(0, from); from < end; {
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
// accepted. Trailing segments without a unit are left out of the chain, so that
// opening and closing again and again does not pile up files.
func (r *recoverer) newHeader() segmentHeader {
	rep := r.report
	prev := link{}
	if r.cut != nil {
		prev = link{r.cut.number, r.end, r.sum, r.cut.header.epoch}
		for f := r.cut; f != nil && f.units == 0 && f.end == r.end && f.dropped == 0; f = r.file(prev.number) {
			prev = f.header.prev
			if f.header.prev.number == 0 || r.file(prev.number) == nil || r.file(prev.number).class != live {
				break
			}
			if r.file(prev.number).units > 0 {
				break
			}
		}
	}
	return segmentHeader{
		state: stateSegment, number: r.greatest + 1, identity: rep.Identity, epoch: rep.Epoch,
		first: rep.Next, firstSeq: rep.LastSeq + 1, start: r.start,
		durable: rep.Next, durableSeq: rep.LastSeq, created: max(r.options.Clock().UnixNano(), r.stamp), prev: prev,
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
	kept := r.accepted()
	changed := false
	for _, f := range r.files {
		if kept[f.number] {
			continue
		}
		changed = true
		if r.holdsNothing(f) {
			if err := r.dir.Remove(f.name); err != nil {
				return fmt.Errorf("wal: open: %w", err)
			}
			continue
		}
		torn := filename.MakeTorn(f.name)
		if err := r.dir.Rename(f.name, torn); err != nil {
			return fmt.Errorf("wal: open: set aside: %w", err)
		}
		r.torn = append(r.torn, torn)
		r.report.SetAside = append(r.report.SetAside, torn)
	}
	if !changed {
		return nil
	}
	if err := r.dir.Sync(); err != nil {
		return fmt.Errorf("wal: open: %w", err)
	}
	return nil
}

func (r *recoverer) holdsNothing(f *found) bool {
	return f.class == spare || f.dropped == 0 && (f.class == broken || f.units == 0 && f.end != 0)
}
