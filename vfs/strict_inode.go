package vfs

import (
	"math"
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
// list. What a power cut leaves of the list is crashImage's business.
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

// lastSector lies behind every sector.
const lastSector = math.MaxInt

// mergeAt bounds the list of changes of a file that is never synced.
const mergeAt = 4096

// write puts p at off and tells which sectors that changed: [lo, hi).
// REQUIRES: mu held, p not empty.
func (n *inode) write(p []byte, off int64) (lo, hi int) {
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
	return first, last + 1
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
