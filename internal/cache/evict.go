package cache

// How room comes back: the oldest segment is swept a few frames at a time by
// those who insert, then retired, then recycled when nobody can be reading it.

import (
	"github.com/varvekv/varve/internal/invariants"
	"github.com/varvekv/varve/internal/offheap"
)

const (
	// sweepFrames is how many frames one insertion looks at: more than it adds,
	// so that the sweep of a segment ends long before the current one is full.
	sweepFrames = 4
	// ahead is how many segments are kept empty: one to fill next, one for
	// readers that hold the last swept one for a while.
	ahead = 2
)

// sweep is the segment being emptied.
type sweep struct {
	number  int // -1 = none
	next    int // frame to look at
	rescued int // bytes copied on
}

// sweepLocked looks at up to n frames of the oldest segment if room is short.
// It returns the number of a segment that is empty now and must be retired once
// the lock is given back; -1 for none.
func (c *Cache) sweepLocked(n int) (swept int) {
	if c.sweep.number < 0 && !c.startSweepLocked() {
		return -1
	}
	seg := &c.segments[c.sweep.number]
	for ; n > 0 && c.sweep.next < len(seg.frames); n-- {
		c.dropLocked(seg.frames[c.sweep.next])
		c.sweep.next++
	}
	if c.sweep.next < len(seg.frames) {
		return -1
	}
	swept = c.sweep.number
	c.sweep.number = -1
	return swept
}

// startSweepLocked takes the oldest full segment when few empty ones are left.
// Segments that wait for a reader to leave count as empty: one slow reader must
// not make the others sweep the whole cache. Those that iterators pin do not:
// that may take for ever.
func (c *Cache) startSweepLocked() bool {
	room := c.usable() - c.inUseLocked() - c.held
	if room >= ahead || len(c.full) == 0 || c.segments[c.full[0]].filling.Load() > 0 {
		return false
	}
	c.turn.CompareAndSwap(0, 1)
	c.sweep = sweep{number: c.full[0]}
	c.full = append(c.full[:0], c.full[1:]...)
	return true
}

// dropLocked unlinks one frame, or moves it on when it was hit lately.
func (c *Cache) dropLocked(f frame) {
	owner := c.owners[f.owner]
	if owner == nil {
		return
	}
	word := &owner.words[f.index]
	place := makeWord(c.sweep.number, int(f.offset), int(f.length))
	for {
		w := word.Load()
		if w&^hitBit != place {
			return // abandoned, or lost to another filler
		}
		if w&hitBit != 0 && c.rescueLocked(f, w) {
			return
		}
		if word.CompareAndSwap(w, c.turn.Load()) {
			c.stats.Evicted++
			return
		}
	}
}

// rescueLocked copies a frame to the current segment. Half of a segment at most
// moves on: else a cache in which all is hit would copy without end.
func (c *Cache) rescueLocked(f frame, w uint64) bool {
	if c.sweep.rescued+int(f.length) > c.segmentBytes/2 {
		return false
	}
	number, offset, ok := c.allocateLocked(int(f.length))
	if !ok {
		return false
	}
	copy(c.memory[number][offset:], c.memory[c.sweep.number][f.offset:f.offset+f.length])
	if !c.owners[f.owner].words[f.index].CompareAndSwap(w, makeWord(number, offset, int(f.length))) {
		return false
	}
	to := &c.segments[number]
	to.frames = append(to.frames, frame{f.owner, f.index, uint32(offset), f.length})
	c.sweep.rescued += int(f.length)
	c.stats.Rescued++
	return true
}

// retire hands a swept segment to the epoch domain. Not under mu: the domain may
// run free functions at once, recycle among them.
func (c *Cache) retire(number int) {
	if number < 0 {
		return
	}
	c.dom.Retire(func() {
		c.segments[number].isEmpty.Store(true)
		c.recycle(number)
	})
}

// recycle puts an empty segment to use again, unless it is pinned: then the last
// one to unpin it calls again. Of two callers the first does the work.
func (c *Cache) recycle(number int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	seg := &c.segments[number]
	if c.isClosed || !seg.isEmpty.Load() {
		return
	}
	if seg.pins.Load() > 0 {
		if !seg.isHeld {
			seg.isHeld = true
			c.held++
		}
		return
	}
	if seg.isHeld {
		seg.isHeld = false
		c.held--
	}
	seg.isEmpty.Store(false)
	seg.frames = seg.frames[:0]
	invariants.Mangle(c.memory[number])
	if c.mappedLocked() <= c.usable() {
		c.free = append(c.free, number)
		return
	}
	c.unmapLocked(number)
}

func (c *Cache) unmapLocked(number int) {
	if err := offheap.Free(c.memory[number]); err != nil {
		invariants.Check(false, "unmap cache segment: %v", err)
		return // still mapped and counted so, but not used again; Close tries once more
	}
	c.memory[number] = nil
	c.unmapped = append(c.unmapped, number)
}

// shrink empties segments until they fit what charges have left of the capacity.
func (c *Cache) shrink() {
	for {
		c.mu.Lock()
		for len(c.free) > 0 && c.mappedLocked() > c.usable() {
			n := len(c.free) - 1
			number := c.free[n]
			c.free = c.free[:n]
			c.unmapLocked(number)
		}
		swept := -1
		if c.inUseLocked() > c.usable() && (c.sweep.number >= 0 || c.startSweepLocked()) {
			c.sweep.rescued = c.segmentBytes // no copies: room is what is wanted
			swept = c.sweepLocked(1 << 30)
		}
		c.mu.Unlock()
		if swept < 0 {
			return
		}
		c.retire(swept)
	}
}

// inUseLocked counts the segments that hold blocks and are not on their way out.
func (c *Cache) inUseLocked() int {
	n := len(c.full)
	if c.current >= 0 {
		n++
	}
	if c.sweep.number >= 0 {
		n++
	}
	return n
}
