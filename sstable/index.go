package sstable

// The index of a table: which data block holds a user key. It lies outside Go's
// heap, in the form it has on disk, with two columns computed at Open behind it.

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// An index block, never compressed (so that its length bounds what it says):
//
//	┌────────────┬──────────────┬─────────────────┬──────────┐
//	│ u32 blocks │ u32 prefix p │ u32 suffixes f  │ u32 zero │
//	├────────────┴──────────────┴─────────────────┴──────────┤
//	│ p bytes that all fences share                          │
//	├────────────────────────────────────────────────────────┤
//	│ u32 stored length     × blocks                         │
//	│ u32 decoded length    × blocks                         │
//	│ u32 end of the fence  × blocks, in the suffix bytes    │
//	├────────────────────────────────────────────────────────┤
//	│ f bytes: the fences behind the prefix, end to end      │
//	└────────────────────────────────────────────────────────┘
//
// Data blocks follow each other from offset 0 on. Fence i is a user key that is
// an upper bound of block i and below the first user key of block i+1, unless
// versions of that very key continue there.
const (
	indexHeaderBytes = 16
	indexEntryBytes  = 12
	// What Open adds for each block: the word, and the handle in one piece, so
	// that reading a block costs one cache line of the index and not three.
	indexDerivedBytes = 8 + handleBytes
)

// indexBuilder gathers the index while a table is written.
type indexBuilder struct {
	stored, decoded, ends []uint32
	fences                []byte // whole, end to end
}

func (b *indexBuilder) reset() {
	b.stored, b.decoded, b.ends = b.stored[:0], b.decoded[:0], b.ends[:0]
	b.fences = b.fences[:0]
}

func (b *indexBuilder) sizeBytes() int {
	return indexHeaderBytes + indexEntryBytes*len(b.ends) + len(b.fences)
}

// endFence ends the fence that the caller appended to fences.
func (b *indexBuilder) endFence() { b.ends = append(b.ends, uint32(len(b.fences))) }

// prefixLen is what the first and the last fence share, and so all of them.
func (b *indexBuilder) prefixLen() int {
	n := len(b.ends)
	if n == 0 {
		return 0
	}
	first, last := b.fences[:b.ends[0]], b.fences
	if n > 1 {
		last = b.fences[b.ends[n-2]:]
	}
	return commonLen(first, last)
}

// appendTo appends the index block.
func (b *indexBuilder) appendTo(dst []byte) []byte {
	n, p := len(b.ends), b.prefixLen()
	dst = binary.LittleEndian.AppendUint32(dst, uint32(n))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(p))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(b.fences)-n*p))
	dst = binary.LittleEndian.AppendUint32(dst, 0)
	dst = append(dst, b.fences[:p]...)
	for _, v := range b.stored {
		dst = binary.LittleEndian.AppendUint32(dst, v)
	}
	for _, v := range b.decoded {
		dst = binary.LittleEndian.AppendUint32(dst, v)
	}
	for i, v := range b.ends {
		dst = binary.LittleEndian.AppendUint32(dst, v-uint32((i+1)*p))
	}
	from := uint32(0)
	for _, to := range b.ends {
		dst = append(dst, b.fences[from+uint32(p):to]...)
		from = to
	}
	return dst
}

// index finds blocks. It borrows the index block and the derived columns.
type index struct {
	count   int
	prefix  []byte
	stored  []byte // u32 × count
	decoded []byte // u32 × count
	ends    []byte // u32 × count
	fences  []byte // suffixes
	words   []byte // u64 × count: of the fences
	handles []byte // handle × count
}

// parseIndex checks an index block whose data blocks must fill the file up to
// dataEnd, and fills derived (indexDerivedBytes for each block).
func parseIndex(b, derived []byte, dataEnd uint64) (index, error) {
	x, err := splitIndex(b)
	if err != nil {
		return index{}, err
	}
	if len(derived) < x.count*indexDerivedBytes {
		return index{}, fmt.Errorf("index of %d blocks, properties say fewer", x.count)
	}
	x.words, x.handles = derived[:8*x.count], derived[8*x.count:]
	if err := x.derive(dataEnd); err != nil {
		return index{}, err
	}
	return x, nil
}

