package manifest

import (
	"bytes"
	"iter"
	"sort"
)

// Types of the metadata that a manifest keeps, and the questions readers and
// compaction ask of them; the package comment is in doc.go.

// LevelCount is the number of levels: 0 holds flushes (many runs), each other
// level holds at most one run today; the format allows more.
const LevelCount = 7

// Slice is a live piece of a physical table file: what a level is made of.
// Today a slice is always the whole file; moves are edits, and excising,
// ingesting or renumbering will be, without a new format. A Slice is immutable.
type Slice struct {
	ID       uint64 // logical id, never reused; from the file number counter
	File     uint64 // number of the physical file
	Identity uint64 // random, also in the file's footer: a foreign file is found
	Keyspace uint32 // 0: the only one today
	Level    int
	Run      uint64 // id of the run it belongs to; a greater run in level 0 is newer

	FileBytes int64 // of the physical file
	// Lower and Upper are the smallest and greatest user key, both inclusive.
	Lower, Upper   []byte
	SeqMin, SeqMax uint64 // of the operations in it; 0 where they were zeroed
	TimeMin        int64  // unix nanoseconds of the oldest write in it; 0 = unknown
	TimeMax        int64
	Entries        uint64 // versions, tombstones included
	Tombstones     uint64
	UserKeys       uint64 // distinct ones; 0 = unknown. Entries beyond them are overwritten in this very slice
	KeyBytes       uint64 // uncompressed user key bytes
	ValueBytes     uint64 // uncompressed value bytes
	EntrySum       uint64 // sum of hash.Entry over its entries, modulo 2^64
}

// Run is a sorted sequence of slices that do not overlap in user keys.
type Run struct {
	ID     uint64
	Slices []*Slice // ascending by Lower
}

// Level is the runs of one level, newest first.
type Level struct {
	Runs []Run
}

// Version is which slices are live at one moment. It is immutable.
type Version struct {
	Levels [LevelCount]Level
}

// Contains reports whether user lies between the slice's bounds.
func (s *Slice) Contains(user []byte) bool {
	return bytes.Compare(s.Lower, user) <= 0 && bytes.Compare(user, s.Upper) <= 0
}

// Find is the slice whose bounds contain the user key, or nil. There is at most
// one, because slices of a run do not overlap. It allocates nothing.
func (r *Run) Find(user []byte) *Slice {
	if i := r.From(user); i < len(r.Slices) && bytes.Compare(r.Slices[i].Lower, user) <= 0 {
		return r.Slices[i]
	}
	return nil
}

// From is the index of the first slice that ends at or after the user key:
// len(r.Slices) when all end before it.
func (r *Run) From(user []byte) int {
	lo, hi := 0, len(r.Slices)
	for lo < hi {
		if mid := int(uint(lo+hi) >> 1); bytes.Compare(r.Slices[mid].Upper, user) < 0 {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// Overlapping is the slices of the run that share a user key with [lo, hi], both
// inclusive; a nil bound is open, an empty hi that is not nil is the empty key.
// The result is part of the run: read it only.
func (r *Run) Overlapping(lo, hi []byte) []*Slice {
	from := r.From(lo)
	if hi == nil {
		return r.Slices[from:]
	}
	rest := r.Slices[from:]
	count := sort.Search(len(rest), func(i int) bool { return bytes.Compare(rest[i].Lower, hi) > 0 })
	return rest[:count:count]
}

// FileBytes is the sum of the run's file sizes.
func (r *Run) FileBytes() int64 {
	var sum int64
	for _, s := range r.Slices {
		sum += s.FileBytes
	}
	return sum
}

// FileBytes is the sum of the level's file sizes.
func (l *Level) FileBytes() int64 {
	var sum int64
	for i := range l.Runs {
		sum += l.Runs[i].FileBytes()
	}
	return sum
}

// SliceCount is the number of slices in the level.
func (l *Level) SliceCount() int {
	count := 0
	for i := range l.Runs {
		count += len(l.Runs[i].Slices)
	}
	return count
}

// LevelBytes is the sum of the file sizes of one level.
// REQUIRES: 0 <= level < LevelCount, here and wherever a level is asked for.
func (v *Version) LevelBytes(level int) int64 { return v.Levels[level].FileBytes() }

// Overlapping is the slices of one level that share a user key with [lo, hi],
// both inclusive, newest run first and ascending inside a run; a nil bound is
// open. The result may be part of the version: read it only.
func (v *Version) Overlapping(level int, lo, hi []byte) []*Slice {
	runs := v.Levels[level].Runs
	if len(runs) == 1 {
		return runs[0].Overlapping(lo, hi)
	}
	var all []*Slice
	for i := range runs {
		all = append(all, runs[i].Overlapping(lo, hi)...)
	}
	return all
}

// All is every slice: level 0 first, newest run first, ascending inside a run.
func (v *Version) All() iter.Seq[*Slice] {
	return func(yield func(*Slice) bool) {
		for level := range v.Levels {
			for _, run := range v.Levels[level].Runs {
				for _, s := range run.Slices {
					if !yield(s) {
						return
					}
				}
			}
		}
	}
}

// SliceCount is the number of slices in all levels.
func (v *Version) SliceCount() int {
	count := 0
	for level := range v.Levels {
		count += v.Levels[level].SliceCount()
	}
	return count
}

// Slice is the live slice with that id, or nil. It looks at every slice.
func (v *Version) Slice(id uint64) *Slice {
	for s := range v.All() {
		if s.ID == id {
			return s
		}
	}
	return nil
}
