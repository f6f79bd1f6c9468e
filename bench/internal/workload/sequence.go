package workload

import (
	"sync"
	"sync/atomic"
)

// sequenceWindow is how far inserts in flight may be apart: a power of two, as
// large as YCSB's own (AcknowledgedCounterGenerator).
const sequenceWindow = 1 << 20

// Sequence numbers inserts and knows up to where all of them are done, so that
// readers choose only among records that exist. It may be shared.
type Sequence struct {
	// synchronise themselves
	next  atomic.Uint64
	limit atomic.Uint64 // all below are acknowledged
	done  []atomic.Bool // by number modulo sequenceWindow

	mu sync.Mutex // guards moving limit; never waited for
}

// NewSequence starts with the records [0, count) existing.
func NewSequence(count uint64) *Sequence {
	s := &Sequence{done: make([]atomic.Bool, sequenceWindow)}
	s.next.Store(count)
	s.limit.Store(count)
	return s
}

// Next is the number of the next record to insert. Every one must be
// acknowledged, or Count stands still.
func (s *Sequence) Next() uint64 { return s.next.Add(1) - 1 }

// Count is how many records from 0 on surely exist.
func (s *Sequence) Count() uint64 { return s.limit.Load() }

// Acknowledge tells that record n is in the database. Count may lag until a
// later Acknowledge or Settle.
func (s *Sequence) Acknowledge(n uint64) {
	s.done[n%sequenceWindow].Store(true)
	if !s.mu.TryLock() {
		return // whoever holds it, or the next one, moves the limit
	}
	s.advanceLocked()
	s.mu.Unlock()
}

// Settle moves Count over everything acknowledged, and starts the numbering
// there again: numbers handed out and never acknowledged are given up.
// REQUIRES: no other call runs.
func (s *Sequence) Settle() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.advanceLocked()
	s.next.Store(s.limit.Load())
	return s.limit.Load()
}

func (s *Sequence) advanceLocked() {
	at := s.limit.Load()
	for s.done[at%sequenceWindow].Load() {
		s.done[at%sequenceWindow].Store(false)
		at++
	}
	s.limit.Store(at)
}
