package sstable

// How a data block is built: the key columns grow here while the values go
// straight to the output; finish puts the columns behind them.

import (
	"encoding/binary"
	"math"
)

// blockBuilder gathers the key columns of one block. The zero value is empty.
type blockBuilder struct {
	keys      []byte // whole user keys, end to end
	keyEnds   []uint32
	valueEnds []uint32
	trailers  []uint64
	prints    []byte

	prefixLen      int // that all keys so far share
	fixedKey       int // length of every key so far; -1 when they differ
	fixedValue     int
	minTrailer     uint64
	maxTrailer     uint64
	differentKinds uint64 // bits in which kinds differ from the first one's
}

func (b *blockBuilder) count() int { return len(b.trailers) }

func (b *blockBuilder) reset() {
	b.keys, b.keyEnds = b.keys[:0], b.keyEnds[:0]
	b.valueEnds, b.trailers, b.prints = b.valueEnds[:0], b.trailers[:0], b.prints[:0]
}

func (b *blockBuilder) valueBytes() uint32 {
	if n := len(b.valueEnds); n > 0 {
		return b.valueEnds[n-1]
	}
	return 0
}

// lastKey is the user key added last; valid until the next add or reset.
func (b *blockBuilder) lastKey() []byte {
	switch n := len(b.keyEnds); n {
	case 0:
		return nil
	case 1:
		return b.keys
	default:
		return b.keys[b.keyEnds[n-2]:]
	}
}

func (b *blockBuilder) firstKey() []byte { return b.keys[:b.keyEnds[0]] }

// sharedWith is how much of the common prefix would remain with one more key.
func (b *blockBuilder) sharedWith(user []byte) int {
	p := b.prefixLen
	if len(user) >= p && string(user[:p]) == string(b.keys[:p]) {
		return p
	}
	return commonLen(b.keys[:p], user)
}

func commonLen(a, b []byte) int {
	n := min(len(a), len(b))
	i := 0
	for i+8 <= n && binary.LittleEndian.Uint64(a[i:]) == binary.LittleEndian.Uint64(b[i:]) {
		i += 8
	}
	for i < n && a[i] == b[i] {
		i++
	}
	return i
}

// sizeWith is the length of the decoded block if one more entry were added to
// it. REQUIRES: count > 0.
func (b *blockBuilder) sizeWith(user []byte, t uint64, valueLen int) uint64 {
	n := uint64(b.count() + 1)
	p := uint64(b.sharedWith(user))
	suffixes := uint64(len(b.keys)+len(user)) - n*p
	values := uint64(b.valueBytes()) + uint64(valueLen)
	size := blockTailBytes + p + suffixes + values + n // a print each
	ends := uint64(2)
	if suffixes > math.MaxUint16 || values > math.MaxUint16 {
		ends = 4
	}
	if len(user) != b.fixedKey {
		size += n * ends
	}
	if valueLen != b.fixedValue {
		size += n * ends
	}
	code, _ := trailerCode(min(t, b.minTrailer), max(t, b.maxTrailer), b.differentKinds|(t^b.trailers[0])&0xff)
	return size + n*uint64(trailerWidths[code])
}

// add appends an entry whose value the caller puts behind the values before it.
// h is hash.Sum(user). REQUIRES: in ascending order.
func (b *blockBuilder) add(user []byte, h, t uint64, valueLen int) {
	if b.count() == 0 {
		b.prefixLen = min(len(user), maxPrefixBytes)
		b.fixedKey, b.fixedValue = len(user), valueLen
		b.minTrailer, b.maxTrailer, b.differentKinds = t, t, 0
	} else {
		b.prefixLen = b.sharedWith(user)
		b.minTrailer, b.maxTrailer = min(b.minTrailer, t), max(b.maxTrailer, t)
		b.differentKinds |= (t ^ b.trailers[0]) & 0xff
		if len(user) != b.fixedKey {
			b.fixedKey = -1
		}
		if valueLen != b.fixedValue {
			b.fixedValue = -1
		}
	}
	b.valueEnds = append(b.valueEnds, b.valueBytes()+uint32(valueLen))
	b.keys = append(b.keys, user...)
	b.keyEnds = append(b.keyEnds, uint32(len(b.keys)))
	b.trailers = append(b.trailers, t)
	b.prints = append(b.prints, byte(h))
}

