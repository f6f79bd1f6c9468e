package varve

// A version, as readers walk it: the manifest's slices with the tables that
// serve them, and what a Get needs to find the one table of a run.

import (
	"bytes"
	"encoding/binary"
	"sort"
	"sync/atomic"

	"github.com/varvekv/varve/manifest"
)

// version is immutable but for its count.
type version struct {
	*manifest.Version
	runs   []run // level 0 newest first, then each level's
	tables []*table
	refs   atomic.Int64 // views, and compactions, that hold it
}

// run is a sorted sequence of tables that do not overlap.
type run struct {
	level  int
	tables []*table
	prefix []byte   // that all bounds in the run share
	uppers []uint64 // first eight bytes behind the prefix of each table's upper bound
}

// newVersion resolves every slice to its table; the caller owns one reference.
// REQUIRES: db.mu held.
func (db *DB) newVersionLocked(mv *manifest.Version) *version {
	v := &version{Version: mv}
	for level := range mv.Levels {
		for _, r := range mv.Levels[level].Runs {
			out := run{level: level}
			for _, s := range r.Slices {
				out.tables = append(out.tables, db.tables.resolve(s))
			}
			out.index()
			v.runs = append(v.runs, out)
			v.tables = append(v.tables, out.tables...)
		}
	}
	for _, t := range v.tables {
		t.versions.Add(1)
	}
	v.refs.Store(1)
	return v
}

func (db *DB) unrefVersion(v *version) {
	if v.refs.Add(-1) != 0 {
		return
	}
	for _, t := range v.tables {
		if t.versions.Add(-1) == 0 {
			db.tableUnused(t)
		}
	}
}

// index computes the words that find works on.
func (r *run) index() {
	n := len(r.tables)
	if n == 0 {
		return
	}
	r.prefix = commonPrefix(r.tables[0].slice.Lower, r.tables[n-1].slice.Upper)
	r.uppers = make([]uint64, n)
	for i, t := range r.tables {
		r.uppers[i] = word(t.slice.Upper[len(r.prefix):])
	}
}

// find is the one table of the run that may hold key, or nil.
func (r *run) find(key []byte) *table {
	if len(r.tables) == 1 {
		return r.within(0, key)
	}
	p := len(r.prefix)
	if len(key) < p || !bytes.Equal(key[:p], r.prefix) {
		return nil
	}
	w := word(key[p:])
	lo, hi := 0, len(r.uppers)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if r.uppers[mid] < w {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	for lo < len(r.tables) && r.uppers[lo] == w && bytes.Compare(r.tables[lo].slice.Upper, key) < 0 {
		lo++
	}
	if lo == len(r.tables) {
		return nil
	}
	return r.within(lo, key)
}

func (r *run) within(i int, key []byte) *table {
	s := r.tables[i].slice
	if bytes.Compare(key, s.Lower) < 0 || bytes.Compare(key, s.Upper) > 0 {
		return nil
	}
	return r.tables[i]
}

// overlapping is the tables of the run that touch [lower, upper]; nil is open.
func (r *run) overlapping(lower, upper []byte) []*table {
	first := sort.Search(len(r.tables), func(i int) bool {
		return lower == nil || bytes.Compare(r.tables[i].slice.Upper, lower) >= 0
	})
	end := sort.Search(len(r.tables), func(i int) bool {
		return upper != nil && bytes.Compare(r.tables[i].slice.Lower, upper) > 0
	})
	if first >= end {
		return nil
	}
	return r.tables[first:end]
}

// word is the first eight bytes of p, big-endian, zero-padded: a < b in words
// implies a < b in bytes; equal words decide nothing.
func word(p []byte) uint64 {
	if len(p) >= 8 {
		return binary.BigEndian.Uint64(p)
	}
	var b [8]byte
	copy(b[:], p)
	return binary.BigEndian.Uint64(b[:])
}

func commonPrefix(a, b []byte) []byte {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return a[:n]
}
