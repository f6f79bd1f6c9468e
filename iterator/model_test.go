package iterator

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand"
	"slices"
	"testing"

	"github.com/varvekv/varve/internal/ikey"
)

var errTest = errors.New("test fault")

// randomEntries is n versions of few keys, ascending, no two alike.
func randomEntries(r *rand.Rand, n, keys int) []Entry {
	var out []Entry
	for seq := 1; seq <= n; seq++ {
		kind := ikey.KindPut
		if r.Intn(3) == 0 {
			kind = ikey.KindDelete
		}
		user := []byte(fmt.Sprintf("key%0*d", 1+r.Intn(9), r.Intn(keys)))
		out = append(out, Entry{ikey.Make(user, uint64(seq), kind), []byte(fmt.Sprint(seq))})
	}
	sortEntries(out)
	return out
}

func sortEntries(es []Entry) {
	slices.SortFunc(es, func(a, b Entry) int { return ikey.Compare(a.Key, b.Key) })
}

// scatter deals entries out to n sorted parts.
func scatter(r *rand.Rand, es []Entry, n int) [][]Entry {
	parts := make([][]Entry, n)
	streak, to := 0, 0
	for _, e := range es {
		if streak--; streak < 0 {
			streak, to = r.Intn(12), r.Intn(n)
		}
		parts[to] = append(parts[to], e)
	}
	return parts
}

// plain hides Slice's Ahead, and mangles what the contract lets die on a move.
type plain struct {
	*Slice
	user, value []byte
}

func (p *plain) Ahead() {}

func (p *plain) Key() ikey.Key {
	k := p.Slice.Key()
	p.user = append(p.user[:0], k.User...)
	return ikey.Key{User: p.user, Trailer: k.Trailer}
}

func (p *plain) Value() []byte {
	p.value = append(p.value[:0], p.Slice.Value()...)
	return p.value
}

func (p *plain) die() {
	for i := range p.user {
		p.user[i] = 0xdb
	}
	for i := range p.value {
		p.value[i] = 0xdb
	}
}

func (p *plain) First() bool            { p.die(); return p.Slice.First() }
func (p *plain) Last() bool             { p.die(); return p.Slice.Last() }
func (p *plain) Next() bool             { p.die(); return p.Slice.Next() }
func (p *plain) Prev() bool             { p.die(); return p.Slice.Prev() }
func (p *plain) SeekGE(k ikey.Key) bool { k = k.Clone(); p.die(); return p.Slice.SeekGE(k) }
func (p *plain) SeekLT(k ikey.Key) bool { k = k.Clone(); p.die(); return p.Slice.SeekLT(k) }

// some wraps every other part in plain, so that both kinds of child are met.
func some(parts [][]Entry) []Cursor {
	var out []Cursor
	for i, p := range parts {
		if i%2 == 0 {
			out = append(out, &plain{Slice: NewSlice(p)})
		} else {
			out = append(out, NewSlice(p))
		}
	}
	return out
}

// compareMoves makes the same n random moves on both cursors.
func compareMoves(t *testing.T, r *rand.Rand, got, want Cursor, keys []Entry, n int) {
	t.Helper()
	log := ""
	for range n {
		var g, w bool
		op := r.Intn(12)
		if !want.Valid() && op >= 4 {
			op %= 4
		}
		var k ikey.Key
		if len(keys) > 0 {
			k = keys[r.Intn(len(keys))].Key
		}
		if r.Intn(3) == 0 {
			k = ikey.Seek(k.User, uint64(r.Intn(100)))
		}
		switch {
		case op == 0:
			g, w = got.First(), want.First()
		case op == 1:
			g, w = got.Last(), want.Last()
		case op == 2:
			g, w = got.SeekGE(k), want.SeekGE(k)
		case op == 3:
			g, w = got.SeekLT(k), want.SeekLT(k)
		case op <= 7:
			g, w = got.Next(), want.Next()
		default:
			g, w = got.Prev(), want.Prev()
		}
		log += fmt.Sprintf(" %d:%s", op, k)
		if g != w || g != got.Valid() {
			t.Fatalf("after%s: got %v (valid %v), want %v", log, g, got.Valid(), w)
		}
		if err := got.Err(); err != nil {
			t.Fatalf("after%s: %v", log, err)
		}
		if w && (ikey.Compare(got.Key(), want.Key()) != 0 || !bytes.Equal(got.Value(), want.Value())) {
			t.Fatalf("after%s: got %s, want %s", log, got.Key(), want.Key())
		}
	}
}

func TestWordsNeverContradictTheOrder(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	random := func() []byte {
		k := bytes.Repeat([]byte{'m'}, r.Intn(24))
		for range r.Intn(3) {
			if len(k) > 0 {
				k[r.Intn(len(k))] = byte(r.Intn(256))
			}
		}
		return k
	}
	var w words
	for n := range 100_000 {
		if n%50 == 0 {
			w.setBase(random())
		}
		a, b := random(), random()
		if c := bytes.Compare(a, b); c > 0 {
			a, b = b, a
		}
		if w.of(a, false) > w.of(b, false) || w.of(a, true) < w.of(b, true) {
			t.Fatalf("base %q: words contradict %q < %q", w.base, a, b)
		}
	}
}