// trailerCode is how trailers between least and most are stored: the code of
// their width, and whether deltas count sequences because all kinds are equal.
func trailerCode(least, most, differentKinds uint64) (code byte, sameKind bool) {
	d := most - least
	if differentKinds == 0 {
		d >>= 8
	}
	switch {
	case d == 0:
		code = 0
	case d <= math.MaxUint8:
		code = 1
	case d <= math.MaxUint16:
		code = 2
	case d <= math.MaxUint32:
		code = 3
	default:
		code = 4
	}
	return code, differentKinds == 0
}

// finish appends the key columns and the tail to dst, whose last bytes are the
// values. REQUIRES: count > 0.
func (b *blockBuilder) finish(dst []byte) []byte {
	n, p := b.count(), b.prefixLen
	dst, suffixBytes := b.appendSuffixes(dst)
	flags, sameKind := trailerCode(b.minTrailer, b.maxTrailer, b.differentKinds)
	if sameKind {
		flags |= flagSameKind
	}
	dst = b.appendTrailers(dst, flags)
	isWide := suffixBytes > math.MaxUint16 || b.valueBytes() > math.MaxUint16
	if isWide {
		flags |= flagWideEnds
	}
	suffixField, valueField := uint32(suffixBytes), b.valueBytes()
	if b.fixedKey >= 0 {
		flags |= flagFixedSuffixes
		suffixField = uint32(b.fixedKey - p)
	} else {
		for i, e := range b.keyEnds {
			dst = appendEnd(dst, e-uint32((i+1)*p), isWide)
		}
	}
	if b.fixedValue >= 0 {
		flags |= flagFixedValues
		valueField = uint32(b.fixedValue)
	} else {
		for _, e := range b.valueEnds {
			dst = appendEnd(dst, e, isWide)
		}
	}
	flags |= flagPrints
	dst = append(dst, b.prints...)
	dst = append(dst, b.keys[:p]...)
	dst = binary.LittleEndian.AppendUint64(dst, b.minTrailer)
	dst = binary.LittleEndian.AppendUint32(dst, suffixField)
	dst = binary.LittleEndian.AppendUint32(dst, valueField)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(n))
	dst = binary.LittleEndian.AppendUint16(dst, uint16(p))
	return append(dst, flags, blockKind)
}

func (b *blockBuilder) appendSuffixes(dst []byte) (out []byte, suffixBytes int) {
	start := len(dst)
	from := uint32(0)
	for _, to := range b.keyEnds {
		dst = append(dst, b.keys[from+uint32(b.prefixLen):to]...)
		from = to
	}
	return dst, len(dst) - start
}

func (b *blockBuilder) appendTrailers(dst []byte, flags byte) []byte {
	shift := flags & flagSameKind
	for _, t := range b.trailers {
		d := (t - b.minTrailer) >> shift
		switch trailerWidths[flags&flagTrailerWidth] {
		case 0:
			return dst
		case 1:
			dst = append(dst, byte(d))
		case 2:
			dst = binary.LittleEndian.AppendUint16(dst, uint16(d))
		case 4:
			dst = binary.LittleEndian.AppendUint32(dst, uint32(d))
		default:
			dst = binary.LittleEndian.AppendUint64(dst, d)
		}
	}
	return dst
}

func appendEnd(dst []byte, end uint32, isWide bool) []byte {
	if isWide {
		return binary.LittleEndian.AppendUint32(dst, end)
	}
	return binary.LittleEndian.AppendUint16(dst, uint16(end))
}

// separator appends the shortest user key that is not below a and below b; a
// itself when b is a version of the same user key. REQUIRES: a <= b.
func separator(dst, a, b []byte) []byte {
	n := commonLen(a, b)
	if n == len(a) || n == len(b) {
		return append(dst, a...)
	}
	// a[n] < b[n]. One more byte than they share, raised, fits where there is a gap.
	for i := n; i < len(a); i++ {
		limit := byte(0xff)
		if i == n {
			limit = b[n] - 1
		}
		if a[i] < limit {
			dst = append(dst, a[:i]...)
			return append(dst, a[i]+1)
		}
	}
	return append(dst, a...)
}
