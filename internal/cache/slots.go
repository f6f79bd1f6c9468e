package cache

// How readers find blocks, and how blocks come in.

import (
	"sync/atomic"

	"github.com/varvekv/varve/internal/invariants"
)

// A slot word says where a block lies:
//
//	63          62      61      38       21       0
//	┌───────────┬───────┬───────┬────────┬────────┐
//	│ hit lately│   1   │segment│ offset │ length │   offset in units of 8 bytes
//	└───────────┴───────┴───────┴────────┴────────┘
//
// or, bit 62 being 0, in which turn the absent block was last missed or
// evicted; 0 = not of late. See admits.
const (
	lengthBits       = 21
	offsetBits       = 17
	segmentShift     = lengthBits + offsetBits
	segmentNumberMax = 1 << 24
	presentBit       = 1 << 62
	hitBit           = 1 << 63
)

func makeWord(segment, offset, length int) uint64 {
	return presentBit | uint64(segment)<<segmentShift | uint64(offset/frameAlign)<<lengthBits | uint64(length)
}

func splitWord(w uint64) (segment, offset, length int) {
	return int(w >> segmentShift % segmentNumberMax), int(w>>lengthBits%(1<<offsetBits)) * frameAlign, int(w % (1 << lengthBits))
}

// Slots are the places of one table's blocks in a cache. Their methods may be
// called from any goroutine, but Close.
type Slots struct {
	c     *Cache
	owner uint32
	words []atomic.Uint64
}

// NewSlots makes room to note count blocks.
func (c *Cache) NewSlots(count int) *Slots {
	s := &Slots{c: c, words: make([]atomic.Uint64, count)}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ownerSeq++
	for c.owners[c.ownerSeq] != nil { // after 2^32 tables
		c.ownerSeq++
	}
	s.owner = c.ownerSeq
	c.owners[s.owner] = s
	return s
}

// Close drops all blocks; their memory comes back as the eviction passes by.
// REQUIRES: no lookup and no insertion under way, nor any later.
func (s *Slots) Close() {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	delete(s.c.owners, s.owner)
}

// Lookup is block i, or nil. It must not be changed.
// REQUIRES: inside an epoch slot of the cache's domain; valid until its Exit.
func (s *Slots) Lookup(i int) []byte {
	w := s.words[i].Load()
	if w&presentBit == 0 {
		return nil
	}
	if w&hitBit == 0 {
		s.words[i].CompareAndSwap(w, w|hitBit)
	}
	segment, offset, length := splitWord(w)
	return s.c.memory[segment][offset : offset+length : offset+length]
}

// Has reports whether block i is cached now.
func (s *Slots) Has(i int) bool { return s.words[i].Load()&presentBit != 0 }

// Pin keeps a block where it is beyond an epoch. The zero Pin holds nothing.
type Pin struct {
	c       *Cache
	segment int
}

// LookupPinned is like Lookup, but the block stays until the pin is released:
// for iterators, which may rest on a block for long.
// REQUIRES: inside an epoch slot of the cache's domain, for the call.
func (s *Slots) LookupPinned(i int) ([]byte, Pin) {
	w := s.words[i].Load()
	if w&presentBit == 0 {
		return nil, Pin{}
	}
	if w&hitBit == 0 {
		s.words[i].CompareAndSwap(w, w|hitBit)
	}
	// Even if the word moves on now, the segment cannot come back into use
	// before this reader's Exit, and by then the pin counts.
	segment, offset, length := splitWord(w)
	s.c.segments[segment].pins.Add(1)
	return s.c.memory[segment][offset : offset+length : offset+length], Pin{s.c, segment}
}

// Release lets the block go; a second Release does nothing.
func (p *Pin) Release() {
	if p.c == nil {
		return
	}
	c := p.c
	p.c = nil
	seg := &c.segments[p.segment]
	n := seg.pins.Add(-1)
	invariants.Check(n >= 0, "cache segment unpinned twice")
	if n == 0 && seg.isEmpty.Load() {
		c.recycle(p.segment)
	}
}
