package memtable

import (
	"bytes"
	"encoding/binary"
	"runtime"
	"sync/atomic"
)

// An item is one user key in the tree: 24 bytes without a pointer, so that the
// collector never looks into a tree node's items. The first 16 key bytes decide
// nearly every comparison without touching the arena.
type item struct {
	hi, lo uint64 // the first 16 bytes of the key, big-endian, padded with zeros
	node   ref    // or the number of a pivot, when keyLen has pivotBit
	keyLen uint32 // bytes; <= KeyBytesMax
}

const (
	prefixBytes = 16
	pivotBit    = 1 << 31
)

func makeItem(key []byte, n ref) item {
	it := item{node: n, keyLen: uint32(len(key))}
	switch {
	case len(key) >= prefixBytes:
		it.hi, it.lo = binary.BigEndian.Uint64(key), binary.BigEndian.Uint64(key[8:])
	case len(key) >= 8:
		it.hi, it.lo = binary.BigEndian.Uint64(key), paddedWord(key[8:])
	default:
		it.hi = paddedWord(key)
	}
	return it
}

// paddedWord is the big-endian word of up to 7 bytes, followed by zeros.
func paddedWord(p []byte) uint64 {
	var b [8]byte
	copy(b[:], p)
	return binary.BigEndian.Uint64(b[:])
}

// order compares items; where their 16 bytes tie, it looks at their keys.
type order struct {
	space  *space
	pivots pivots
}

// less is the order of the items' keys, bytewise.
func (o *order) less(a, b item) bool {
	if a.hi != b.hi {
		return a.hi < b.hi
	}
	if a.lo != b.lo {
		return a.lo < b.lo
	}
	return o.lessTied(a, b)
}

// lessTied decides between keys whose padded prefixes are equal: a key that
// ends within the prefix is then a prefix of the other, and shorter is less.
func (o *order) lessTied(a, b item) bool {
	aLen, bLen := a.keyLen&^pivotBit, b.keyLen&^pivotBit
	if aLen <= prefixBytes || bLen <= prefixBytes {
		return aLen < bLen
	}
	return bytes.Compare(o.keyOf(a)[prefixBytes:], o.keyOf(b)[prefixBytes:]) < 0
}

func (o *order) keyOf(it item) []byte {
	if it.keyLen&pivotBit != 0 {
		return o.pivots[it.node].key
	}
	return o.space.bytes(it.node, nodeKey, int(it.keyLen))
}

// is reports whether the item is that of key, whose own item is p.
func (o *order) is(it, p item, key []byte) bool {
	return it.hi == p.hi && it.lo == p.lo && int(it.keyLen) == len(key) &&
		(len(key) <= prefixBytes || bytes.Equal(o.keyOf(it), key))
}

// pivots hold the long keys that seeks are looking for: an item has no room for
// a pointer, and a reader may not write into the arena. A seek takes a slot for
// its search alone, some hundred nanoseconds; only keys beyond 16 bytes need one.
type pivots [16]pivot

type pivot struct {
	busy atomic.Bool
	key  []byte
	_    [32]byte // a cache line each
}

// pivot returns an item to search for key with. release must follow.
func (o *order) pivot(key []byte) item {
	p := makeItem(key, 0)
	if len(key) <= prefixBytes {
		return p
	}
	p.node = ref(o.pivots.take(key, p.lo))
	p.keyLen |= pivotBit
	return p
}

// take waits for a free slot, beginning where spread points.
func (ps *pivots) take(key []byte, spread uint64) int {
	for first := spread; ; first++ {
		if i := int(first % uint64(len(ps))); ps[i].busy.CompareAndSwap(false, true) {
			ps[i].key = key
			return i
		}
		if tried := first - spread + 1; tried%uint64(len(ps)) == 0 {
			runtime.Gosched() // all are busy: some of their owners lost their core
		}
	}
}

func (o *order) release(p item) {
	if p.keyLen&pivotBit == 0 {
		return
	}
	o.pivots[p.node].key = nil
	o.pivots[p.node].busy.Store(false)
}
