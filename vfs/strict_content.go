package vfs

import (
	"bytes"
	"sync/atomic"
)

// SectorBytes is what the strict model's disk writes atomically.
const SectorBytes = 512

// sector is one version of a sector. Its data never changes once it can be
// reached from a content, so files and crash images share it freely.
type sector struct {
	data [SectorBytes]byte
	sum  atomic.Uint64 // fingerprint, 0 until asked for
}

// content is the bytes of a file in one state. A nil sector, or one behind the
// slice's end, is zeros; so are the bytes of the last sector behind size.
type content struct {
	sectors []*sector
	shared  bool // the slice belongs to an image too: copied before a change
	size    int64
}

func sectorsFor(sizeBytes int64) int { return int((sizeBytes + SectorBytes - 1) / SectorBytes) }

func (c *content) at(i int) *sector {
	if i < len(c.sectors) {
		return c.sectors[i]
	}
	return nil
}

// share gives a second content over the same sectors.
func (c *content) share() content {
	c.shared = true
	return *c
}

// own makes the slice c's alone, with room for count sectors.
func (c *content) own(count int) {
	if c.shared {
		c.sectors = append(make([]*sector, 0, max(count, len(c.sectors))), c.sectors...)
		c.shared = false
	}
	if missing := count - len(c.sectors); missing > 0 {
		c.sectors = append(c.sectors, make([]*sector, missing)...)
	}
}

// put takes over the sectors of ch with lo <= number < hi.
func (c *content) put(ch *change, lo, hi int) {
	lo, hi = max(lo, ch.first), min(hi, ch.first+ch.count)
	if lo >= hi {
		return
	}
	c.own(hi)
	for i := lo; i < hi; i++ {
		c.sectors[i] = ch.at(i)
	}
}

// resize sets the size; what lies behind it is zeros from then on.
func (c *content) resize(sizeBytes int64) {
	c.size = sizeBytes
	keep := sectorsFor(sizeBytes)
	if len(c.sectors) < keep {
		return
	}
	if len(c.sectors) > keep {
		c.own(keep)
		clear(c.sectors[keep:])
		c.sectors = c.sectors[:keep]
	}
	if tail := int(sizeBytes % SectorBytes); tail != 0 {
		if s := c.sectors[keep-1]; s != nil && !isZero(s.data[tail:]) {
			c.own(keep)
			c.sectors[keep-1] = s.cut(tail)
		}
	}
}

// cut is the sector with zeros from tail on.
func (s *sector) cut(tail int) *sector {
	short := &sector{}
	copy(short.data[:tail], s.data[:tail])
	return short
}

// read copies bytes from off on, up to the size; the count is short at the end.
func (c *content) read(p []byte, off int64) int {
	if off >= c.size {
		return 0
	}
	if rest := c.size - off; int64(len(p)) > rest {
		p = p[:rest]
	}
	n := 0
	for n < len(p) {
		at := off + int64(n)
		in := int(at % SectorBytes)
		part := p[n:min(len(p), n+SectorBytes-in)]
		if s := c.at(int(at / SectorBytes)); s != nil {
			copy(part, s.data[in:])
		} else {
			clear(part)
		}
		n += len(part)
	}
	return n
}

var zeros [4096]byte

func isZero(p []byte) bool {
	for len(p) > len(zeros) {
		if !bytes.Equal(p[:len(zeros)], zeros[:]) {
			return false
		}
		p = p[len(zeros):]
	}
	return bytes.Equal(p, zeros[:len(p)])
}