func TestMergeIsTheSortedUnion(t *testing.T) {
	for seed := range int64(200) {
		r := rand.New(rand.NewSource(seed))
		es := randomEntries(r, r.Intn(200), 1+r.Intn(50))
		m := NewMerge(some(scatter(r, es, 1+r.Intn(14)))...)
		compareMoves(t, r, m, NewSlice(es), es, 200)
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestMergeOfNothingIsEmpty(t *testing.T) {
	m := NewMerge()
	if m.First() || m.Last() || m.Next() || m.Prev() || m.SeekGE(ikey.Key{}) || m.Valid() || m.Err() != nil {
		t.Fatal("an empty merge has an entry or an error")
	}
}

func TestMergeGivesEqualVersionsOldChildrenLast(t *testing.T) {
	k := ikey.Make([]byte("k"), 7, ikey.KindPut)
	z := ikey.Make([]byte("z"), 1, ikey.KindPut)
	m := NewMerge(NewSlice([]Entry{{k, []byte("0")}}), NewSlice([]Entry{{k, []byte("1")}, {z, []byte("z")}}), NewSlice([]Entry{{k, []byte("2")}}))
	got := ""
	for ok := m.First(); ok; ok = m.Next() {
		got += string(m.Value())
	}
	for ok := m.Last(); ok; ok = m.Prev() {
		got += string(m.Value())
	}
	m.First()
	m.Next()
	m.Prev()
	got += string(m.Value())
	m.Next()
	m.Next()
	m.Next()
	m.Prev()
	if got += string(m.Value()); got != "012zz21002" {
		t.Fatalf("got %s", got)
	}
}

// growing is a cursor whose entries may grow between moves, as a memtable's do.
type growing struct{ *Slice }

func (g *growing) insert(e Entry) {
	i := g.search(e.Key)
	g.entries = slices.Insert(slices.Clone(g.entries), i, e)
	if i <= g.index {
		g.index++
	}
}

func TestMergeTurnsRightAmongFreshInserts(t *testing.T) {
	at := func(user string, seq uint64) Entry {
		return Entry{ikey.Make([]byte(user), seq, ikey.KindPut), nil}
	}
	for _, inserted := range []string{"c", "g"} {
		g := &growing{NewSlice([]Entry{at("a", 1), at("f", 1)})}
		m := NewMerge(NewSlice([]Entry{at("b", 1), at("d", 1)}), g)
		m.SeekGE(ikey.First([]byte("b")))
		g.insert(at(inserted, 9))
		g.insert(at(inserted+"x", 9))
		if !m.Prev() || string(m.Key().User) != "a" {
			t.Fatalf("backwards from b, with %s inserted: %s", inserted, m.Key())
		}
	}
	g := &growing{NewSlice([]Entry{at("a", 1), at("f", 1)})}
	m := NewMerge(NewSlice([]Entry{at("b", 1), at("d", 1)}), g)
	m.SeekLT(ikey.First([]byte("e")))
	g.insert(at("b", 9))
	g.insert(at("c", 9))
	if !m.Next() || string(m.Key().User) != "f" {
		t.Fatalf("forwards from d: %s", m.Key())
	}
}

func TestErrorsNeverLookLikeTheEnd(t *testing.T) {
	for seed := range int64(200) {
		r := rand.New(rand.NewSource(seed))
		es := randomEntries(r, 1+r.Intn(80), 30)
		parts := scatter(r, es, 1+r.Intn(5))
		n := r.Intn(len(parts))
		if len(parts[n]) == 0 {
			continue
		}
		var cs []Cursor
		for i, p := range parts {
			s := NewSlice(p)
			if i == n {
				s.FailAt(r.Intn(len(p)), errTest)
			}
			cs = append(cs, s)
		}
		back := seed%2 == 0
		v := NewVisible(NewBound(NewMerge(cs...), nil, []byte("z")), 1000)
		for ok := move(v, back, true); ok; ok = move(v, back, false) {
		}
		if !errors.Is(v.Err(), errTest) {
			t.Fatalf("seed %d: err %v", seed, v.Err())
		}
		if v.Next() || v.Prev() || v.Valid() || !errors.Is(v.Err(), errTest) {
			t.Fatal("the error did not stick")
		}
		cs[n].(*Slice).fault = nil
		if want := len(see(es, 1000, nil, nil)); v.First() != (want > 0) || v.Err() != nil {
			t.Fatalf("a seek did not leave the error behind: %v", v.Err())
		}
	}
}

func move(v *Visible, back, first bool) bool {
	switch {
	case back && first:
		return v.Last()
	case back:
		return v.Prev()
	case first:
		return v.First()
	}
	return v.Next()
}
