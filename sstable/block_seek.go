package sstable

// The searches inside a data block: binary for an order, by prints for a key.

import (
	"bytes"
	"encoding/binary"
	"math/bits"

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

// isBeforeKey reports whether entry i stands before k.
func (b *block) isBeforeKey(i int, k ikey.Key) bool {
	p := b.prefixLen
	n := min(p, len(k.User))
	if c := bytes.Compare(b.data[b.prefixAt:b.prefixAt+n], k.User[:n]); c != 0 || n < p {
		return c < 0
	}
	from, to := b.suffix(i)
	return b.isBefore(i, from, to, k.User[p:], k.Trailer)
}

// isUser reports whether entry i is a version of user.
func (b *block) isUser(i int, user []byte) bool {
	from, to := b.suffix(i)
	p := b.prefixLen
	return len(user) == p+to-from &&
		string(user[p:]) == string(b.data[from:to]) &&
		string(user[:p]) == string(b.data[b.prefixAt:b.prefixAt+p])
}

// lookup is the newest version of user in the block, without an order: it
// compares the keys whose print fits, eight prints at a time. print is the low
// byte of hash.Sum(user). REQUIRES: printsAt != 0.
func (b *block) lookup(user []byte, print byte) (i int, ok bool) {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	p := b.prefixLen
	if len(user) < p || string(user[:p]) != string(b.data[b.prefixAt:b.prefixAt+p]) {
		return 0, false
	}
	suffix := user[p:]
	wanted := uint64(print) * ones
	for at := 0; at < b.count; at += 8 {
		// A zero byte of x is a fit; a borrow can add a false one above it, and
		// the last word runs into the columns behind: the key decides.
		x := binary.LittleEndian.Uint64(b.data[b.printsAt+at:]) ^ wanted
		for fits := (x - ones) &^ x & highs; fits != 0; fits &= fits - 1 {
			i = at + bits.TrailingZeros64(fits)/8
			if i >= b.count {
				return 0, false
			}
			if from, to := b.suffix(i); string(suffix) == string(b.data[from:to]) {
				return i, true
			}
		}
	}
	return 0, false
}
