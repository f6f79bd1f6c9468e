package sstable

// The binary search inside a data block, eight bytes of key at a time.

import (
	"bytes"
	"encoding/binary"

	"github.com/varvekv/varve/internal/ikey"
)

// word is the first eight bytes of p, big-endian, zero-padded. Less in words is
// less in bytes; equal words decide nothing ("a" and "a\0").
func word(p []byte) uint64 {
	if len(p) >= 8 {
		return binary.BigEndian.Uint64(p)
	}
	var w uint64
	for _, c := range p {
		w = w<<8 | uint64(c)
	}
	return w << (8 * (8 - uint(len(p))))
}

// suffixWord is the word of the suffix in data[lo:hi]. The tail of the block
// makes eight bytes readable behind every suffix.
func (b *block) suffixWord(lo, hi int) uint64 {
	w := binary.BigEndian.Uint64(b.data[lo:])
	if n := hi - lo; n < 8 {
		w &= ^uint64(0) << (64 - 8*uint(n))
	}
	return w
}

// seek is the index of the first entry at or after (user, t); count if none is.
func (b *block) seek(user []byte, t ikey.Trailer) int {
	if p := b.prefixLen; p > 0 {
		n := min(p, len(user))
		switch c := bytes.Compare(b.data[b.prefixAt:b.prefixAt+n], user[:n]); {
		case c < 0:
			return b.count
		case c > 0 || n < p:
			return 0
		}
		user = user[p:]
	}
	w := word(user)
	lo, hi := 0, b.count
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		from, to := b.suffix(mid)
		x := b.suffixWord(from, to)
		if x < w || x == w && b.isBefore(mid, from, to, user, t) {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// isBefore compares in full where words tie: is entry i before (suffix, t)?
func (b *block) isBefore(i, from, to int, suffix []byte, t ikey.Trailer) bool {
	if c := bytes.Compare(b.data[from:to], suffix); c != 0 {
		return c < 0
	}
	return b.trailer(i) > t // newer versions stand first
}

// isUser reports whether entry i is a version of user.
func (b *block) isUser(i int, user []byte) bool {
	from, to := b.suffix(i)
	p := b.prefixLen
	return len(user) == p+to-from &&
		string(user[p:]) == string(b.data[from:to]) &&
		string(user[:p]) == string(b.data[b.prefixAt:b.prefixAt+p])
}
