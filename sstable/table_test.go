package sstable

import (
	"bytes"
	"context"
	"fmt"
	"math/rand"
	"sort"
	"testing"

	"github.com/varvekv/varve/internal/codec"
	"github.com/varvekv/varve/internal/hash"
	"github.com/varvekv/varve/internal/ikey"
	"github.com/varvekv/varve/internal/invariants"
	"github.com/varvekv/varve/iterator"
)

var shapes = map[string]shape{
	"empty":     {n: 0},
	"one":       {n: 1, maxValue: 10},
	"fixed":     {n: 3000, fixedKey: true, minValue: 100, maxValue: 100, zeroSeq: true},
	"fixedSeqs": {n: 3000, fixedKey: true, minValue: 16, maxValue: 16},
	"ragged":    {n: 3000, maxVersions: 3, keyPrefix: "tenant/a/", maxValue: 300},
	"versions":  {n: 3000, maxVersions: 300, maxValue: 30},
	"large":     {n: 200, maxVersions: 2, maxValue: 70_000},
}

// forEachTable runs f over tables of every shape and codec, with and without a cache.
func forEachTable(t *testing.T, f func(t *testing.T, entries []entry, r *Reader, d *desk)) {
	for name, s := range shapes {
		for _, typ := range []codec.Type{codec.None, codec.S2, codec.Zstd} {
			if invariants.Enabled && typ == codec.Zstd && name != "ragged" {
				continue // the race detector takes its time
			}
			for _, cacheBytes := range []int64{0, 1 << 20} {
				t.Run(fmt.Sprintf("%s/%v/cache=%d", name, typ, cacheBytes), func(t *testing.T) {
					entries := makeEntries(7, s)
					file, _ := writeTable(t, WriterOptions{Compression: typ}, entries)
					d := newDesk(t, cacheBytes)
					f(t, entries, d.open(t, file), d)
				})
			}
		}
	}
}

func TestGetFindsTheNewestVersionAtOrBelow(t *testing.T) {
	forEachTable(t, func(t *testing.T, entries []entry, r *Reader, d *desk) {
		rnd := rand.New(rand.NewSource(1))
		var s Scratch
		for range 800 {
			user := []byte(fmt.Sprint(rnd.Intn(1000)))
			if len(entries) > 0 && rnd.Intn(4) > 0 {
				user = append([]byte{}, entries[rnd.Intn(len(entries))].k.User...)
				if rnd.Intn(5) == 0 {
					user = append(user, 0)
				}
			}
			checkGet(t, entries, r, d, &s, user, uint64(rnd.Intn(1<<20)))
		}
	})
}

func checkGet(t *testing.T, entries []entry, r *Reader, d *desk, s *Scratch, user []byte, seq uint64) {
	t.Helper()
	target := ikey.Seek(user, seq)
	i := sort.Search(len(entries), func(i int) bool { return ikey.Compare(entries[i].k, target) >= 0 })
	d.slot.Enter()
	defer d.slot.Exit()
	tr, v, ok, err := r.Get(user, hash.Sum(user), seq, s)
	if err != nil {
		t.Fatal(err)
	}
	want := i < len(entries) && bytes.Equal(entries[i].k.User, user)
	if ok != want || ok && (tr != entries[i].k.Trailer || !bytes.Equal(v, entries[i].v)) {
		t.Fatalf("Get(%q, %d) = %v, %d bytes, %v; want %v", user, seq, tr, len(v), ok, want)
	}
}

func TestCursorWalksBothWays(t *testing.T) {
	forEachTable(t, func(t *testing.T, entries []entry, r *Reader, d *desk) {
		for _, a := range []Access{AccessScan, AccessBulk, AccessScan} {
			c := r.NewCursor(CursorOptions{Access: a})
			i := 0
			for ok := c.First(); ok; ok = c.Next() {
				sameEntry(t, entries, i, c)
				i++
			}
			if i != len(entries) || c.Err() != nil || c.Valid() {
				t.Fatalf("forward: %d of %d, %v", i, len(entries), c.Err())
			}
			for ok := c.Last(); ok; ok = c.Prev() {
				i--
				sameEntry(t, entries, i, c)
			}
			if i != 0 || c.Err() != nil {
				t.Fatalf("backward: %d left, %v", i, c.Err())
			}
			if err := c.Close(); err != nil || c.Close() != nil {
				t.Fatal(err)
			}
		}
	})
}

