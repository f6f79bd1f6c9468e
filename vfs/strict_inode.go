package vfs

import (
	"slices"
	"sync"
)

// changeKind is what a change does besides putting sectors.
type changeKind uint8

const (
	changeWrite changeKind = iota + 1 // sectors and the size after them
	changeData                        // sectors only: the size is durable already
	changeSize                        // a truncation or growth
)

// change is one thing done to a file since its last sync, oldest first in a
// list. What a power cut leaves of the list is images.go's business.
type change struct {
	kind         changeKind
	lost         bool     // a sync failed on it: no later sync saves it
	first, count int      // sectors [first, first+count)
	chunk        []sector // their new versions; nil: zeros
	size         int64    // of the file afterwards
}

// at is the version of sector i, which must be in the change.
func (ch *change) at(i int) *sector {
	if ch.chunk == nil {
		return nil
	}
	return &ch.chunk[i-ch.first]
}

// within is the part of the change in sectors [lo, hi), possibly empty.
func (ch change) within(lo, hi int) change {
	lo, hi = max(lo, ch.first), min(hi, ch.first+ch.count)
	if ch.count = hi - lo; ch.count <= 0 {
		return change{}
	}
	if ch.chunk != nil {
		ch.chunk = ch.chunk[lo-ch.first : hi-ch.first]
	}
	ch.first = lo
	return ch
}

// inode is a file, whatever its names.
type inode struct {
	id uint64 // constant; the same in every image

	links int // guarded by the file system's mu

	mu       sync.RWMutex // guards below; ranks behind the file system's mu
	now      content      // what reads see
	disk     content      // what the last sync made durable
	pending  []change     // from disk to now
	compress int          // length of pending at which it is merged
	modTicks uint64
}

// mergeAt bounds the list of changes of a file that is never synced.
const mergeAt = 4096

// write puts p at off. REQUIRES: mu held, p not empty.
func (n *inode) write(p []byte, off int64) *change {
	end := off + int64(len(p))
	first, last := int(off/SectorBytes), int((end-1)/SectorBytes)
	ch := change{kind: changeWrite, first: first, count: last - first + 1, size: max(end, n.now.size)}
	head, tail := int(off%SectorBytes), int(end%SectorBytes)
	if head != 0 || tail != 0 || !isZero(p) {
		ch.chunk = make([]sector, ch.count)
		n.fill(&ch, p, head)
	}
	n.now.put(&ch, first, last+1)
	n.now.size = ch.size
	n.add(ch)
	return &n.pending[len(n.pending)-1]
}

// fill copies p into the change's sectors, and into the first and last one what
// they held around it.
func (n *inode) fill(ch *change, p []byte, head int) {
	if s := n.now.at(ch.first); s != nil && head != 0 {
		copy(ch.chunk[0].data[:head], s.data[:])
	}
	tail := (head + len(p)) % SectorBytes
	if s := n.now.at(ch.first + ch.count - 1); s != nil && tail != 0 {
		copy(ch.chunk[ch.count-1].data[tail:], s.data[tail:])
	}
	for i, in := 0, head; len(p) > 0; i, in = i+1, 0 {
		p = p[copy(ch.chunk[i].data[in:], p):]
	}
}

// resize truncates or grows. REQUIRES: mu held.
func (n *inode) resize(sizeBytes int64) {
	n.now.resize(sizeBytes)
	n.add(change{kind: changeSize, size: sizeBytes})
}

func (n *inode) add(ch change) {
	n.pending = append(n.pending, ch)
	if len(n.pending) >= max(n.compress, mergeAt) {
		half := len(n.pending) / 2
		n.pending = append(merge(n.pending[:half]), n.pending[half:]...)
		n.compress = 2 * len(n.pending)
	}
}

// sync makes everything durable but what an earlier failed sync lost.
// REQUIRES: mu held.
func (n *inode) sync() {
	if slices.ContainsFunc(n.pending, func(ch change) bool { return ch.lost }) {
		n.settle(0, int(^uint(0)>>1))
		return
	}
	for i := range n.pending {
		n.disk.apply(&n.pending[i])
	}
	clear(n.pending)
	n.pending = n.pending[:0]
}

