package wal

import (
	"errors"
	"fmt"
	"iter"
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
	return func(yield func(Record, error) bool) { l.records(l.Start(), yield) }
}

// RecordsFrom iterates over the records at or behind a position. One that was
// released is ErrNotFound.
func (l *Log) RecordsFrom(lsn LSN) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		if start := l.Start(); lsn < start {
			yield(Record{}, fmt.Errorf("wal: records from LSN %d: %w: the log begins at %d", lsn, ErrNotFound, start))
			return
		}
		l.records(lsn, yield)
	}
}

// reading is an iteration under way.
type reading struct {
	log     *Log
	from    LSN
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
	segs := l.pin(from, end)
	defer l.unpin(segs)
	r := &reading{log: l, from: from, yield: yield}
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

// pin takes the segments with positions in [from, end), so that they stay.
func (l *Log) pin(from, end LSN) []pinned {
	l.mu.Lock()
	defer l.mu.Unlock()
	i, _ := slices.BinarySearchFunc(l.segments, from, func(s *segment, lsn LSN) int {
		if s.end <= lsn {
			return -1
		}
		return 1
	})
	var segs []pinned
	for _, s := range l.segments[i:] {
		if s.first >= end {
			break
		}
		s.pins++
		segs = append(segs, pinned{s, s.end})
	}
	return segs
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
	s.Reset(file, seg.region(end))
	r.unit, r.joined = r.unit[:0], r.joined[:0]
	for s.Next() {
		if fr := s.Frame(); fr.Kind == recordio.KindRecord && !r.frame(fr) {
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
