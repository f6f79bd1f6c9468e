package sstable

// The filter of a table: which user keys are surely not in it, at the cost of
// one cache line.

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"

	"github.com/bits-and-blooms/bloom/v3"
)

// A filter block, never compressed:
//
//	┌─────────┬───────────┬────────┬──────────┬─────────┬────────────┐
//	│ u8 kind │ u8 probes │ 6 zero │ u64 lines│ u64 keys│ 40 zero    │  64 bytes
//	├─────────┴───────────┴────────┴──────────┴─────────┴────────────┤
//	│ line 0: 512 bits                                                │
//	│ …                                                               │
//	└─────────────────────────────────────────────────────────────────┘
//
// All bits of a key lie in one line: the upper half of its hash says which, a
// second mix of it which bits. So a probe is one cache miss instead of seven,
// for one false positive more in six at 10 bits a key (0.97 % instead of 0.82 %;
// docs/adr/0003-tables.md). Bit b of a line is bit b&7 of byte b>>3.
const (
	filterKind        = 1
	filterHeaderBytes = 64
	lineBytes         = 64
	lineBits          = 8 * lineBytes
	bitIndexBits      = 9 // to number the bits of a line
	probesPerMix      = 7 // of them fit in 64 bits
	maxProbes         = 2 * probesPerMix
	maxFilterBytes    = 1<<32 - 1<<20
)

// mixBits spreads a hash into the bit numbers of its probes; round tells the
// first seven probes from the second.
func mixBits(h, round uint64) uint64 {
	hi, lo := bits.Mul64(h^(0x9e3779b97f4a7c15*(round+1)), 0xd1b54a32d192ed03)
	return hi ^ lo
}

// lineOf is the line of a hash among n: its upper 32 bits, scaled.
func lineOf(h, n uint64) uint64 {
	hi, _ := bits.Mul64(h&^(1<<32-1), n)
	return hi
}

// filterProbes is how many bits a key sets at so many bits a key.
func filterProbes(bitsPerKey int) int {
	return min(max(bitsPerKey*69/100, 1), maxProbes) // ln 2
}

// appendFilter appends the filter block for the user keys with these hashes.
func appendFilter(dst []byte, hashes []uint64, bitsPerKey int) ([]byte, error) {
	lines := (uint64(len(hashes))*uint64(bitsPerKey) + lineBits - 1) / lineBits
	lines = max(lines, 1)
	if lines*lineBytes > maxFilterBytes {
		return dst, fmt.Errorf("filter for %d keys would take %d bytes", len(hashes), lines*lineBytes)
	}
	probes := filterProbes(bitsPerKey)
	// The library's filter is the container; its own probing spreads over the
	// whole set and is not used (nor are its codec, which trusts lengths, and
	// its Locations, which allocates).
	set := bloom.New(uint(lines*lineBits), uint(probes)).BitSet().Bytes()
	for _, h := range hashes {
		setBits(set, h, lines, probes)
	}
	var head [filterHeaderBytes]byte
	head[0], head[1] = filterKind, byte(probes)
	binary.LittleEndian.PutUint64(head[8:], lines)
	binary.LittleEndian.PutUint64(head[16:], uint64(len(hashes)))
	dst = append(dst, head[:]...)
	for _, w := range set {
		dst = binary.LittleEndian.AppendUint64(dst, w)
	}
	return dst, nil
}

func setBits(set []uint64, h, lines uint64, probes int) {
	line := set[lineOf(h, lines)*8:][:8]
	x := mixBits(h, 0)
	for i := range probes {
		if i == probesPerMix {
			x = mixBits(h, 1)
		}
		b := x % lineBits
		line[b/64] |= 1 << (b % 64)
		x >>= bitIndexBits
	}
}

// filter probes a filter block in place. The zero filter holds back nothing.
type filter struct {
	lines  []byte
	count  uint64 // of lines
	probes int
}

// parseFilter checks a filter block; the filter borrows it.
func parseFilter(b []byte) (filter, error) {
	if len(b) < filterHeaderBytes {
		return filter{}, errors.New("filter block is shorter than its header")
	}
	f := filter{b[filterHeaderBytes:], binary.LittleEndian.Uint64(b[8:]), int(b[1])}
	if b[0] == 0 {
		return filter{}, errors.New("filter of kind 0")
	}
	if b[0] != filterKind {
		return filter{}, newer("filter of kind %d is not known", b[0])
	}
	if f.probes < 1 || f.probes > maxProbes {
		return filter{}, fmt.Errorf("filter of %d probes is not known", f.probes)
	}
	if f.count == 0 || f.count != uint64(len(f.lines))/lineBytes || len(f.lines)%lineBytes != 0 {
		return filter{}, fmt.Errorf("filter of %d lines in %d bytes", f.count, len(f.lines))
	}
	return f, nil
}

// mayContain is false only for user keys that are not in the table. All probes
// are made: an early exit is a branch that cannot be predicted.
func (f *filter) mayContain(h uint64) bool {
	if f.count == 0 {
		return true
	}
	line := f.lines[lineOf(h, f.count)*lineBytes:][:lineBytes]
	x := mixBits(h, 0)
	hit := byte(1)
	for range min(f.probes, probesPerMix) {
		hit &= line[x%lineBits/8] >> (x % 8)
		x >>= bitIndexBits
	}
	if f.probes > probesPerMix {
		x = mixBits(h, 1)
		for range f.probes - probesPerMix {
			hit &= line[x%lineBits/8] >> (x % 8)
			x >>= bitIndexBits
		}
	}
	return hit&1 != 0
}