func sameEntry(t *testing.T, entries []entry, i int, c iterator.Cursor) {
	t.Helper()
	if i < 0 || i >= len(entries) {
		t.Fatalf("cursor at %v, entry %d of %d", c.Key(), i, len(entries))
	}
	if !c.Valid() || ikey.Compare(c.Key(), entries[i].k) != 0 || !bytes.Equal(c.Value(), entries[i].v) {
		t.Fatalf("entry %d is %v, want %v", i, c.Key(), entries[i].k)
	}
}

func TestCursorSeeks(t *testing.T) {
	forEachTable(t, func(t *testing.T, entries []entry, r *Reader, d *desk) {
		c := r.NewCursor(CursorOptions{})
		defer c.Close()
		rnd := rand.New(rand.NewSource(2))
		for range 600 {
			k := ikey.Make([]byte(fmt.Sprint(rnd.Intn(1000))), uint64(rnd.Intn(1<<20)), ikey.KindPut)
			if len(entries) > 0 && rnd.Intn(4) > 0 {
				k = entries[rnd.Intn(len(entries))].k.Clone()
				switch rnd.Intn(4) {
				case 0:
					k.User = append(k.User, 0)
				case 1:
					k.Trailer += ikey.Trailer(rnd.Intn(1000)) - 500
				}
			}
			i := sort.Search(len(entries), func(i int) bool { return ikey.Compare(entries[i].k, k) >= 0 })
			if ok := c.SeekGE(k); ok != (i < len(entries)) {
				t.Fatalf("SeekGE(%v) = %v, %v", k, ok, c.Err())
			} else if ok {
				sameEntry(t, entries, i, c)
			}
			if ok := c.SeekLT(k); ok != (i > 0) {
				t.Fatalf("SeekLT(%v) = %v, %v", k, ok, c.Err())
			} else if ok {
				sameEntry(t, entries, i-1, c)
			}
			wander(t, entries, i-1, c, rnd)
		}
	})
}

// wander moves at random from entry i and compares.
func wander(t *testing.T, entries []entry, i int, c iterator.Cursor, rnd *rand.Rand) {
	for range rnd.Intn(20) {
		if !c.Valid() {
			return
		}
		if rnd.Intn(2) == 0 {
			i++
			c.Next()
		} else {
			i--
			c.Prev()
		}
		if c.Valid() != (i >= 0 && i < len(entries)) {
			t.Fatalf("at %d valid is %v: %v", i, c.Valid(), c.Err())
		}
		if c.Valid() {
			sameEntry(t, entries, i, c)
		}
	}
}

func TestAheadNeverGoesTooFar(t *testing.T) {
	forEachTable(t, func(t *testing.T, entries []entry, r *Reader, d *desk) {
		c := r.NewCursor(CursorOptions{}).(iterator.Galloper)
		defer c.Close()
		rnd := rand.New(rand.NewSource(2))
		far := 0
		for range min(300, len(entries)) {
			from, to := rnd.Intn(len(entries)), rnd.Intn(len(entries))
			c.SeekGE(entries[from].k)
			n := c.Ahead(entries[to].k)
			far += n
			if n < 0 || n > 0 && from+n >= to {
				t.Fatalf("%d moves from entry %d end before entry %d", n, from, to)
			}
		}
		if len(entries) > 1000 && far == 0 {
			t.Fatal("it never gallops")
		}
	})
}

func TestCheckCountsWhatTheWriterWrote(t *testing.T) {
	forEachTable(t, func(t *testing.T, entries []entry, r *Reader, d *desk) {
		got, err := r.Check(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		var sum uint64
		for _, e := range entries {
			sum += hash.Entry(e.k.User, uint64(e.k.Trailer), e.v)
		}
		if got.EntrySum != sum || got.Entries != uint64(len(entries)) {
			t.Fatalf("sum %x of %d entries, want %x of %d", got.EntrySum, got.Entries, sum, len(entries))
		}
		if fmt.Sprint(got) != fmt.Sprint(*r.Properties()) {
			t.Fatalf("counted %+v\nsaid    %+v", got, *r.Properties())
		}
	})
}
