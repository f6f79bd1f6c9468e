package iterator

import (
	"bytes"
	"encoding/binary"
	"math"
)

// words maps user keys to integers in the same order: a key that starts with
// base to the 8 bytes behind base, every key below those to 0, every key above
// them to the greatest. Keys with equal words must be compared in full. The map
// is monotone whatever base is; a base that many keys share makes it sharp,
// where keys such as "0000000000001234" would otherwise all tie.
type words struct {
	base []byte
	// A base of up to baseShort bytes is compared as two words that overlap,
	// the first at 0 and the second at second; mask keeps the bytes of the base.
	head, tail, mask uint64
	second           int
}

const (
	// baseSlack is how many of the heads' common bytes stay in the word, so that
	// a scan may move on for a while before its keys leave the base behind.
	baseSlack = 4
	baseShort = 16
)

// setBase takes the base from the bytes that all heads have in common.
func (w *words) setBase(common []byte) {
	w.base = append(w.base[:0], common[:max(0, len(common)-baseSlack)]...)
	n := len(w.base)
	w.mask = ^uint64(0)
	if n < 8 {
		w.mask <<= 64 - 8*n
	}
	w.second = max(0, n-8)
	w.head, w.tail = load(w.base), load(w.base[w.second:])
}

// of is the word of a user key; back reverses the order.
func (w *words) of(user []byte, back bool) uint64 {
	n := len(w.base)
	var v uint64
	if n <= baseShort && len(user) >= n+8 &&
		binary.BigEndian.Uint64(user)&w.mask == w.head &&
		binary.BigEndian.Uint64(user[w.second:])&w.mask == w.tail {
		v = binary.BigEndian.Uint64(user[n:])
	} else {
		v = w.ofAny(user)
	}
	if back {
		return ^v
	}
	return v
}

// ofAny is the word of a short key, under a long base, or beside the base.
func (w *words) ofAny(user []byte) uint64 {
	switch {
	case bytes.HasPrefix(user, w.base):
		return load(user[len(w.base):])
	case bytes.Compare(user, w.base) > 0:
		return math.MaxUint64
	}
	return 0
}

// load is the first 8 bytes of p as a big-endian integer, zeros where p ends.
func load(p []byte) uint64 {
	if len(p) >= 8 {
		return binary.BigEndian.Uint64(p)
	}
	var v uint64
	for i, c := range p {
		v |= uint64(c) << (56 - 8*i)
	}
	return v
}

// commonPrefix is the number of bytes with which both start.
func commonPrefix(a, b []byte) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}
