package wal

import (
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"

	"github.com/varvekv/varve/internal/recordio"
	"github.com/varvekv/varve/vfs"
)

// Record is one record of the log.
type Record struct {
	LSN  LSN
	Data []byte // valid until the next step of the iteration
}

// Clone copies the data, so that the record outlives the step.
func (r Record) Clone() Record { return Record{r.LSN, slices.Clone(r.Data)} }

// Records iterates over the records there are when it begins, from the oldest
// that was not released. Damage ends it with an error.
func (l *Log) Records() iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) { l.records(oldest, yield) }
}

// RecordsFrom iterates over the records at or behind a position. One that was
// released is ErrNotFound.
func (l *Log) RecordsFrom(lsn LSN) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		if start := l.Start(); lsn < start {
			yield(Record{}, gone(lsn, start))
			return
		}
		l.records(lsn, yield)
	}
}

// oldest stands for wherever the log begins when it is looked at.
const oldest = LSN(math.MaxUint64)

func gone(lsn, start LSN) error {
	return fmt.Errorf("wal: records from LSN %d: %w: the log begins at %d", lsn, ErrNotFound, start)
}

// reading is an iteration under way.
type reading struct {
	log     *Log
	from    LSN
	start   LSN // where the log begins
	yield   func(Record, error) bool
	scanner recordio.Scanner
	unit    []pendingRecord // of a chain, handed out when it is complete
	joined  []byte
}

type pendingRecord struct {
	lsn LSN
	end int // of its bytes in joined
}

func (l *Log) records(from LSN, yield func(Record, error) bool) {
	end := l.End()
	if !l.options.ReadOnly {
		if err := l.Commit(end, Written); err != nil && !errors.Is(err, ErrPoisoned) {
			yield(Record{}, err)
			return
		}
		end = min(end, l.Written())
	} else if err := l.Err(); errors.Is(err, ErrClosed) {
		yield(Record{}, err)
		return
	}
	asked := from
	if from == oldest {
		from = 0
	}
	start, segs := l.pin(from, end)
	defer l.unpin(segs)
	if asked < start { // released since it was asked for
		yield(Record{}, gone(from, start))
		return
	}
	r := &reading{log: l, from: max(from, start), start: start, yield: yield}
	for _, s := range segs {
		more, err := r.segment(s.seg, min(s.end, end))
		if err != nil {
			yield(Record{}, err)
			return
		}
		if !more {
			return
		}
	}
}

type pinned struct {
	seg *segment
	end LSN
}

// pin takes the segments with positions in [from, end) that are not released, so
// that they stay, and tells where the log begins.
func (l *Log) pin(from, end LSN) (start LSN, segs []pinned) {
	l.mu.Lock()
	defer l.mu.Unlock()
	from = max(from, l.start)
	i, _ := slices.BinarySearchFunc(l.segments, from, func(s *segment, lsn LSN) int {
		if s.end <= lsn {
			return -1
		}
		return 1
	})
	for _, s := range l.segments[i:] {
		if s.first >= end {
			break
		}
		s.pins++
		segs = append(segs, pinned{s, s.end})
	}
	return l.start, segs
}

func (l *Log) unpin(segs []pinned) {
	l.mu.Lock()
	for _, s := range segs {
		s.seg.pins--
	}
	l.mu.Unlock()
	if !l.options.ReadOnly {
		l.keeper.kick()
	}
}

// segment hands out the records of one segment up to end.
func (r *reading) segment(seg *segment, end LSN) (more bool, err error) {
	if seg.first >= end {
		return true, nil
	}
	file, err := r.log.dir.Open(seg.name)
	if err != nil {
		return false, fmt.Errorf("wal: read: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	return r.frames(seg, end, file)
}

func (r *reading) frames(seg *segment, end LSN, file vfs.File) (more bool, err error) {
	s := &r.scanner
	region := seg.region(end)
	s.Reset(file, region)
	if !r.walk() {
		return false, nil
	}
	// Damage in what was released means nothing: the walk goes on where the log begins.
	if stop := LSN(s.LSN()); s.Err() == nil && stop < r.start && r.start < end {
		region.Start, region.LSN = seg.offsetOf(r.start), uint64(r.start)
		s.Reset(file, region)
		if !r.walk() {
			return false, nil
		}
	}
	switch {
	case s.Err() != nil:
		return false, fmt.Errorf("wal: read %s: %w", seg.name, s.Err())
	case LSN(s.LSN()) < end:
		return false, fmt.Errorf("wal: read: %w", stopped(seg.name, s))
	}
	return true, nil
}

// walk hands out what the scanner finds; false when the caller has had enough.
func (r *reading) walk() bool {
	r.unit, r.joined = r.unit[:0], r.joined[:0]
	for r.scanner.Next() {
		if fr := r.scanner.Frame(); fr.Kind == recordio.KindRecord && !r.frame(fr) {
			return false
		}
	}
	return true
}

// frame takes a record's frame; false when the caller has had enough.
func (r *reading) frame(fr *recordio.Frame) bool {
	if fr.Flags&recordio.FlagWhole == recordio.FlagWhole {
		return LSN(fr.LSN) < r.from || r.yield(Record{LSN(fr.LSN), fr.Payload}, nil)
	}
	if fr.Flags&recordio.FlagFirst != 0 {
		r.unit, r.joined = r.unit[:0], r.joined[:0]
	}
	if n := len(r.unit); n == 0 || r.unit[n-1].end >= 0 {
		r.unit = append(r.unit, pendingRecord{LSN(fr.LSN), -1})
	}
	r.joined = append(r.joined, fr.Payload...)
	if fr.Flags&recordio.FlagContinues == 0 {
		r.unit[len(r.unit)-1].end = len(r.joined)
	}
	return fr.Flags&recordio.FlagLast == 0 || r.handOut()
}

func (r *reading) handOut() bool {
	begin := 0
	for _, p := range r.unit {
		if p.lsn >= r.from && !r.yield(Record{p.lsn, r.joined[begin:p.end:p.end]}, nil) {
			return false
		}
		begin = p.end
	}
	return true
}
