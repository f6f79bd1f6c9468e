package iterator

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand"
	"sort"
	"strings"
	"testing"

	"github.com/varvekv/varve/internal/ikey"
)

// memRun is a run of parts in memory.
type memRun struct {
	parts  [][]Entry
	opened int
	fail   int // part that cannot be opened; -1 = none
	live   int
}

type counted struct {
	Cursor
	run *memRun
}

func (c *counted) Close() error { c.run.live--; return c.Cursor.Close() }

func (m *memRun) Len() int { return len(m.parts) }
func (m *memRun) Bounds(i int) (lower, upper []byte) {
	p := m.parts[i]
	return p[0].Key.User, p[len(p)-1].Key.User
}
func (m *memRun) Open(i int) (Cursor, error) {
	if i == m.fail {
		return nil, errTest
	}
	m.opened++
	m.live++
	return &counted{&plain{Slice: NewSlice(m.parts[i])}, m}, nil
}

// cut makes a run of es: no user key stands in two parts.
func cut(r *rand.Rand, es []Entry) *memRun {
	m := &memRun{fail: -1}
	for i, e := range es {
		if i == 0 || r.Intn(6) == 0 && !bytes.Equal(es[i-1].Key.User, e.Key.User) {
			m.parts = append(m.parts, nil)
		}
		m.parts[len(m.parts)-1] = append(m.parts[len(m.parts)-1], e)
	}
	return m
}

func TestConcatIsTheWholeRun(t *testing.T) {
	for seed := range int64(300) {
		r := rand.New(rand.NewSource(seed))
		es := randomEntries(r, r.Intn(120), 1+r.Intn(60))
		run := cut(r, es)
		c := NewConcat(run)
		compareMoves(t, r, c, NewSlice(es), es, 200)
		if run.live > 1 {
			t.Fatalf("%d parts open", run.live)
		}
		if err := c.Close(); err != nil || run.live != 0 {
			t.Fatalf("close: %v, %d parts open", err, run.live)
		}
	}
}

func TestConcatOpensOnlyWhereItGoes(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	run := cut(r, randomEntries(r, 500, 300))
	c := NewConcat(run)
	if run.opened != 0 {
		t.Fatal("opened before the first move")
	}
	lower, _ := run.Bounds(7)
	if !c.SeekGE(ikey.First(lower)) || run.opened != 1 || !bytes.Equal(c.Key().User, lower) {
		t.Fatalf("opened %d parts for one seek", run.opened)
	}
	run.fail = 8
	for c.Next() {
	}
	if !errors.Is(c.Err(), errTest) || c.Valid() || c.Next() || !errors.Is(c.Err(), errTest) {
		t.Fatalf("err %v", c.Err())
	}
	if !c.First() || c.Err() != nil {
		t.Fatal("a seek did not leave the error behind")
	}
}

func TestBoundCutsBothEnds(t *testing.T) {
	for seed := range int64(400) {
		r := rand.New(rand.NewSource(seed))
		es := randomEntries(r, r.Intn(100), 40)
		lower, upper := randomBound(r, es), randomBound(r, es)
		var in []Entry
		for _, e := range es {
			if bytes.Compare(e.Key.User, lower) >= 0 && (upper == nil || bytes.Compare(e.Key.User, upper) < 0) {
				in = append(in, e)
			}
		}
		b := NewBound(&plain{Slice: NewSlice(es)}, lower, upper)
		compareMoves(t, r, b, NewSlice(in), es, 100)
	}
}

func randomBound(r *rand.Rand, es []Entry) []byte {
	switch n := r.Intn(6); {
	case n == 0:
		return nil
	case n == 1:
		return []byte{}
	case n == 2 || len(es) == 0:
		return []byte("key5")
	}
	return es[r.Intn(len(es))].Key.User
}

// see is the model: the sorted user keys and values that Visible must give.
func see(es []Entry, seq uint64, lower, upper []byte) [][2]string {
	newest := map[string]Entry{}
	for _, e := range es {
		s := e.Key.Trailer.Seq()
		if old, ok := newest[string(e.Key.User)]; s <= seq && (!ok || s > old.Key.Trailer.Seq()) {
			newest[string(e.Key.User)] = e
		}
	}
	var out [][2]string
	for user, e := range newest {
		above := upper != nil && user >= string(upper)
		if e.Key.Trailer.Kind() == ikey.KindPut && user >= string(lower) && !above {
			out = append(out, [2]string{user, string(e.Value)})
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i][0] < out[j][0] })
	return out
}

