package memtable

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/varvekv/varve/internal/hash"
	"github.com/varvekv/varve/internal/ikey"
)

// TestBulkLoadEqualsAdding: a table loaded in bulk is the table loaded one by one,
// for few keys and for many, long and short, equal in their first bytes, with many
// versions of a key; and both go on in the same way.
func TestBulkLoadEqualsAdding(t *testing.T) {
	for _, count := range []int{0, 1, 2, 100, 3 * sortTogetherMax} {
		t.Run(fmt.Sprint(count), func(t *testing.T) {
			plain, bulk := newBulkTable(t), newBulkTable(t)
			bulk.BeginBulk()
			r, seq := rand.New(rand.NewPCG(uint64(count), 1)), uint64(0)
			add := func() {
				key := bulkKey(r, count)
				seq++
				for _, tab := range []*Table{plain, bulk} {
					if err := tab.Add(key, ikey.MakeTrailer(seq, ikey.KindPut), fmt.Appendf(nil, "%d", seq)); err != nil {
						t.Fatal(err)
					}
				}
			}
			for range count {
				add()
			}
			if size := bulk.SizeBytes(); size < int64(count) {
				t.Errorf("%d bytes before the end", size)
			}
			bulk.EndBulk()
			sameTables(t, plain, bulk)
			for range count / 2 {
				add()
			}
			sameTables(t, plain, bulk)
		})
	}
}

func newBulkTable(t *testing.T) *Table {
	tab, err := New(Options{ArenaBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tab.Free(); err != nil {
			t.Error(err)
		}
	})
	return tab
}

// bulkKey is one of about count keys: some share their first 16 bytes, some are
// prefixes of others.
func bulkKey(r *rand.Rand, count int) []byte {
	n := r.IntN(max(count, 1))
	switch n % 3 {
	case 0:
		return fmt.Appendf(nil, "all of these begin alike %d", n)
	case 1:
		return fmt.Appendf(nil, "%d", n)
	}
	return bytes.Repeat([]byte{byte(n)}, n%40)
}

func sameTables(t *testing.T, want, got *Table) {
	t.Helper()
	w, g := want.NewCursor(), got.NewCursor()
	n := 0
	for a, b := w.First(), g.First(); a || b; a, b = w.Next(), g.Next() {
		if a != b || ikey.Compare(w.Key(), g.Key()) != 0 || !bytes.Equal(w.Value(), g.Value()) {
			t.Fatalf("version %d differs", n)
		}
		key := w.Key()
		value, tr, ok := got.Get(key.User, hash.Sum(key.User), key.Trailer.Seq())
		if !ok || tr != key.Trailer || !bytes.Equal(value, w.Value()) {
			t.Fatalf("%s is not found", key)
		}
		if n++; n%97 == 0 && (!g.SeekGE(key) || ikey.Compare(g.Key(), key) != 0) {
			t.Fatalf("%s is not found by a seek", key)
		}
	}
	if want.EntrySum() != got.EntrySum() || got.Entries() != want.Entries() || n != int(want.Entries()) {
		t.Fatalf("%d of %d entries, sums %x and %x", n, want.Entries(), want.EntrySum(), got.EntrySum())
	}
}

// TestBulkLoadMayBeGivenUp: Free in the middle of it.
func TestBulkLoadMayBeGivenUp(t *testing.T) {
	tab := newBulkTable(t)
	tab.BeginBulk()
	if err := tab.Add([]byte("k"), ikey.MakeTrailer(1, ikey.KindPut), nil); err != nil {
		t.Fatal(err)
	}
	if err := tab.Free(); err != nil {
		t.Fatal(err)
	}
}
