package sstable

// The point read: filter, index, one block, one binary search.

import (
	"github.com/varvekv/varve/internal/codec"
	"github.com/varvekv/varve/internal/corruption"
	"github.com/varvekv/varve/internal/ikey"
	"github.com/varvekv/varve/internal/invariants"
)

// Scratch is memory for reads of one goroutine at a time; keep one per pooled
// reader. The zero Scratch is ready.
type Scratch struct {
	raw     []byte // bytes as stored
	decoded []byte
	trace   *Trace // nil: nobody looks on

	Counts
}

// Counts are what the reads with a Scratch did. They are the owner's to add up
// and reset: plain memory, so that counting costs a read next to nothing.
type Counts struct {
	BlockHits            uint64 // blocks found in the cache
	BlockMisses          uint64 // blocks read from the file
	ReadBytes            uint64 // of those blocks, as stored
	FilterProbes         uint64 // filters that a Get asked
	FilterNegatives      uint64 // … and that saved it a block
	FilterFalsePositives uint64 // … and that let it pass to no version that it may see
}

// Add adds up.
func (c *Counts) Add(o Counts) {
	c.BlockHits += o.BlockHits
	c.BlockMisses += o.BlockMisses
	c.ReadBytes += o.ReadBytes
	c.FilterProbes += o.FilterProbes
	c.FilterNegatives += o.FilterNegatives
	c.FilterFalsePositives += o.FilterFalsePositives
}

// mangle ends the life of what the scratch was lent for.
func (s *Scratch) mangle() {
	invariants.Mangle(s.raw)
	invariants.Mangle(s.decoded)
}

// Get finds the newest version of user with a sequence of at most seq; ok is
// false when there is none. h is hash.Sum(user).
//
// The value is borrowed: valid until s is used again and until the caller leaves
// its epoch slot. REQUIRES: with a cache, inside an epoch slot of its domain.
func (r *Reader) Get(user []byte, h, seq uint64, s *Scratch) (t ikey.Trailer, value []byte, ok bool, err error) {
	if invariants.Enabled {
		invariants.Check(!r.isClosed, "Get from a closed table")
		s.mangle()
	}
	if r.filter.count != 0 {
		s.FilterProbes++
		if !r.filter.mayContain(h) {
			s.FilterNegatives++
			return 0, nil, false, nil
		}
	}
	target := ikey.Newest(seq)
	for i := r.index.find(user); i < r.index.count; i++ {
		data, err := r.block(i, s)
		if err != nil {
			return 0, nil, false, err
		}
		var b block
		b.parse(data)
		if b.printsAt != 0 {
			e, ok := b.lookup(user, byte(h))
			if !ok {
				break // nor does the next block have it
			}
			if t := b.trailer(e); t <= target {
				return t, b.value(e), true, nil
			}
		}
		if e := b.seek(user, target); e < b.count {
			if !b.isUser(e, user) {
				break
			}
			return b.trailer(e), b.value(e), true, nil
		}
		if !r.index.isFence(i, user) { // only then can versions continue
			break
		}
	}
	if r.filter.count != 0 {
		s.FilterFalsePositives++
	}
	return 0, nil, false, nil
}

// block is data block i, from the cache or the file. Borrowed as in Get.
func (r *Reader) block(i int, s *Scratch) ([]byte, error) {
	if s.trace != nil {
		return r.tracedBlock(i, s)
	}
	if r.slots != nil {
		if b := r.slots.Lookup(i); b != nil {
			s.BlockHits++
			return b, nil
		}
	}
	b, err := r.readBlock(i, s)
	if err == nil && r.slots != nil {
		r.slots.Insert(i, b)
	}
	return b, err
}

// readBlock reads, verifies and decodes data block i into s.
func (r *Reader) readBlock(i int, s *Scratch) ([]byte, error) {
	h := r.index.handle(i)
	s.raw = fit(s.raw, int(h.stored)+blockTrailerBytes)
	if err := r.readFull(s.raw, h.offset); err != nil {
		return nil, err
	}
	return r.decodeBlock(s.raw, h, s)
}

// decodeBlock verifies the stored block in raw. The result is a part of raw, or
// lies in s.decoded.
func (r *Reader) decodeBlock(raw []byte, h handle, s *Scratch) ([]byte, error) {
	s.BlockMisses++
	s.ReadBytes += uint64(len(raw))
	content, t, err := openBlock(raw, r.identity, h.offset)
	if err != nil {
		return nil, r.wrong(h.offset, err)
	}
	if t == codec.None && h.decoded != h.stored {
		return nil, corruption.New(r.name, int64(h.offset), "block of %d bytes stored raw, %d expected", h.stored, h.decoded)
	}
	if t != codec.None {
		s.decoded = fit(s.decoded, int(h.decoded))
		if content, err = codec.Decode(s.decoded[:0], content, t, int(h.decoded)); err != nil {
			return nil, corruption.New(r.name, int64(h.offset), "%v", err)
		}
	}
	if err := validateBlock(content); err != nil {
		return nil, r.wrong(h.offset, err)
	}
	return content, nil
}

// fit is a buffer of n bytes, p's memory where that is enough and not far more
// than is needed: one huge value must not stay for good.
func fit(p []byte, n int) []byte {
	if cap(p) >= n && (cap(p) <= keptBytes || n > keptBytes) {
		return p[:n]
	}
	return make([]byte, n, max(n, min(2*n, 8<<10)))
}
