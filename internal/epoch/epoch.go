// Package epoch says when memory that readers may still be looking at can be
// given back: cache segments, memtable arenas, closed tables.
//
// A reader enters a slot of its own before it loads a shared pointer and exits
// when it has let go of everything reached from it. A writer first unlinks
// what it wants to free, then retires it; the free function runs once every
// reader that was inside at that moment has left. No counter is shared between
// readers: an Enter is one store to the reader's own cache line.
//
// Why it is safe: Go's atomics are sequentially consistent. A reader whose slot
// the collector saw empty stores its epoch after that look, and loads the shared
// pointer after that store, so it can only find what is linked now. (Epoch-based
// reclamation: K. Fraser, "Practical lock-freedom", 2004.)
package epoch

import (
	"math"
	"sync"
	"sync/atomic"
	"weak"
)

// Domain is one group of readers and the things retired from under them.
// Its methods may be called from any goroutine. The zero Domain is ready.
type Domain struct {
	now atomic.Uint64 // grows by one with each Retire; not 0 once there is a slot

	mu      sync.Mutex // guards what follows; rank: innermost, never held over free functions
	slots   []weak.Pointer[Slot]
	retired []retired // oldest first
}

type retired struct {
	epoch uint64
	free  func()
}

// Slot is one reader's place in a Domain. A slot is used by one goroutine at a
// time; pool it. A slot that is dropped (collected) counts as having exited.
type Slot struct {
	_      [64]byte
	inside atomic.Uint64 // the epoch at Enter; 0 outside; peeking while Peek runs, which counts as outside
	dom    *Domain
	peek   sync.Mutex // held by Peek; a reader that meets it waits for microseconds
	_      [40]byte
}

const peeking = math.MaxUint64

// NewSlot registers a slot. It is dear (a lock and a list): keep slots in a pool.
func (d *Domain) NewSlot() *Slot {
	d.now.CompareAndSwap(0, 1)
	s := &Slot{dom: d}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.slots = append(d.slots, weak.Make(s))
	return s
}

// Enter begins a read: what is reachable from now on stays until Exit.
// REQUIRES: the slot is outside. It costs no more than what the compiler inlines.
func (s *Slot) Enter() {
	if s.inside.Swap(s.dom.now.Load()) == peeking {
		s.awaitPeek()
	}
}

func (s *Slot) awaitPeek() {
	s.peek.Lock()
	defer s.peek.Unlock()
}

// Peek runs look while the slot is outside and keeps it there meanwhile: look may
// read what belongs to the slot's user, as of its last Exit. It costs the user
// nothing unless they meet. False: the slot was inside whenever Peek looked, at
// most tries times, and look did not run. look must be short and wait for nobody.
func (s *Slot) Peek(tries int, look func()) bool {
	s.peek.Lock()
	defer s.peek.Unlock()
	for s.inside.Load() != 0 || !s.inside.CompareAndSwap(0, peeking) {
		if tries--; tries <= 0 {
			return false
		}
	}
	look()
	s.inside.CompareAndSwap(peeking, 0) // or the user has come, and waits for the lock
	return true
}

// Exit ends the read: nothing reached since Enter may be touched any more.
func (s *Slot) Exit() { s.inside.Store(0) }

// Retire runs free once every reader inside now has left; at the earliest in
// this call, otherwise in a later Retire or Collect. REQUIRES: what free gives
// back can no longer be reached by a reader that enters after this call.
func (d *Domain) Retire(free func()) {
	d.mu.Lock()
	d.retired = append(d.retired, retired{d.now.Add(1), free})
	d.mu.Unlock()
	d.Collect()
}

// Collect runs every free function that is due and reports how many are not.
func (d *Domain) Collect() (waiting int) {
	d.mu.Lock()
	oldest := d.oldestLocked()
	due := 0
	for due < len(d.retired) && d.retired[due].epoch <= oldest {
		due++
	}
	run := append([]retired(nil), d.retired[:due]...)
	d.retired = append(d.retired[:0], d.retired[due:]...)
	clear(d.retired[len(d.retired) : len(d.retired)+due])
	waiting = len(d.retired)
	d.mu.Unlock()
	for _, r := range run {
		r.free()
	}
	return waiting
}

// oldestLocked is the epoch the longest-staying reader entered in; it drops
// slots whose owners have been collected.
func (d *Domain) oldestLocked() uint64 {
	oldest := d.now.Load()
	live := d.slots[:0]
	for _, w := range d.slots {
		s := w.Value()
		if s == nil {
			continue
		}
		live = append(live, w)
		if in := s.inside.Load(); in != 0 && in < oldest {
			oldest = in
		}
	}
	clear(d.slots[len(live):])
	d.slots = live
	return oldest
}
