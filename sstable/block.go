package sstable

// How the entries of a data block are found and read: any entry in O(1), none
// of it allocating. The builder of the same layout is in block_build.go.

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/varvekv/varve/internal/ikey"
)

// A data block, decoded:
//
//	┌────────────────────────────────────────────┐ 0
//	│ values, end to end                         │
//	├────────────────────────────────────────────┤
//	│ key suffixes, end to end                   │
//	├────────────────────────────────────────────┤
//	│ trailer deltas   count × {0,1,2,4,8} bytes │  absent when all are equal
//	├────────────────────────────────────────────┤
//	│ suffix ends      count × {2,4} bytes       │  absent when all are as long
//	├────────────────────────────────────────────┤
//	│ value ends       count × {2,4} bytes       │  absent when all are as long
//	├────────────────────────────────────────────┤
//	│ prints           count × 1 byte            │  low byte of hash.Sum(user key)
//	├────────────────────────────────────────────┤
//	│ prefix that all user keys share            │
//	├────────────────────────────────────────────┤ len-24
//	│ u64 trailer base │ u32 suffix  │ u32 value │  suffix, value: the length of
//	│ u32 count │ u16 prefix │ u8 flags │ u8 kind│  each, or the total of a column
//	└────────────────────────────────────────────┘
//
// Values stand first so that the writer copies them once, straight to their
// place; the tail stands last, so that eight bytes can be read anywhere before
// it. There is no delta chain: an entry costs the same in every position, and
// the way back as much as the way forward. The prints lie beside the tail, on
// the cache line or two that a Get reads anyway: it goes from there straight to
// its entry, where a binary search would touch four lines more.
const (
	blockTailBytes = 24
	blockKind      = 1 // the only one today; another kind may join without a new table version

	flagTrailerWidth  = 0x07 // code of the width: 0, 1, 2, 4, 8 bytes for 0 … 4
	flagSameKind      = 0x08 // deltas count sequences: trailer = base + delta<<8
	flagFixedSuffixes = 0x10
	flagFixedValues   = 0x20
	flagWideEnds      = 0x40 // ends take four bytes
	flagPrints        = 0x80 // the column of prints is there

	maxPrefixBytes = 1<<16 - 1
)

// block is a view of a decoded data block; it holds no memory of its own.
type block struct {
	data  []byte
	base  uint64 // trailer base
	count int

	prefixAt, prefixLen   int
	suffixAt, suffixLen   int // suffixLen: of each, when suffixEndsAt is 0
	suffixEndsAt          int // 0 = absent
	valueLen, valueEndsAt int // likewise
	trailersAt            int
	trailerWidth          int
	trailerShift          uint8
	printsAt              int // 0 = absent
	isWide                bool
}

var trailerWidths = [8]int{0, 1, 2, 4, 8, -1, -1, -1}

// parse sets b to the block in data, whose layout was validated before.
// REQUIRES: validateBlock(data) returned nil at some time.
func (b *block) parse(data []byte) {
	tail := data[len(data)-blockTailBytes:]
	b.data = data
	b.base = binary.LittleEndian.Uint64(tail)
	b.suffixLen = int(binary.LittleEndian.Uint32(tail[8:]))
	b.valueLen = int(binary.LittleEndian.Uint32(tail[12:]))
	b.count = int(binary.LittleEndian.Uint32(tail[16:]))
	b.prefixLen = int(binary.LittleEndian.Uint16(tail[20:]))
	flags := tail[22]
	b.trailerShift = flags & flagSameKind // the flag's value is the shift: 8
	b.trailerWidth = trailerWidths[flags&flagTrailerWidth]
	b.isWide = flags&flagWideEnds != 0
	b.place(flags)
}

// place computes the offsets of the columns, from the back to the front.
func (b *block) place(flags byte) {
	width := 2
	if b.isWide {
		width = 4
	}
	b.prefixAt = len(b.data) - blockTailBytes - b.prefixLen
	at := b.prefixAt
	b.valueEndsAt, b.suffixEndsAt, b.printsAt = 0, 0, 0
	if flags&flagPrints != 0 {
		at -= b.count
		b.printsAt = at
	}
	if flags&flagFixedValues == 0 {
		at -= b.count * width
		b.valueEndsAt = at
	}
	suffixBytes := b.suffixLen
	if flags&flagFixedSuffixes == 0 {
		at -= b.count * width
		b.suffixEndsAt = at
	} else {
		suffixBytes *= b.count
	}
	b.trailersAt = at - b.count*b.trailerWidth
	b.suffixAt = b.trailersAt - suffixBytes
}

// end is entry i of an ends column.
func (b *block) end(at, i int) int {
	if b.isWide {
		return int(binary.LittleEndian.Uint32(b.data[at+4*i:]))
	}
	return int(binary.LittleEndian.Uint16(b.data[at+2*i:]))
}