// walk drives a Visible beside the model; i is the model's place, -1 and
// len(want) are the ends, and fresh is before any move.
func walk(t *testing.T, v *Visible, want [][2]string, ops []byte, key func(op byte) string) {
	t.Helper()
	i, fresh, log := 0, true, ""
	for _, op := range ops {
		var ok bool
		switch op % 8 {
		case 0:
			i, ok = 0, v.First()
		case 1:
			i, ok = len(want)-1, v.Last()
		case 2:
			k := key(op)
			i = sort.Search(len(want), func(i int) bool { return want[i][0] >= k })
			ok = v.SeekGE([]byte(k))
		case 3:
			k := key(op)
			i = sort.Search(len(want), func(i int) bool { return want[i][0] >= k }) - 1
			ok = v.SeekLT([]byte(k))
		case 4, 5:
			if i = min(i+1, len(want)); fresh {
				i = 0
			}
			ok = v.Next()
		default:
			if i = max(i-1, -1); fresh {
				i = len(want) - 1
			}
			ok = v.Prev()
		}
		fresh = false
		log += fmt.Sprintf(" %d", op%8)
		in := i >= 0 && i < len(want)
		if ok != in || ok != v.Valid() || v.Err() != nil {
			t.Fatalf("after%s: got %v, want %v at %d of %d; err %v", log, ok, in, i, len(want), v.Err())
		}
		if ok && (string(v.Key()) != want[i][0] || string(v.Value()) != want[i][1]) {
			t.Fatalf("after%s: got %q=%.20q, want %.20q", log, v.Key(), v.Value(), want[i])
		}
	}
}

func TestVisibleSeesNewestVersionAtSequence(t *testing.T) {
	for seed := range int64(600) {
		r := rand.New(rand.NewSource(seed))
		n := r.Intn(300)
		es := randomEntries(r, n, 1+r.Intn(1+n/(1+r.Intn(60))))
		if seed%5 == 0 && n > 0 { // one value that backward moves do not copy
			es[r.Intn(n)].Value = []byte(strings.Repeat("x", copyBytesMax+1))
		}
		seq := uint64(r.Intn(n + 2))
		lower, upper := randomBound(r, es), randomBound(r, es)
		v := NewVisible(NewBound(NewMerge(some(scatter(r, es, 1+r.Intn(5)))...), lower, upper), seq)
		ops := make([]byte, 150)
		for i := range ops {
			if ops[i] = byte(r.Int()); r.Intn(2) == 0 {
				ops[i] |= 4 // mostly steps
			}
		}
		walk(t, v, see(es, seq, lower, upper), ops, func(byte) string { return fmt.Sprintf("key%d", r.Intn(40)) })
	}
}

func TestVisibleNeverHidesAnUnknownKind(t *testing.T) {
	es := []Entry{
		{ikey.Make([]byte("a"), 1, ikey.KindPut), nil},
		{ikey.Make([]byte("b"), 1, ikey.Kind(9)), nil},
		{ikey.Make([]byte("c"), 1, ikey.KindPut), nil},
	}
	v := NewVisible(NewSlice(es), 5)
	if !v.First() || v.Next() || v.Err() == nil {
		t.Fatalf("forwards: %v", v.Err())
	}
	if !v.Last() || v.Prev() || v.Err() == nil {
		t.Fatalf("backwards: %v", v.Err())
	}
}

// steps counts moves of the cursor below.
type steps struct {
	Cursor
	n int
}

func (s *steps) Next() bool             { s.n++; return s.Cursor.Next() }
func (s *steps) Prev() bool             { s.n++; return s.Cursor.Prev() }
func (s *steps) SeekGE(k ikey.Key) bool { s.n++; return s.Cursor.SeekGE(k) }
func (s *steps) SeekLT(k ikey.Key) bool { s.n++; return s.Cursor.SeekLT(k) }

func TestVisibleSkipsManyVersionsBySeeking(t *testing.T) {
	var es []Entry
	for seq := uint64(5000); seq > 0; seq-- {
		es = append(es, Entry{ikey.Make([]byte("hot"), seq, ikey.KindPut), nil})
	}
	es = append([]Entry{{ikey.Make([]byte("a"), 1, ikey.KindPut), nil}}, append(es, Entry{ikey.Make([]byte("z"), 1, ikey.KindPut), nil})...)
	for _, seq := range []uint64{1, 100, 2500, 5000, 6000} {
		s := &steps{Cursor: NewSlice(es)}
		v := NewVisible(s, seq)
		walk(t, v, see(es, seq, nil, nil), []byte{0, 4, 4, 6, 6, 4, 4, 4, 1, 6, 6, 4, 6, 6, 4, 4}, nil)
		if s.n > 1000 {
			t.Fatalf("%d moves below for 16 moves at %d", s.n, seq)
		}
	}
}

func FuzzVisible(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4, 250, 7}, []byte{0, 4, 4, 6, 2, 6, 1, 6, 6}, uint8(3), uint8(2))
	f.Add(bytes.Repeat([]byte{3}, 90), []byte{1, 6, 4, 6, 6, 4}, uint8(50), uint8(3))
	f.Fuzz(func(t *testing.T, data, ops []byte, seq, parts uint8) {
		var es []Entry
		for i, b := range data {
			kind := ikey.KindPut
			if b >= 128 {
				kind = ikey.KindDelete
			}
			es = append(es, Entry{ikey.Make([]byte{b % 5, 'k', b % 3}[:1+b%3], uint64(i+1), kind), []byte{b}})
		}
		sortEntries(es)
		r := rand.New(rand.NewSource(int64(len(data))))
		v := NewVisible(NewMerge(some(scatter(r, es, 1+int(parts%6)))...), uint64(seq))
		walk(t, v, see(es, uint64(seq), nil, nil), ops, func(op byte) string { return string([]byte{op / 8 % 5}) })
	})
}
