package varve

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/varvekv/varve/manifest"
	"github.com/varvekv/varve/vfs"
)

func TestPressureDecides(t *testing.T) {
	const rate = 100 << 20
	full := pressure{immutables: immutablesMax, fill: 0.9, roomBytes: 6 << 20, waitBytes: 128 << 20}
	one := full
	one.immutables = immutablesMax - 1
	for _, c := range []struct {
		name   string
		p      pressure
		reason StallReason
		slower pressure // paced at least as slowly
	}{
		{"idle", pressure{}, StallNone, full},
		{"filling without a backlog", pressure{fill: 0.99}, StallNone, full},
		{"backlog, memtable still half empty", pressure{immutables: 2, fill: 0.4}, StallNone, full},
		{"backlog and nearly full", full, StallMemtables, full},
		{"one more memtable is free", one, StallMemtables, full},
		{"level 0 at the soft limit", pressure{level0Runs: level0RunsSoft}, StallNone, full},
		{"level 0 beyond it", pressure{level0Runs: level0RunsSoft + 4}, StallLevel0, pressure{level0Runs: level0RunsSoft + 8}},
		{"level 0 at the hard limit", pressure{level0Runs: level0RunsHard + 9}, StallLevel0, pressure{level0Runs: level0RunsHard + 9}},
	} {
		reason, got := c.p.decide(rate)
		if reason != c.reason {
			t.Errorf("%s: reason %v, want %v", c.name, reason, c.reason)
		}
		if _, slower := c.slower.decide(rate); reason != StallNone && got < slower {
			t.Errorf("%s: %d B/s, slower than %d", c.name, got, slower)
		}
		if got < rateMin {
			t.Errorf("%s: %d B/s: writers would stand still", c.name, got)
		}
	}
}

func TestReserveSpacesWritersOut(t *testing.T) {
	var s stall
	s.init(func() time.Duration { return 0 })
	const cost = int64(time.Millisecond)
	for i := range int64(10) {
		if at := s.reserve(100, cost); at != 100+i*cost {
			t.Fatalf("writer %d begins at %d", i, at)
		}
	}
	if at := s.reserve(100, 1e12); at != 100+10*cost {
		t.Fatalf("begins at %d", at)
	}
	if at := s.reserve(100, cost); at > 100+int64(sleepMax) {
		t.Fatalf("a writer is to wait until %d, past the longest sleep", at)
	}
}

func TestRunFindsTheOneTable(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		prefix := bytes.Repeat([]byte{'p'}, r.IntN(12))
		var bounds [][]byte
		for range 2 * (1 + r.IntN(20)) {
			suffix := make([]byte, r.IntN(12))
			for i := range suffix {
				suffix[i] = byte(r.IntN(3))
			}
			bounds = append(bounds, append(slices.Clone(prefix), suffix...))
		}
		slices.SortFunc(bounds, bytes.Compare)
		bounds = slices.CompactFunc(bounds, bytes.Equal)
		var run run
		for i := 0; i+1 < len(bounds); i += 2 {
			run.tables = append(run.tables, &table{slice: &manifest.Slice{ID: uint64(i), Lower: bounds[i], Upper: bounds[i+1]}})
		}
		run.index()
		keys := append([][]byte{nil, {0}, {0xff}, append(slices.Clone(prefix), 0xff), bytes.Repeat([]byte{'p'}, 14)}, bounds...)
		for _, k := range bounds {
			keys = append(keys, append(slices.Clone(k), 0), k[:len(k)/2])
		}
		for _, k := range keys {
			var want *table
			for _, tab := range run.tables {
				if bytes.Compare(tab.slice.Lower, k) <= 0 && bytes.Compare(k, tab.slice.Upper) <= 0 {
					want = tab
				}
			}
			if got := run.find(k); got != want {
				t.Fatalf("find(%q) among %q = %v, want %v", k, bounds, got, want)
			}
		}
	}
}

func TestPrefixEnd(t *testing.T) {
	for _, c := range []struct{ prefix, end string }{
		{"a", "b"}, {"a\xff", "b"}, {"a\xff\xff", "b"}, {"ab", "ac"}, {"\xfe", "\xff"},
	} {
		if got := prefixEnd([]byte(c.prefix)); string(got) != c.end {
			t.Errorf("prefixEnd(%q) = %q, want %q", c.prefix, got, c.end)
		}
	}
	for _, p := range []string{"", "\xff", "\xff\xff"} {
		if got := prefixEnd([]byte(p)); got != nil {
			t.Errorf("prefixEnd(%q) = %q, want an open end", p, got)
		}
	}
}

func TestChunkCopiesNeverOverlap(t *testing.T) {
	var c chunk
	var copies [][]byte
	for i := range 3000 {
		p := bytes.Repeat([]byte{byte(i)}, i%700)
		copies = append(copies, c.copy(p))
	}
	for i, p := range copies {
		if grown := append(p, 1, 2, 3); len(grown) != len(p)+3 {
			t.Fatal("append lost bytes")
		}
		if !bytes.Equal(p, bytes.Repeat([]byte{byte(i)}, i%700)) {
			t.Fatalf("copy %d was overwritten", i)
		}
	}
}

// TestBatchLargerThanAMemtable: it gets a memtable and segments of its own, and
// is whole after a reopen.
func TestBatchLargerThanAMemtable(t *testing.T) {
	fs := vfs.NewStrict(1)
	o := &Options{FS: fs, MemtableBytes: memtableBytesMin}
	db, err := Open("db", o)
	if err != nil {
		t.Fatal(err)
	}
	check := func(when string) {
		t.Helper()
		for i := range 5000 {
			v, err := db.Get(fmt.Appendf(nil, "big-%05d", i))
			if err != nil || len(v) != 100 || v[0] != byte(i) {
				t.Fatalf("%s: key %d: %d bytes, %v", when, i, len(v), err)
			}
		}
	}
	if err := db.Put([]byte("before"), nil); err != nil {
		t.Fatal(err)
	}
	var b Batch
	for i := range 5000 {
		b.Put(fmt.Appendf(nil, "big-%05d", i), bytes.Repeat([]byte{byte(i)}, 100))
	}
	if err := db.Write(&b); err != nil {
		t.Fatal(err)
	}
	if db.counters.rotations.Load() != 1 {
		t.Errorf("%d rotations: the batch shares a memtable", db.counters.rotations.Load())
	}
	check("at once")
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if db, err = Open("db", o); err != nil {
		t.Fatal(err)
	}
	check("after reopening")
	if err := db.Put([]byte("after"), nil); err != nil {
		t.Fatal(err)
	}
	if err := db.Flush(); err != nil {
		t.Fatal(err)
	}
	check("after the flush")
	if err := db.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if h := fs.Handles(); len(h) > 0 {
		t.Errorf("left open: %v", h)
	}
}
