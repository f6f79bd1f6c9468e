package sstable

// What one Get did in one table, for people who ask why it was slow.

import (
	"time"

	"github.com/varvekv/varve/internal/codec"
	"github.com/varvekv/varve/internal/ikey"
)

// Trace is what a Get did in a table.
type Trace struct {
	HasFilter  bool
	MayContain bool // what the filter said; true without one
	FilterTime time.Duration
	Blocks     []BlockTrace // in the order of reading; mostly one

	now func() time.Duration
}

// BlockTrace is one data block that a Get looked at.
type BlockTrace struct {
	Index    int
	Offset   int64  // in the file
	Stored   int    // bytes in the file, without the trailer
	Decoded  int    // bytes in memory
	Codec    string // that it is stored with; empty where it came from the cache, which does not know
	IsCached bool   // it was in the cache; otherwise it was read from the file
	Duration time.Duration
}

// GetTraced is Get that also tells what it did; now is a monotonic clock.
// REQUIRES as Get.
func (r *Reader) GetTraced(user []byte, h, seq uint64, s *Scratch, now func() time.Duration) (t ikey.Trailer, value []byte, ok bool, tr Trace, err error) {
	tr = Trace{HasFilter: r.filter.count != 0, now: now}
	begin := now()
	tr.MayContain = r.filter.mayContain(h)
	tr.FilterTime = now() - begin
	s.trace = &tr
	defer func() { s.trace = nil }()
	t, value, ok, err = r.Get(user, h, seq, s)
	return t, value, ok, tr, err
}

// tracedBlock is block, and notes it.
func (r *Reader) tracedBlock(i int, s *Scratch) ([]byte, error) {
	tr, hits := s.trace, s.BlockHits
	s.trace = nil
	begin := tr.now()
	data, err := r.block(i, s)
	h := r.index.handle(i)
	b := BlockTrace{
		Index: i, Offset: int64(h.offset), Stored: int(h.stored), Decoded: int(h.decoded),
		IsCached: s.BlockHits > hits, Duration: tr.now() - begin,
	}
	if !b.IsCached && err == nil {
		b.Codec = codec.Type(s.raw[h.stored]).String()
	}
	tr.Blocks = append(tr.Blocks, b)
	s.trace = tr
	return data, err
}