func splitIndex(b []byte) (index, error) {
	if len(b) < indexHeaderBytes {
		return index{}, errors.New("index block is shorter than its header")
	}
	n := uint64(binary.LittleEndian.Uint32(b))
	p := uint64(binary.LittleEndian.Uint32(b[4:]))
	f := uint64(binary.LittleEndian.Uint32(b[8:]))
	if binary.LittleEndian.Uint32(b[12:]) != 0 || indexHeaderBytes+p+indexEntryBytes*n+f != uint64(len(b)) {
		return index{}, fmt.Errorf("index of %d blocks, %d and %d bytes of fences does not fit its %d bytes", n, p, f, len(b))
	}
	x := index{count: int(n)}
	rest := b[indexHeaderBytes:]
	x.prefix, rest = rest[:p], rest[p:]
	x.stored, rest = rest[:4*n], rest[4*n:]
	x.decoded, rest = rest[:4*n], rest[4*n:]
	x.ends, x.fences = rest[:4*n], rest[4*n:]
	return x, nil
}

// derive computes words and handles, and checks lengths and order.
func (x *index) derive(dataEnd uint64) error {
	offset, end := uint64(0), uint32(0)
	for i := range x.count {
		h := handle{offset, binary.LittleEndian.Uint32(x.stored[4*i:]), binary.LittleEndian.Uint32(x.decoded[4*i:])}
		appendHandle(x.handles[:handleBytes*i], h)
		if err := h.check(dataEnd); err != nil {
			return fmt.Errorf("index entry %d: %w", i, err)
		}
		offset = h.end()
		e := binary.LittleEndian.Uint32(x.ends[4*i:])
		if e < end || uint64(e) > uint64(len(x.fences)) {
			return fmt.Errorf("index entry %d: fence [%d, %d] of %d bytes", i, end, e, len(x.fences))
		}
		if len(x.prefix)+int(e-end) > MaxKeyBytes {
			return fmt.Errorf("index entry %d: fence is longer than a key", i)
		}
		end = e
		binary.LittleEndian.PutUint64(x.words[8*i:], word(x.suffix(i)))
		if i > 0 && bytes.Compare(x.suffix(i-1), x.suffix(i)) > 0 {
			return fmt.Errorf("index entry %d: fence is below the one before", i)
		}
	}
	if offset != dataEnd || uint64(end) != uint64(len(x.fences)) {
		return fmt.Errorf("index covers data up to %d of %d", offset, dataEnd)
	}
	return nil
}

// handle is the place of data block i.
func (x *index) handle(i int) handle { return parseHandle(x.handles[handleBytes*i:]) }

// suffix is fence i behind the common prefix.
func (x *index) suffix(i int) []byte {
	lo := uint32(0)
	if i > 0 {
		lo = binary.LittleEndian.Uint32(x.ends[4*(i-1):])
	}
	return x.fences[lo:binary.LittleEndian.Uint32(x.ends[4*i:])]
}

// find is the first block whose fence is not below user; count if none.
func (x *index) find(user []byte) int {
	p := len(x.prefix)
	if p > 0 {
		n := min(p, len(user))
		switch c := bytes.Compare(x.prefix[:n], user[:n]); {
		case c < 0:
			return x.count
		case c > 0 || n < p:
			return 0
		}
		user = user[p:]
	}
	w := word(user)
	lo := x.lowerWord(w)
	if lo == x.count || binary.LittleEndian.Uint64(x.words[8*lo:]) != w {
		return lo
	}
	return x.findTied(lo, w, user)
}

// findTied searches with full compares among the fences from lo on whose word is w.
func (x *index) findTied(lo int, w uint64, suffix []byte) int {
	hi := x.count
	if w != ^uint64(0) {
		hi = x.lowerWord(w + 1)
	}
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if bytes.Compare(x.suffix(mid), suffix) < 0 {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// lowerWord is the first fence whose word is at least w. The step is a
// conditional move, not a branch that is wrong half of the time.
func (x *index) lowerWord(w uint64) int {
	words, lo := x.words, 0
	for n := x.count; n > 0; {
		half := (n + 1) >> 1
		next := lo + half
		if binary.LittleEndian.Uint64(words[8*(next-1):]) < w {
			lo = next
		}
		n -= half
	}
	return lo
}

// isFence reports whether fence i is exactly user: only then can versions of
// user continue in block i+1.
func (x *index) isFence(i int, user []byte) bool {
	p := len(x.prefix)
	return len(user) >= p && string(user[p:]) == string(x.suffix(i)) && string(user[:p]) == string(x.prefix)
}
