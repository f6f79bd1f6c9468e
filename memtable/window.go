package memtable

import "sort"

// window is a copy of neighbouring items, ascending, which a cursor walks without
// a lock. It is filled from a starting item upwards or downwards, by merging the
// tree's two structures.
//
// What it shows of a key's versions is loaded in groups ahead of the walk: the
// nodes lie anywhere in the arena, each is a cache miss, and independent loads
// overlap where a walk's dependent ones cannot (see docs/adr/0002).
type window struct {
	items          [windowItemsMax]item
	heads          [windowItemsMax]ref // newest version of each item, once warm
	lo, hi         int                 // items[lo:hi] are filled
	warmLo, warmHi int                 // heads[warmLo:warmHi] are loaded
	size           int                 // items to copy next time
	ahead          int                 // items to warm next time
	touched        uint32              // sum of what warm looked at, so that the compiler keeps the loads

	// While filling:
	tree     *tree
	from     item // where the fill starts
	skip     bool // leave from itself out
	tail     int  // the tail's next item in the direction of the fill
	tails    int  // the tail's length when the fill began
	locked   bool
	up, down func(item) bool
}

const (
	windowItemsMin = 32 // the first after a seek: many scans are short
	windowItemsMax = 128

	// Items warmed at once: few after a seek, then more misses than a core keeps
	// in flight.
	aheadMin = 4
	aheadMax = 32
)

func (w *window) start(t *tree) {
	w.tree = t
	if w.up == nil {
		w.up, w.down = w.takeUp, w.takeDown
	}
}

// reset empties the window; the next fill copies few items again.
func (w *window) reset() {
	w.lo, w.hi, w.warmLo, w.warmHi = 0, 0, 0, 0
	w.size, w.ahead = windowItemsMin, aheadMin
}

// edge says where a fill begins.
type edge uint8

const (
	edgeEnd    edge = iota // at the end of the data
	edgeAt                 // at the starting item or, where it is missing, the next in that direction
	edgeBeyond             // at the next item even where the starting one is there
)

// fillUp copies the items from the start upwards, and reports whether there are any.
func (w *window) fillUp(e edge, from item) bool {
	w.begin(e, from, 0)
	t := w.tree
	w.lock()
	w.tails = t.tail.len()
	if e == edgeEnd {
		w.tail = 0
		t.items.Ascend(w.up)
	} else {
		w.tail = sort.Search(w.tails, func(i int) bool { return !t.less(t.tail.at(i), from) })
		t.items.AscendGreaterOrEqual(from, w.up)
	}
	w.unlock()
	for w.tail < w.tails && w.hi < w.size {
		w.pushUp(t.tail.at(w.tail))
		w.tail++
	}
	w.grow()
	return w.hi > w.lo
}

// takeUp is the tree's callback: it lets the tail's smaller items go first.
func (w *window) takeUp(it item) bool {
	for w.tail < w.tails && w.hi < w.size {
		x := w.tree.tail.at(w.tail)
		if !w.tree.less(x, it) {
			break
		}
		w.pushUp(x)
		w.tail++
	}
	if w.hi < w.size {
		w.pushUp(it)
	}
	return w.hi < w.size
}

func (w *window) pushUp(it item) {
	if w.skip && it.node == w.from.node {
		return
	}
	w.items[w.hi] = it
	w.hi++
}

// fillDown copies the items from the start downwards, and reports whether there are any.
func (w *window) fillDown(e edge, from item) bool {
	w.begin(e, from, windowItemsMax)
	t := w.tree
	w.lock()
	w.tails = t.tail.len()
	if e == edgeEnd {
		w.tail = w.tails - 1
		t.items.Descend(w.down)
	} else {
		w.tail = sort.Search(w.tails, func(i int) bool { return t.less(from, t.tail.at(i)) }) - 1
		t.items.DescendLessOrEqual(from, w.down)
	}
	w.unlock()
	for w.tail >= 0 && w.hi-w.lo < w.size {
		w.pushDown(t.tail.at(w.tail))
		w.tail--
	}
	w.grow()
	return w.hi > w.lo
}

func (w *window) takeDown(it item) bool {
	for w.tail >= 0 && w.hi-w.lo < w.size {
		x := w.tree.tail.at(w.tail)
		if !w.tree.less(it, x) {
			break
		}
		w.pushDown(x)
		w.tail--
	}
	if w.hi-w.lo < w.size {
		w.pushDown(it)
	}
	return w.hi-w.lo < w.size
}

func (w *window) pushDown(it item) {
	if w.skip && it.node == w.from.node {
		return
	}
	w.lo--
	w.items[w.lo] = it
}

func (w *window) begin(e edge, from item, at int) {
	w.lo, w.hi, w.warmLo, w.warmHi = at, at, at, at
	w.from, w.skip = from, e == edgeBeyond
}

// grow lets a scan that goes on copy more at a time.
func (w *window) grow() { w.size = min(2*w.size, windowItemsMax) }

// lock keeps the writer out of the tree, unless there is no writer any more.
func (w *window) lock() {
	if !w.tree.frozen.Load() {
		w.tree.mu.RLock()
		w.locked = true
	}
}

func (w *window) unlock() {
	if w.locked {
		w.tree.mu.RUnlock()
		w.locked = false
	}
}

// headUp and headDown return the newest version of item i, after warming the
// items that come next in that direction.
func (w *window) headUp(i int) ref {
	if i < w.warmLo || i >= w.warmHi {
		w.warm(i, min(i+w.ahead, w.hi))
	}
	return w.heads[i]
}

func (w *window) headDown(i int) ref {
	if i < w.warmLo || i >= w.warmHi {
		w.warm(max(i+1-w.ahead, w.lo), i+1)
	}
	return w.heads[i]
}

// warm loads the heads of items[lo:hi] and then a word of each version: the
// misses of one pass do not depend on each other, so they overlap. A third pass
// over the values gained a tenth where every value is read, and cost half where
// none is.
func (w *window) warm(lo, hi int) {
	s := w.tree.space
	for i := lo; i < hi; i++ {
		w.heads[i] = s.head(w.items[i].node)
	}
	for i := lo; i < hi; i++ {
		w.touched += s.field32(w.heads[i], verValueLen)
	}
	w.warmLo, w.warmHi = lo, hi
	w.ahead = min(2*w.ahead, aheadMax)
}
