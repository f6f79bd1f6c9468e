package tests

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
)

// A stamp stands for a value without holding it: the number it was made with,
// and its length. absent stands for no value. The bytes follow from the stamp
// and the stamp from the bytes, so that a value found anywhere can be named.
type stamp struct {
	id   uint64
	size int32
}

var absent = stamp{size: -1}

// newStamp keeps as much of the number as the length can hold.
func newStamp(id uint64, size int) stamp {
	if size < 8 {
		id &= 1<<(8*size) - 1
	}
	return stamp{id, int32(size)}
}

func (s stamp) String() string {
	if s == absent {
		return "absent"
	}
	return fmt.Sprintf("value %d of %d B", s.id, s.size)
}

// bytes appends the value to dst: the number, then filling that compresses
// for odd numbers and does not for even ones.
func (s stamp) bytes(dst []byte) []byte {
	if s.size <= 0 {
		return dst
	}
	var head [8]byte
	binary.LittleEndian.PutUint64(head[:], s.id)
	if s.size < 8 {
		return append(dst, head[:s.size]...)
	}
	dst = append(dst, head[:]...)
	rest := int(s.size) - 8
	dst = slices.Grow(dst, rest)
	x := s.id*0x9e3779b97f4a7c15 | 1
	for ; rest > 0; rest -= 8 {
		if s.id&1 == 0 {
			x ^= x << 13
			x ^= x >> 7
			x ^= x << 17
		}
		binary.LittleEndian.PutUint64(head[:], x)
		dst = append(dst, head[:min(8, rest)]...)
	}
	return dst
}

// parseStamp names a value; an error if no stamp has these bytes.
func parseStamp(value, scratch []byte) (stamp, []byte, error) {
	var head [8]byte
	copy(head[:], value)
	s := newStamp(binary.LittleEndian.Uint64(head[:]), len(value))
	scratch = s.bytes(scratch[:0])
	if !bytes.Equal(scratch, value) {
		return s, scratch, fmt.Errorf("a value of %d B that was never written: begins %x", len(value), value[:min(16, len(value))])
	}
	return s, scratch, nil
}

// dice is where a test takes its decisions from: a seeded source, or one that
// shrinks what failed.
type dice interface {
	IntN(n int) int
}

// chance is true once in n throws.
func chance(d dice, n int) bool { return d.IntN(n) == 0 }

// size throws a length: mostly small, some past a block, few past 64 KiB.
func size(d dice, atMost int) int {
	n := 0
	switch roll := d.IntN(200); {
	case roll < 10:
		n = 0
	case roll < 20:
		n = d.IntN(8)
	case roll < 170:
		n = 8 + d.IntN(120)
	case roll < 195:
		n = d.IntN(2048)
	case roll < 199:
		n = d.IntN(10_000)
	default:
		n = d.IntN(90_000)
	}
	return min(n, atMost)
}

// universe makes about n distinct keys in order: numbered ones, short ones over
// awkward bytes, ones with a long common prefix, each other's prefixes, and
// now and then the empty and the longest legal key.
func universe(d dice, n int) []string {
	keys := make([]string, 0, n)
	awkward := []byte{0, 'a', 0xff}
	long := strings.Repeat("p", 100+d.IntN(200))
	for len(keys) < n {
		switch d.IntN(10) {
		case 0:
			short := make([]byte, d.IntN(7))
			for i := range short {
				short[i] = awkward[d.IntN(3)]
			}
			keys = append(keys, string(short))
		case 1:
			keys = append(keys, long+fmt.Sprintf("%d", d.IntN(4*n)))
		case 2:
			k := fmt.Sprintf("user%08d", d.IntN(4*n))
			keys = append(keys, k, k+"\x00", k[:len(k)-1])
		default:
			keys = append(keys, fmt.Sprintf("user%08d", d.IntN(4*n)))
		}
	}
	if chance(d, 4) {
		keys = append(keys, strings.Repeat("\xff", 64<<10), strings.Repeat("a", 64<<10-1))
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}
