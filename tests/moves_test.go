package tests

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/varvekv/varve"
	"github.com/varvekv/varve/vfs"
)

// What API.md says under "Iterators". Moves are written as words: F L N P are
// First, Last, Next, Prev; >x and <x are SeekGE x and SeekLT x. What each must
// come to stands behind the =; - is not valid.

// TestIteratorMoves over four keys, in every place they can be in.
func TestIteratorMoves(t *testing.T) {
	everywhere(t, fillWith("b", "d", "f", "h"), func(t *testing.T, r varve.Reader) {
		for _, moves := range []string{
			"N=b", "P=h", // on a fresh one
			"N=b N=d N=f N=h N=- N=- P=h P=f",  // past the end it stays; back is the last
			"P=h P=f P=d P=b P=- P=- N=b N=d",  // past the begin likewise
			"L=h N=- P=h N=- N=- P=h",          // turning at the end
			"F=b P=- N=b P=- P=- N=b",          // turning at the begin
			"F=b N=d P=b N=d N=f P=d P=b P=-",  // turning within
			"L=h P=f N=h P=f P=d N=f N=h N=-",  // likewise
			">c=d P=b", ">d=d N=f", ">d=d P=b", // a seek, then either way
			"<d=b N=d", "<e=d P=b", "<d=b P=-",
			">i=- P=h", ">i=- N=-", "<b=- N=b", "<b=- P=-", "<a=- N=b", // a seek to nothing is an end
			"N=b N=d >a=b P=-", "L=h N=- >a=b", "L=h N=- F=b", "F=b P=- L=h", "L=h N=- <z=h", // a seek leaves the end
			"F=b F=b L=h L=h F=b", ">f=f >f=f <f=d <f=d",
		} {
			it := r.NewIter(nil)
			if it.Valid() || it.Key() != nil || it.Value() != nil {
				t.Errorf("a fresh iterator is Valid")
			}
			play(t, it, moves)
			must(t, moves, it.Err())
			must(t, "close", it.Close())
		}
	})
}

func play(t *testing.T, it *varve.Iterator, moves string) {
	t.Helper()
	for _, move := range strings.Fields(moves) {
		name, want, _ := strings.Cut(move, "=")
		var ok bool
		switch name[0] {
		case 'F':
			ok = it.First()
		case 'L':
			ok = it.Last()
		case 'N':
			ok = it.Next()
		case 'P':
			ok = it.Prev()
		case '>':
			ok = it.SeekGE([]byte(name[1:]))
		case '<':
			ok = it.SeekLT([]byte(name[1:]))
		}
		got := "-"
		if it.Valid() {
			got = string(it.Key())
		}
		if got != want || ok != (want != "-") {
			t.Errorf("%q: %s came to %s (%v), want %s", moves, name, got, ok, want)
			return
		}
	}
}

// TestEmptyRangesHaveNoMoves: nothing is valid, nothing is an error.
func TestEmptyRangesHaveNoMoves(t *testing.T) {
	everywhere(t, fillWith("b", "d"), func(t *testing.T, r varve.Reader) {
		for _, o := range []*varve.IterOptions{{Upper: []byte{}}, {Lower: []byte("d"), Upper: []byte("b")}, {Lower: []byte("c"), Upper: []byte("d")},
			{Lower: []byte("b"), Upper: []byte("b")}, {Lower: []byte("e")}, {Upper: []byte("b")}} {
			it := r.NewIter(o)
			play(t, it, "N=- P=- F=- L=- >a=- <z=- N=- N=- P=- P=-")
			must(t, "empty range", it.Err())
			must(t, "close", it.Close())
		}
	})
}

// TestTurnsOverManyVersions turns round at every key of a database whose keys
// have versions and deletes in memory and on several levels.
func TestTurnsOverManyVersions(t *testing.T) {
	guard(t)
	rng, _ := seeded(t)
	fs := vfs.NewStrict(1)
	db := mustOpen(t, fs, 0)
	m := newModel(universe(rng, 200))
	for round := range 6 {
		for range 120 {
			m.unit++
			c := change{rng.IntN(len(m.keys)), absent}
			if rng.IntN(3) > 0 {
				c.to = newStamp(rng.Uint64(), 10)
			}
			m.set(c.key, version{m.unit, c.to})
			_, err := apply(db.With(varve.Buffered), m.keys, []change{c}, false)
			must(t, "write", err)
		}
		switch {
		case round == 1:
			compacted(t, fs, db)
		case round < 5:
			must(t, "Flush", db.Flush())
		}
	}
	it := db.NewIter(nil)
	twin := walker{m: m, unit: m.unit, to: len(m.keys)}
	moves := map[string][2]func() bool{"Next": {it.Next, twin.next}, "Prev": {it.Prev, twin.prev}}
	forward := rand.New(rand.NewPCG(rng.Uint64(), 0))
	for i := range 20_000 {
		name := "Next"
		if forward.IntN(5) < 2 != (i/3000%2 == 1) {
			name = "Prev"
		}
		got, want := moves[name][0](), moves[name][1]()
		if got != want || got && string(it.Key()) != m.keys[twin.key] {
			t.Fatalf("move %d, %s: %v %q, want %v", i, name, got, clip(string(it.Key())), want)
		}
	}
	must(t, "walk", it.Err())
	must(t, "close", it.Close())
	mustClose(t, fs, db)
}

