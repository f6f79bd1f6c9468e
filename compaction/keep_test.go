package compaction

import (
	"fmt"
	"math/rand"
	"slices"
	"testing"

	"github.com/varvekv/varve/internal/ikey"
)

// version is one version of the only user key of these tests.
type version struct {
	seq uint64
	del bool
}

// decide runs the rule over versions, newest first, as the rewriter does.
func decide(vs []version, r Readers, flushing, older bool) []version {
	var out, waiting []version
	rule := newRule(r, flushing)
	rule.begin()
	for _, v := range vs {
		kind := ikey.KindPut
		if v.del {
			kind = ikey.KindDelete
		}
		switch rule.next(ikey.MakeTrailer(v.seq, kind), func() bool { return older }) {
		case keep:
			out = append(append(out, waiting...), v)
			waiting = nil
		case zero:
			out = append(append(out, waiting...), version{0, v.del})
			waiting = nil
		case wait:
			waiting = append(waiting, v)
		}
	}
	return out
}

// read is what a reader at seq finds: the sequence of a put, 0 for nothing, or
// -1 for something older that lies below.
func read(vs []version, seq uint64, older bool, zeroed uint64) int64 {
	for _, v := range vs {
		if v.seq <= seq {
			switch {
			case v.del:
				return 0
			case v.seq == 0:
				return int64(zeroed)
			}
			return int64(v.seq)
		}
	}
	if older {
		return -1
	}
	return 0
}

func points(r Readers, top uint64) []uint64 {
	out := slices.Clone(r.Snapshots)
	for s := r.Horizon; s <= top; s++ {
		out = append(out, s)
	}
	return out
}

func TestRuleKeepsWhatReadersNeedAndNothingElse(t *testing.T) {
	const top = 20
	for seed := range int64(10000) {
		rnd := rand.New(rand.NewSource(seed))
		var vs []version
		for seq := uint64(top); seq > 0; seq-- {
			if rnd.Intn(3) == 0 {
				vs = append(vs, version{seq, rnd.Intn(3) == 0})
			}
		}
		r := Readers{Horizon: uint64(1 + rnd.Intn(top))}
		if rnd.Intn(2) == 0 {
			r.Horizon = top
		}
		for s := uint64(1); s < top; s++ {
			if rnd.Intn(6) == 0 {
				r.Snapshots = append(r.Snapshots, s)
			}
		}
		older := rnd.Intn(2) == 0
		got := decide(vs, r, false, older)
		checkDecision(t, vs, got, r, older, top)
		for _, v := range decide(vs, r, true, older) {
			if !slices.Contains(vs, v) {
				t.Fatalf("a flush rewrote %v", v)
			}
		}
	}
}

func checkDecision(t *testing.T, vs, got []version, r Readers, older bool, top uint64) {
	t.Helper()
	what := fmt.Sprintf("%v read at %v and from %d, older %v: kept %v", vs, r.Snapshots, r.Horizon, older, got)
	zeroed := zeroedSeq(vs, got, r.Floor())
	for _, at := range points(r, top) {
		if want, have := read(vs, at, older, 0), read(got, at, older, zeroed); want != have {
			t.Fatalf("%s: at %d it was %d and is %d", what, at, want, have)
		}
	}
	for i := range got { // each kept version matters to somebody
		without := slices.Delete(slices.Clone(got), i, i+1)
		same := true
		for _, at := range points(r, top) {
			same = same && read(got, at, older, zeroed) == read(without, at, older, zeroed)
		}
		if same && (!got[i].del || !older && i == len(got)-1) {
			t.Fatalf("%s: nobody needs %v", what, got[i])
		}
	}
	last := len(got) - 1
	if last >= 0 && !got[last].del && !older && got[last].seq != 0 && got[last].seq <= r.Floor() {
		t.Fatalf("%s: the last was not zeroed", what)
	}
}

// zeroedSeq is the sequence that the zeroed version had: the newest at or below
// the floor.
func zeroedSeq(vs, got []version, floor uint64) uint64 {
	if len(got) == 0 || got[len(got)-1].seq != 0 {
		return 0
	}
	for _, v := range vs {
		if v.seq <= floor {
			return v.seq
		}
	}
	return 0
}

func TestRuleOnKnownCases(t *testing.T) {
	p := func(s uint64) version { return version{s, false} }
	x := func(s uint64) version { return version{s, true} }
	for _, c := range []struct {
		name  string
		in    []version
		r     Readers
		older bool
		want  []version
	}{
		{"only the newest", []version{p(9), p(8), p(7)}, Readers{nil, 20}, true, []version{p(9)}},
		{"zeroed at the bottom", []version{p(9), p(8)}, Readers{nil, 20}, false, []version{p(0)}},
		{"one for each snapshot", []version{p(9), p(8), p(7), p(6)}, Readers{[]uint64{6, 8}, 20}, true, []version{p(9), p(8), p(6)}},
		{"tombstone over something", []version{x(9), p(8)}, Readers{nil, 20}, true, []version{x(9)}},
		{"tombstone over nothing", []version{x(9), p(8)}, Readers{nil, 20}, false, nil},
		{"tombstone over what a snapshot sees", []version{x(9), p(8)}, Readers{[]uint64{8}, 20}, false, []version{x(9), p(0)}},
		{"young tombstone over nothing", []version{x(9)}, Readers{[]uint64{5}, 20}, false, nil},
		{"retained past", []version{p(9), x(8), p(7), p(6)}, Readers{nil, 7}, true, []version{p(9), x(8), p(7)}},
		{"no horizon keeps all", []version{p(9), p(8), p(7)}, Readers{}, true, []version{p(9), p(8), p(7)}},
		{"the same version twice", []version{p(9), p(9)}, Readers{nil, 3}, true, []version{p(9)}},
	} {
		if got := decide(c.in, c.r, false, c.older); !slices.Equal(got, c.want) {
			t.Errorf("%s: kept %v, want %v", c.name, got, c.want)
		}
	}
}
