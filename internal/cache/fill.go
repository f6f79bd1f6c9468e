package cache

// How a block comes in: room is reserved under the lock, filled outside it, and
// published with one store when what is in it was verified.

import "github.com/varvekv/varve/internal/offheap"

// Reservation is room for one block that no reader can see yet.
type Reservation struct {
	slots   *Slots
	index   int
	segment int
	offset  int
	mem     []byte
}

// Reserve finds room for block i of length bytes. It reports false where there
// is none or somebody else is just looking for some, where the block is longer than a
// segment, cached already, or not worth the eviction of another one (see admits). A true one must be ended with Publish or Abandon, soon: its
// segment cannot be emptied meanwhile.
func (s *Slots) Reserve(i, length int) (Reservation, bool) {
	c := s.c
	if length <= 0 || length > c.segmentBytes || len(c.segments) == 0 || !s.admits(i) {
		return Reservation{}, false
	}
	// Who holds the lock may have lost its core for milliseconds, and nobody has to
	// wait for that: a block that is not cached is read again.
	if !c.mu.TryLock() {
		c.refused.Add(1)
		return Reservation{}, false
	}
	swept := c.sweepLocked(sweepFrames)
	number, offset, ok := c.allocateLocked(length)
	var r Reservation
	if ok {
		seg := &c.segments[number]
		seg.filling.Add(1)
		seg.frames = append(seg.frames, frame{s.owner, uint32(i), uint32(offset), uint32(length)})
		r = Reservation{s, i, number, offset, c.memory[number][offset : offset+length : offset+length]}
		c.stats.Inserted++
	}
	c.mu.Unlock()
	c.retire(swept)
	if !ok {
		c.refused.Add(1)
		c.dom.Collect() // segments may wait for nothing but somebody who looks
	}
	return r, ok
}

// admits says whether block i is worth room. While there is spare room every
// block is; then only one that was missed, or evicted, within the last turns:
// filling the cache with blocks that are wanted once evicts those that are
// wanted twice, and costs each miss two copies (docs/adr/0003-tables.md). A
// block is noted by its first miss.
func (s *Slots) admits(i int) bool {
	w := s.words[i].Load()
	if w&presentBit != 0 {
		return false
	}
	turn := s.c.turn.Load()
	if turn == 0 {
		return true
	}
	if w != 0 && turn-w <= uint64(len(s.c.segments)/2) {
		return true
	}
	s.words[i].CompareAndSwap(w, turn)
	return false
}

// Bytes is the room, of the reserved length. It may be written until Publish.
func (r *Reservation) Bytes() []byte { return r.mem }

// Publish makes the block visible to readers. REQUIRES: its bytes were verified.
// The bytes stay valid for the caller as those of a Lookup do.
func (r *Reservation) Publish() {
	w := makeWord(r.segment, r.offset, len(r.mem))
	word := &r.slots.words[r.index]
	for old := word.Load(); old&presentBit == 0; old = word.Load() {
		if word.CompareAndSwap(old, w) {
			break
		}
	} // of two fillers one wins, the other's room is lost
	r.end()
}

// Abandon gives up: the room comes back when its segment is emptied.
func (r *Reservation) Abandon() { r.end() }

func (r *Reservation) end() {
	r.slots.c.segments[r.segment].filling.Add(-1)
	r.mem = nil
}

// Insert copies a verified block in; false when it was refused.
func (s *Slots) Insert(i int, block []byte) bool {
	r, ok := s.Reserve(i, len(block))
	if !ok {
		return false
	}
	copy(r.mem, block)
	r.Publish()
	return true
}

// allocateLocked finds length bytes in the current segment, or the next one.
func (c *Cache) allocateLocked(length int) (number, offset int, ok bool) {
	if c.current < 0 || c.fill+length > c.segmentBytes {
		if !c.nextLocked() {
			return 0, 0, false
		}
	}
	offset = c.fill
	c.fill += (length + frameAlign - 1) &^ (frameAlign - 1)
	return c.current, offset, true
}

// nextLocked makes an empty segment the current one.
func (c *Cache) nextLocked() bool {
	number, ok := c.emptyLocked()
	if !ok {
		return false
	}
	if c.current >= 0 {
		c.full = append(c.full, c.current)
	}
	if c.turn.Load() > 0 {
		c.turn.Add(1)
	}
	c.current, c.fill = number, 0
	return true
}

// emptyLocked takes a free segment, mapping one where the capacity allows it. A
// closed cache has neither.
func (c *Cache) emptyLocked() (number int, ok bool) {
	if n := len(c.free); n > 0 {
		number, c.free = c.free[n-1], c.free[:n-1]
		return number, true
	}
	n := len(c.unmapped)
	if n == 0 || c.mappedLocked() >= c.usable() {
		return 0, false
	}
	number = c.unmapped[n-1]
	mem, err := offheap.Alloc(c.segmentBytes)
	if err != nil {
		return 0, false // no memory is no room
	}
	c.unmapped = c.unmapped[:n-1]
	c.memory[number] = mem
	return number, true
}
