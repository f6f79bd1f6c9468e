package sstable

import (
	"context"
	"errors"
	"fmt"
	"math/bits"
	"math/rand"
	"sync"
	"testing"

	"github.com/bits-and-blooms/bloom/v3"

	"github.com/varvekv/varve/internal/cache"
	"github.com/varvekv/varve/internal/codec"
	"github.com/varvekv/varve/internal/hash"
	"github.com/varvekv/varve/internal/ikey"
	"github.com/varvekv/varve/internal/offheap"
)

func TestCloseGivesEverythingBack(t *testing.T) {
	before := offheap.Live()
	f, _ := writeTable(t, WriterOptions{}, makeEntries(1, shapes["fixed"]))
	d := newDesk(t, 1<<20)
	r, err := Open(f, ReaderOptions{Cache: d.cache, Identity: testIdentity, FileBytes: int64(len(f.data))})
	if err != nil {
		t.Fatal(err)
	}
	fillCache(r, d)
	if m := d.cache.Metrics(); m.ChargedBytes < int64(r.props.FilterBytes) || m.Inserted == 0 {
		t.Fatalf("%+v", m)
	}
	if r.MemoryBytes() < int64(r.props.FilterBytes+r.props.IndexBytes) {
		t.Fatal(r.MemoryBytes())
	}
	if r.Close() != nil || r.Close() != nil || f.closed != 1 {
		t.Fatalf("closed %d times", f.closed)
	}
	if n := d.cache.Metrics().ChargedBytes; n != 0 {
		t.Fatalf("%d bytes stay charged", n)
	}
	if err := d.cache.Close(); err != nil || offheap.Live() != before {
		t.Fatalf("%d bytes still mapped, %v", offheap.Live()-before, err)
	}
}

func TestCheckStopsWithItsContext(t *testing.T) {
	f, _ := writeTable(t, WriterOptions{}, makeEntries(1, shapes["fixed"]))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := newDesk(t, 0).open(t, f).Check(ctx); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}

func TestCheckFindsWhatChecksumsCannot(t *testing.T) {
	entries := makeEntries(1, shape{n: 50, maxValue: 9})
	lie := func(name string, mangle func(w *Writer)) {
		f := &memFile{name: "000007.sst"}
		w := NewWriter(f, WriterOptions{Identity: testIdentity, BlockBytes: 512})
		for _, e := range entries {
			if err := w.Add(e.k, e.v); err != nil {
				t.Fatal(err)
			}
		}
		mangle(w)
		if _, err := w.Finish(); err != nil {
			t.Fatal(name, err)
		}
		r, err := Open(f, ReaderOptions{})
		if err != nil {
			mustBeCorrupt(t, name, 0, err)
			return
		}
		defer r.Close()
		_, err = r.Check(context.Background())
		mustBeCorrupt(t, name, 1, err)
	}
	lie("entries", func(w *Writer) { w.props.Entries++ })
	lie("sum", func(w *Writer) { w.props.EntrySum++ })
	lie("tombstones", func(w *Writer) { w.props.Tombstones++ })
	lie("lower", func(w *Writer) { w.props.Lower = []byte("") })
	lie("sequences", func(w *Writer) { w.props.SeqMax++ })
	lie("filter", func(w *Writer) { clear(w.bufs.hashes) })
	lie("fence", func(w *Writer) { w.bufs.index.fences[w.bufs.index.ends[0]-1] -= 5 })
	lie("prints", func(w *Writer) { w.bufs.block.prints[0]++ })
	lie("order", func(w *Writer) { k := w.bufs.block.keys; k[len(k)-1] = 0 })
}

func TestFilterRate(t *testing.T) {
	const n = 50_000
	hashes := make([]uint64, n)
	for i := range hashes {
		hashes[i] = hash.Sum(fmt.Appendf(nil, "user%d", i))
	}
	for bits, most := range map[int]float64{5: 0.12, 8: 0.031, 10: 0.014, 16: 0.0025, 20: 0.001} {
		data, err := appendFilter(nil, hashes, bits)
		if err != nil {
			t.Fatal(err)
		}
		f, err := parseFilter(data)
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range hashes {
			if !f.mayContain(h) {
				t.Fatalf("%d bits: a key is missing", bits)
			}
		}
		wrong := 0
		for i := range 10 * n {
			if f.mayContain(hash.Sum(fmt.Appendf(nil, "absent%d", i))) {
				wrong++
			}
		}
		rate := float64(wrong) / (10 * n)
		ideal := bloom.EstimateFalsePositiveRate(uint(bits*n), uint(f.probes), n)
		t.Logf("%2d bits, %2d probes: %.4f (spread over the whole set: %.4f)", bits, f.probes, rate, ideal)
		if rate > most {
			t.Errorf("%d bits: %.4f false positives", bits, rate)
		}
	}
}

