package compaction

import (
	"math"
	"sort"

	"github.com/varvekv/varve/internal/ikey"
)

// Which versions of a user key must live on. Everything here is a function of
// the versions handed in, newest first, and of who may still read.

// Readers is who may still read old versions. A version is needed when some
// reader's newest version at or below its sequence is this one.
type Readers struct {
	// Snapshots are the sequences of open snapshots, ascending.
	Snapshots []uint64
	// Horizon: every sequence from here on may be read. It is the visible
	// sequence when the work begins, or less where the past is retained. Zero
	// keeps everything.
	Horizon uint64
}

// Floor is the greatest sequence that every reader sees at least up to.
func (r Readers) Floor() uint64 {
	if len(r.Snapshots) > 0 {
		return min(r.Snapshots[0], r.Horizon)
	}
	return r.Horizon
}

// none stands for the sequence of a newer version where there is none.
const none = math.MaxUint64

// need reports whether somebody may read the version seq of a user key whose
// next newer version is newer.
func (r Readers) need(seq, newer uint64) bool {
	if newer > r.Horizon {
		return seq != newer
	}
	if len(r.Snapshots) == 0 {
		return false
	}
	i := sort.Search(len(r.Snapshots), func(i int) bool { return r.Snapshots[i] >= seq })
	return i < len(r.Snapshots) && r.Snapshots[i] < newer
}

// verdict is what happens to a version.
type verdict uint8

const (
	drop verdict = iota + 1
	keep
	zero // keep with sequence 0: there is nothing older, and nobody reads below it
	wait // a tombstone: keep it once an older version is kept, else drop it
)

// rule decides the versions of one user key after the other.
type rule struct {
	readers  Readers
	floor    uint64
	flushing bool // into level 0: tombstones and sequences stay
	newer    uint64
}

func newRule(r Readers, flushing bool) rule {
	return rule{readers: r, floor: r.Floor(), flushing: flushing, newer: none}
}

// begin is called before the newest version of each user key.
func (r *rule) begin() { r.newer = none }

// next decides the next older version of the user key. older reports whether
// something still older may lie where the work does not look; it is asked only
// when that matters.
func (r *rule) next(t ikey.Trailer, older func() bool) verdict {
	seq, newer := t.Seq(), r.newer
	r.newer = seq
	switch {
	case !r.readers.need(seq, newer):
		return drop
	case r.flushing:
		return keep
	case t.Kind() == ikey.KindDelete:
		if older() {
			return keep
		}
		return wait
	case seq > 0 && seq <= r.floor && !older():
		return zero
	}
	return keep
}