// TestIteratorErrorsAreSticky: a value that cannot be read ends the iterator
// with an error that stays, in both directions and after every seek.
func TestIteratorErrorsAreSticky(t *testing.T) {
	guard(t)
	var failing atomic.Bool
	fault := vfs.NewFault(vfs.NewStrict(1), func(op vfs.Op) error {
		if failing.Load() && op.Kind == vfs.OpRead && kindOf(op.Name) == "table" {
			return syscall.EIO
		}
		return nil
	})
	db := mustOpen(t, fault, -1)
	const keys = 2000
	for i := range keys {
		must(t, "Put", db.With(varve.Buffered).Put(fmt.Appendf(nil, "%06d", i), newStamp(uint64(i)*2, 500).bytes(nil)))
	}
	must(t, "Flush", db.Flush())
	for name, begin := range map[string]func(*varve.Iterator) bool{"First": (*varve.Iterator).First, "Last": (*varve.Iterator).Last} {
		failing.Store(false)
		it := db.NewIter(nil)
		if !begin(it) {
			t.Fatalf("%s: %v", name, it.Err())
		}
		failing.Store(true)
		seen, move := 1, it.Next
		if name == "Last" {
			move = it.Prev
		}
		for move() {
			seen++
		}
		if seen == keys || !errors.Is(it.Err(), syscall.EIO) || it.Valid() || it.Key() != nil || it.Value() != nil {
			t.Fatalf("%s: after %d of %d keys: Valid %v, key %q, Err %v", name, seen, keys, it.Valid(), it.Key(), it.Err())
		}
		first := it.Err()
		failing.Store(false)
		for name, again := range map[string]bool{"Next": it.Next(), "Prev": it.Prev(), "First": it.First(), "Last": it.Last(),
			"SeekGE": it.SeekGE([]byte("0")), "SeekLT": it.SeekLT([]byte("1"))} {
			if again || it.Valid() || it.Err() == nil || it.Err().Error() != first.Error() {
				t.Errorf("%s after an error: %v, Err %v", name, again, it.Err())
			}
		}
		if err := it.Close(); err != nil && !errors.Is(err, syscall.EIO) {
			t.Errorf("Close: %v", err)
		}
		must(t, "second Close", ignore(it.Close(), syscall.EIO))
	}
	failing.Store(true)
	var scanned error
	seen := 0
	for _, err := range db.Scan(nil, nil) {
		if err != nil {
			scanned = err
			continue
		}
		seen++
	}
	if seen == keys || !errors.Is(scanned, syscall.EIO) {
		t.Errorf("Scan gave %d of %d keys and %v", seen, keys, scanned)
	}
	failing.Store(false)
	if got := keysOf(t, db.Scan(nil, nil)); len(got) != keys || !slices.IsSorted(got) {
		t.Errorf("once the disk reads again: %d keys", len(got))
	}
	must(t, "Close", db.Close())
}

// TestIteratorsStayAsOfTheirMaking beside writes, flushes and compactions, and
// beside the end of their snapshot.
func TestIteratorsStayAsOfTheirMaking(t *testing.T) {
	guard(t)
	fs := vfs.NewStrict(1)
	db := mustOpen(t, fs, 64<<10)
	must(t, "fill", fillWith("b", "d", "f", "h")(db))
	snapshot := db.Snapshot()
	its := []*varve.Iterator{db.NewIter(nil), snapshot.NewIter(nil), snapshot.NewIter(&varve.IterOptions{Lower: []byte("a"), Upper: []byte("z")})}
	must(t, "close snapshot", snapshot.Close())
	seq := db.Scan(nil, nil) // its snapshot is taken when it is ranged over
	for round := range 3 {
		must(t, "clutter", clutter(db))
		for _, it := range its {
			play(t, it, "F=b N=d N=f N=h N=- P=h P=f P=d P=b P=-")
			if it.First(); string(it.Value()) != "b" {
				t.Errorf("round %d: value %q", round, it.Value())
			}
		}
		compacted(t, fs, db)
	}
	for _, it := range its {
		must(t, "close", it.Close())
	}
	if got := keysOf(t, seq); slices.Equal(got, []string{"b", "d", "f", "h"}) {
		t.Errorf("Scan took its snapshot when it was made, not when it was ranged over")
	}
	mustClose(t, fs, db)
}