func TestNoFilterHoldsNothingBack(t *testing.T) {
	entries := makeEntries(1, shapes["one"])
	f, p := writeTable(t, WriterOptions{BloomBits: -1}, entries)
	r := newDesk(t, 0).open(t, f)
	if p.FilterBytes != 0 || p.BloomBits != 0 || !r.MayContain(1) {
		t.Fatalf("%+v", p)
	}
	if _, err := r.Check(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// scanReads counts the reads of a scan through a table without a cache.
func scanReads(t *testing.T, r *Reader, f *memFile, a Access, isForward bool) (reads int) {
	t.Helper()
	c := r.NewCursor(CursorOptions{Access: a})
	defer c.Close()
	before := f.reads
	start, step := c.First, c.Next
	if !isForward {
		start, step = c.Last, c.Prev
	}
	for ok := start(); ok; ok = step() {
	}
	if c.Err() != nil {
		t.Fatal(c.Err())
	}
	return f.reads - before
}

func TestScansReadAhead(t *testing.T) {
	f, p := writeTable(t, WriterOptions{}, makeEntries(1, shape{n: 20_000, fixedKey: true, minValue: 100, maxValue: 100}))
	r := newDesk(t, 0).open(t, f)
	least := int(p.DataBytes / aheadBytesMax)
	growing := 1 + bits.Len(aheadBytesMax/aheadBytesMin) // a single block, then windows that double
	for _, isForward := range []bool{true, false} {
		if n := scanReads(t, r, f, AccessBulk, isForward); n > least+2 {
			t.Errorf("bulk, forward %v: %d reads for %d bytes", isForward, n, p.DataBytes)
		}
		if n := scanReads(t, r, f, AccessScan, isForward); n > least+growing+1 || n < least {
			t.Errorf("scan, forward %v: %d reads for %d bytes", isForward, n, p.DataBytes)
		}
	}
	c := r.NewCursor(CursorOptions{})
	defer c.Close()
	before := f.reads
	for i := range 100 {
		c.SeekGE(ikey.First([]byte(fmt.Sprintf("%012d", (i*37%100)*10_000_000_000))))
	}
	if n := f.reads - before; n > 110 {
		t.Errorf("100 seeks made %d reads", n)
	}
}

// Cached blocks come from the cache, and the window stops in front of them.
func TestReadAheadUsesCachedBlocks(t *testing.T) {
	f, _ := writeTable(t, WriterOptions{}, makeEntries(1, shape{n: 3000, fixedKey: true, minValue: 100, maxValue: 100}))
	d := newDesk(t, 4<<20)
	r := d.open(t, f)
	scanReads(t, r, f, AccessScan, true)
	if n := scanReads(t, r, f, AccessScan, true); n != 0 {
		t.Fatalf("a second scan of a table that fits made %d reads", n)
	}
	if n := scanReads(t, r, f, AccessBulk, false); n == 0 {
		t.Fatal("a bulk scan used the cache")
	}
}

// The window of a scan ends in front of a block that is cached.
func TestReadAheadStopsAtCachedBlocks(t *testing.T) {
	f, _ := writeTable(t, WriterOptions{}, makeEntries(1, shape{n: 3000, fixedKey: true, minValue: 100, maxValue: 100}))
	d := newDesk(t, 4<<20)
	r := d.open(t, f)
	d.slot.Enter()
	if _, err := r.block(8, new(Scratch)); err != nil || !r.slots.Has(8) {
		t.Fatal(err)
	}
	d.slot.Exit()
	for _, isForward := range []bool{true, false} {
		c := r.NewCursor(CursorOptions{}).(*cursor)
		c.fillMax = 0
		from, step := 4, c.Next
		if !isForward {
			from, step = 12, c.Prev
		}
		for ok := c.load(from) && c.show(0); ok && c.at != 8; ok = step() {
			if a := &c.ahead; a.first <= 8 && a.end > 8 {
				t.Fatalf("forward %v: the window is [%d, %d)", isForward, a.first, a.end)
			}
		}
		if c.at != 8 || c.ahead.end == 0 {
			t.Fatalf("forward %v: at %d, nothing read ahead", isForward, c.at)
		}
		c.Close()
	}
}

// Closed cursors keep nothing in the cache from coming back.
func TestCursorsUnpinWhatTheyLeave(t *testing.T) {
	entries := makeEntries(1, shape{n: 10_000, fixedKey: true, minValue: 100, maxValue: 100})
	f, _ := writeTable(t, WriterOptions{}, entries)
	d := newDesk(t, 300<<10)
	r := d.open(t, f)
	pinned := 0
	for range 8 {
		c := r.NewCursor(CursorOptions{}).(*cursor)
		for i := range 500 {
			c.SeekGE(entries[i*7919%len(entries)].k)
			if c.pin != (cache.Pin{}) {
				pinned++
			}
		}
		c.Close()
		fillCache(r, d)
		fillCache(r, d)
	}
	if m := d.cache.Metrics(); m.PinnedBytes != 0 || m.Evicted == 0 || pinned < 100 {
		t.Fatalf("%d pins, %+v", pinned, m)
	}
}

// A long scan leaves most of the cache alone.
func TestLongScansDoNotFillTheCache(t *testing.T) {
	f, p := writeTable(t, WriterOptions{}, makeEntries(1, shape{n: 30_000, fixedKey: true, minValue: 100, maxValue: 100}))
	d := newDesk(t, 16<<20)
	r := d.open(t, f)
	scanReads(t, r, f, AccessScan, true)
	n := 0
	for i := range r.index.count {
		if r.slots.Has(i) {
			n++
		}
	}
	if bytes := n * DefaultBlockBytes; bytes > scanFillBytes*11/10 || bytes < scanFillBytes/2 || int64(bytes) > int64(p.DataBytes)/2 {
		t.Fatalf("%d blocks are cached", n)
	}
}

// Cursors, Gets and Check at once over a cache that is far too small.
func TestConcurrentReads(t *testing.T) {
	entries := makeEntries(1, shape{n: 3000, maxVersions: 2, maxValue: 300})
	f, _ := writeTable(t, WriterOptions{Compression: codec.S2}, entries)
	d := newDesk(t, 300<<10)
	r := d.open(t, f)
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			mine := &desk{dom: d.dom, cache: d.cache, slot: d.dom.NewSlot()}
			rnd := rand.New(rand.NewSource(int64(g)))
			var s Scratch
			for range 1500 {
				checkGet(t, entries, r, mine, &s, entries[rnd.Intn(len(entries))].k.User, uint64(rnd.Intn(1<<20)))
			}
			c := r.NewCursor(CursorOptions{Access: Access(g % 2)})
			defer c.Close()
			for range 100 {
				i := rnd.Intn(len(entries))
				if !c.SeekGE(entries[i].k) {
					t.Error(c.Err())
					return
				}
				wander(t, entries, i, c, rnd)
			}
		}()
	}
	wg.Wait()
	if _, err := r.Check(context.Background()); err != nil {
		t.Fatal(err)
	}
	if d.cache.Metrics().Evicted == 0 {
		t.Fatal("nothing was evicted: the test is too weak")
	}
}