// suffix is where the suffix of entry i starts and ends in data.
func (b *block) suffix(i int) (lo, hi int) {
	if b.suffixEndsAt == 0 {
		lo = b.suffixAt + i*b.suffixLen
		return lo, lo + b.suffixLen
	}
	if i > 0 {
		lo = b.end(b.suffixEndsAt, i-1)
	}
	return b.suffixAt + lo, b.suffixAt + b.end(b.suffixEndsAt, i)
}

// value is the value of entry i: a part of data.
func (b *block) value(i int) []byte {
	if b.valueEndsAt == 0 {
		lo := i * b.valueLen
		return b.data[lo : lo+b.valueLen : lo+b.valueLen]
	}
	lo := 0
	if i > 0 {
		lo = b.end(b.valueEndsAt, i-1)
	}
	hi := b.end(b.valueEndsAt, i)
	return b.data[lo:hi:hi]
}

// trailer is the trailer of entry i.
func (b *block) trailer(i int) ikey.Trailer {
	var d uint64
	switch b.trailerWidth {
	case 0:
	case 1:
		d = uint64(b.data[b.trailersAt+i])
	case 2:
		d = uint64(binary.LittleEndian.Uint16(b.data[b.trailersAt+2*i:]))
	case 4:
		d = uint64(binary.LittleEndian.Uint32(b.data[b.trailersAt+4*i:]))
	default:
		d = binary.LittleEndian.Uint64(b.data[b.trailersAt+8*i:])
	}
	return ikey.Trailer(b.base + d<<(b.trailerShift&63))
}

func (b *block) prefix() []byte { return b.data[b.prefixAt : b.prefixAt+b.prefixLen] }

// appendKey appends the user key of entry i to dst.
func (b *block) appendKey(dst []byte, i int) []byte {
	lo, hi := b.suffix(i)
	return append(append(dst, b.prefix()...), b.data[lo:hi]...)
}

// validateBlock reports what is wrong with the layout of a decoded block. After
// it, every entry of the block can be read without going out of bounds. The
// order of the entries is not its business: Check looks at it.
func validateBlock(data []byte) error {
	if len(data) < blockTailBytes {
		return errors.New("data block is shorter than its tail")
	}
	tail := data[len(data)-blockTailBytes:]
	flags := tail[22]
	width := trailerWidths[flags&flagTrailerWidth]
	if tail[23] == 0 {
		return errors.New("data block of kind 0")
	}
	if tail[23] != blockKind || width < 0 {
		return newer("data block of kind %d with flags %#x is not known", tail[23], flags)
	}
	if err := validateSizes(data, tail, flags, width); err != nil {
		return err
	}
	var b block
	b.parse(data)
	return b.validateColumns(int(binary.LittleEndian.Uint32(tail[12:])))
}

// validateSizes checks that the columns add up to the block, in 64 bits, where
// no product of these 32-bit fields overflows.
func validateSizes(data, tail []byte, flags byte, trailerWidth int) error {
	suffix := uint64(binary.LittleEndian.Uint32(tail[8:]))
	value := uint64(binary.LittleEndian.Uint32(tail[12:]))
	count := uint64(binary.LittleEndian.Uint32(tail[16:]))
	prefix := uint64(binary.LittleEndian.Uint16(tail[20:]))
	ends := uint64(2)
	if flags&flagWideEnds != 0 {
		ends = 4
	}
	if count == 0 || count > uint64(len(data)) {
		return fmt.Errorf("data block of %d bytes claims %d entries", len(data), count)
	}
	sum := blockTailBytes + prefix + count*uint64(trailerWidth)
	if flags&flagPrints != 0 {
		sum += count
	}
	for _, column := range []struct {
		isFixed bool
		length  uint64
	}{{flags&flagFixedSuffixes != 0, suffix}, {flags&flagFixedValues != 0, value}} {
		if column.isFixed {
			sum += count * column.length
		} else {
			sum += count*ends + column.length
		}
	}
	if sum != uint64(len(data)) {
		return fmt.Errorf("columns of a data block add up to %d bytes of %d", sum, len(data))
	}
	return nil
}

// validateColumns checks what the entries themselves say.
func (b *block) validateColumns(valueField int) error {
	if b.valueEndsAt != 0 && !b.endsFit(b.valueEndsAt, valueField) {
		return errors.New("value ends of a data block do not ascend to their total")
	}
	if b.suffixEndsAt != 0 && !b.endsFit(b.suffixEndsAt, b.suffixLen) {
		return errors.New("key ends of a data block do not ascend to their total")
	}
	if b.trailerShift != 0 {
		return validateKind(ikey.Trailer(b.base).Kind())
	}
	for i := range b.count {
		if err := validateKind(b.trailer(i).Kind()); err != nil {
			return fmt.Errorf("entry %d: %w", i, err)
		}
	}
	return nil
}

func validateKind(k ikey.Kind) error {
	switch {
	case k.Known():
		return nil
	case k == 0 || k == ikey.KindMax:
		return fmt.Errorf("data block with a %v", k)
	}
	return newer("data block with a %v, which this version does not know", k)
}

func (b *block) endsFit(at, total int) bool {
	last := 0
	for i := range b.count {
		e := b.end(at, i)
		if e < last {
			return false
		}
		last = e
	}
	return last == total
}