// apply does the whole change to c.
func (c *content) apply(ch *change) {
	if ch.kind == changeSize {
		c.resize(ch.size)
		return
	}
	c.put(ch, ch.first, ch.first+ch.count)
	if ch.kind == changeWrite {
		c.size = max(c.size, ch.size)
	}
}

// settle makes all sizes durable and the data of sectors [lo, hi), as a range
// sync does; other data stays pending. REQUIRES: mu held.
func (n *inode) settle(lo, hi int) {
	var rest []change
	for _, ch := range n.pending {
		if ch.kind == changeSize {
			n.disk.resize(ch.size)
			rest = cutBehind(rest, ch.size)
			continue
		}
		if ch.kind == changeWrite {
			n.disk.size = max(n.disk.size, ch.size)
			ch.kind = changeData
		}
		if ch.lost {
			rest = append(rest, ch)
			continue
		}
		if part := ch.within(lo, hi); part.count > 0 {
			n.disk.put(&part, lo, hi)
			rest = exclude(rest, part.first, part.first+part.count)
		}
		rest = appendParts(rest, ch, lo, hi)
	}
	n.pending = rest
}

// exclude takes sectors [lo, hi) out of the changes: something newer is durable.
func exclude(list []change, lo, hi int) []change {
	var rest []change
	for _, ch := range list {
		rest = appendParts(rest, ch, lo, hi)
	}
	return rest
}

// appendParts appends what of ch lies outside sectors [lo, hi).
func appendParts(list []change, ch change, lo, hi int) []change {
	for _, part := range [2]change{ch.within(0, lo), ch.within(hi, int(^uint(0)>>1))} {
		if part.count > 0 {
			list = append(list, part)
		}
	}
	return list
}

// cutBehind takes what lies behind a new size out of the changes.
func cutBehind(list []change, sizeBytes int64) []change {
	keep, tail := sectorsFor(sizeBytes), int(sizeBytes%SectorBytes)
	var rest []change
	for _, ch := range list {
		ch = ch.within(0, keep)
		if ch.count == 0 {
			continue
		}
		if last := keep - 1; tail != 0 && ch.chunk != nil && ch.first+ch.count == keep {
			chunk := make([]sector, ch.count)
			for i := range chunk {
				chunk[i].data = ch.chunk[i].data
			}
			clear(chunk[last-ch.first].data[tail:])
			ch.chunk = chunk
		}
		rest = append(rest, ch)
	}
	return rest
}

// fail is what a failed sync does: the data may or may not have reached the
// disk, and the system counts it as clean from then on. REQUIRES: mu held.
func (n *inode) fail() {
	var list []change
	for _, ch := range n.pending {
		size := change{kind: changeSize, size: ch.size}
		if grows := ch.kind == changeWrite; grows {
			ch.kind = changeData
			list = append(list, size)
		}
		if ch.kind == changeData {
			ch.lost = true
		}
		list = append(list, ch)
	}
	n.pending = list
}

// merge shortens a list to fewer steps with the same end: the smallest size it
// went through, the last version of each sector, the last size. Sectors of lost
// changes stay lost.
func merge(list []change) []change {
	smallest, last := int64(-1), int64(-1)
	for _, ch := range list {
		if ch.kind == changeSize && (smallest < 0 || ch.size < smallest) {
			smallest = ch.size
		}
		if ch.kind != changeData {
			last = ch.size
		}
	}
	var out []change
	if smallest >= 0 {
		out = append(out, change{kind: changeSize, size: smallest})
	}
	out = append(out, lastVersions(list)...)
	if last >= 0 {
		out = append(out, change{kind: changeSize, size: last})
	}
	return out
}

// lastVersions is the data of the list, each sector once, as single-sector changes.
func lastVersions(list []change) []change {
	newest := map[int]change{}
	var numbers []int
	for _, ch := range list {
		if ch.kind == changeSize {
			for i, old := range newest {
				cut := cutBehind([]change{old}, ch.size)
				if delete(newest, i); len(cut) == 1 {
					newest[i] = cut[0]
				}
			}
			continue
		}
		for i := ch.first; i < ch.first+ch.count; i++ {
			one := ch.within(i, i+1)
			one.kind = changeData
			newest[i] = one
		}
	}
	for i := range newest {
		numbers = append(numbers, i)
	}
	slices.Sort(numbers)
	out := make([]change, len(numbers))
	for i, number := range numbers {
		out[i] = newest[number]
	}
	return out
}