func TestClosedCursorsAreInert(t *testing.T) {
	f, _ := writeTable(t, WriterOptions{}, makeEntries(1, shapes["fixed"]))
	c := newDesk(t, 1<<20).open(t, f).NewCursor(CursorOptions{})
	c.First()
	c.Close()
	if c.Valid() || c.Next() || c.Prev() || c.First() || c.Last() || c.SeekGE(ikey.Key{}) || c.SeekLT(ikey.Key{}) || c.Err() != nil {
		t.Fatal("a closed cursor moves")
	}
}

func TestReadsAllocateNothing(t *testing.T) {
	entries := makeEntries(1, shapes["fixed"])
	for _, typ := range []codec.Type{codec.None, codec.S2} {
		f, _ := writeTable(t, WriterOptions{Compression: typ}, entries)
		for _, cacheBytes := range []int64{0, 300 << 10, 16 << 20} {
			d := newDesk(t, cacheBytes)
			r := d.open(t, f)
			var s Scratch
			i := 0
			get := func() {
				k := entries[i*7919%len(entries)].k.User
				d.slot.Enter()
				if _, _, ok, err := r.Get(k, hash.Sum(k), ikey.MaxSeq, &s); !ok || err != nil {
					t.Fatal(ok, err)
				}
				d.slot.Exit()
				i++
			}
			c := r.NewCursor(CursorOptions{})
			for ok := c.First(); ok; ok = c.Next() {
				get()
			}
			if n := testing.AllocsPerRun(2000, get); n > 0.1 {
				t.Errorf("%v, cache %d: %v allocations for a Get", typ, cacheBytes, n)
			}
			c.First()
			if n := testing.AllocsPerRun(2000, func() { c.Next() }); n > 0.1 {
				t.Errorf("%v, cache %d: %v allocations for a move", typ, cacheBytes, n)
			}
			c.Close()
		}
	}
}
