package memtable

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand"
	"runtime"
	"testing"

	"github.com/varvekv/varve/internal/hash"
	"github.com/varvekv/varve/internal/ikey"
	"github.com/varvekv/varve/internal/offheap"
)

func TestLargeKeysAndValuesGetChunksOfTheirOwn(t *testing.T) {
	tab := newTable(t, Options{ArenaBytes: 1 << 16})
	sizes := []int{0, 1, 100, 4 << 10, 1 << 16, 1<<20 + 3, 9 << 20, 17, 24 << 20, 33}
	key := func(i int) []byte { return bytes.Repeat([]byte{byte('a' + i)}, min(1+sizes[i], KeyBytesMax)) }
	for i, n := range sizes {
		if err := tab.Add(key(i), ikey.MakeTrailer(uint64(i+1), ikey.KindPut), bytes.Repeat([]byte{byte(i)}, n)); err != nil {
			t.Fatal(err)
		}
	}
	c := tab.NewCursor()
	c.First()
	for i, n := range sizes {
		want := bytes.Repeat([]byte{byte(i)}, n)
		if got, _, ok := tab.Get(key(i), hash.Sum(key(i)), ikey.MaxSeq); !ok || !bytes.Equal(got, want) {
			t.Errorf("Get of %d bytes: %d bytes, %v", n, len(got), ok)
		}
		if !c.Valid() || !bytes.Equal(c.Key().User, key(i)) || !bytes.Equal(c.Value(), want) {
			t.Errorf("the cursor does not show the value of %d bytes", n)
		}
		c.Next()
	}
	if used := tab.SizeBytes(); used < 34<<20 || used > 36<<20 {
		t.Errorf("34 MiB of values take %d bytes", used)
	}
	if tab.MappedBytes() > 40<<20 {
		t.Errorf("34 MiB of values map %d bytes", tab.MappedBytes())
	}
}

// TestGreatestValue adds 1 GiB from memory that is never touched on the source's side.
func TestGreatestValue(t *testing.T) {
	if testing.Short() || raceEnabled {
		t.Skip("copies 1 GiB")
	}
	src, err := offheap.Alloc(ValueBytesMax)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { offheap.Free(src) })
	tab := newTable(t, Options{ArenaBytes: 1 << 16})
	src[0], src[ValueBytesMax-1] = 1, 2
	if err := tab.Add([]byte("k"), ikey.MakeTrailer(1, ikey.KindPut), src); err != nil {
		t.Fatal(err)
	}
	add(t, tab, "small", 2, "behind it")
	v, _, ok := tab.Get([]byte("k"), hash.Sum([]byte("k")), 1)
	if !ok || len(v) != ValueBytesMax || v[0] != 1 || v[ValueBytesMax-1] != 2 {
		t.Errorf("%d bytes of %d", len(v), ValueBytesMax)
	}
	if got := get(tab, "small", 3); got != "behind it#2,put" {
		t.Error(got)
	}
}

func TestLargeValueLeavesTheCurrentChunkInUse(t *testing.T) {
	tab := newTable(t, Options{ArenaBytes: 1 << 20})
	add(t, tab, "large", 1, string(make([]byte, 2<<20)))
	mapped := tab.arena.mapped
	for i := range 1000 {
		add(t, tab, fmt.Sprint(i), uint64(i+2), "small")
	}
	if tab.arena.mapped != mapped {
		t.Errorf("small entries mapped %d bytes more beside a nearly empty chunk", tab.arena.mapped-mapped)
	}
}

func TestArenaEndsAt32GiB(t *testing.T) {
	tab := newTable(t, Options{ArenaBytes: 1 << 12})
	add(t, tab, "a", 1, "kept")
	tab.arena.granule = granuleCount - 1
	big := make([]byte, granuleBytes)
	if err := tab.Add([]byte("b"), ikey.MakeTrailer(2, ikey.KindPut), big); !errors.Is(err, errFull) {
		t.Errorf("a value past the last granule: %v", err)
	}
	if err := tab.Add([]byte("c"), ikey.MakeTrailer(3, ikey.KindPut), big[:granuleBytes/2]); err != nil {
		t.Errorf("the last granule: %v", err)
	}
	if get(tab, "a", 9) != "kept#1,put" || get(tab, "b", 9) != "none" || get(tab, "c", 9) == "none" {
		t.Error("an entry was lost, or a refused one was found")
	}
}

func TestPooledArenasComeBack(t *testing.T) {
	before := offheap.Live()
	pool := offheap.NewPool(1<<16, 1)
	for round := range 3 {
		tab, err := New(Options{Pool: pool})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 2000 { // more than a pooled arena holds
			add(t, tab, fmt.Sprint(i), uint64(i+1), fmt.Sprint(round))
		}
		if got := get(tab, "77", ikey.MaxSeq); got != fmt.Sprintf("%d#78,put", round) {
			t.Errorf("round %d: %s", round, got)
		}
		for range 2 {
			if err := tab.Free(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := pool.Close(); err != nil {
		t.Error(err)
	}
	if live := offheap.Live() - before; live != 0 {
		t.Errorf("%d bytes stay mapped", live)
	}
}

func TestIndexKeepsItsKeysAsItGrows(t *testing.T) {
	tab := newTable(t, Options{ArenaBytes: 1 << 12})
	const n = 20_000
	for i := range n {
		add(t, tab, fmt.Sprint(i), uint64(i+1), "")
	}
	if len(tab.index.tables) < 5 {
		t.Errorf("%d index tables", len(tab.index.tables))
	}
	for i := range n {
		if got := get(tab, fmt.Sprint(i), ikey.MaxSeq); got != fmt.Sprintf("#%d,put", i+1) {
			t.Fatalf("key %d: %s", i, got)
		}
	}
}

// TestIndexSurvivesEqualHashes: a word's tag only saves comparisons.
func TestIndexSurvivesEqualHashes(t *testing.T) {
	var a arena
	a.memory = *heapMemory()
	chunk, _ := a.memory.alloc(1 << 20)
	a.start(chunk)
	x := index{memory: a.memory}
	if err := x.start(0); err != nil {
		t.Fatal(err)
	}
	const same = 1<<64 - 1 // the last home: probing must wrap around
	for i := range 2000 {
		key := fmt.Append(nil, i)
		if x.find(&a.space, key, same) != 0 {
			t.Fatalf("key %d is found before it is added", i)
		}
		n, err := a.addNode(key, ikey.MakeTrailer(1, ikey.KindPut), nil)
		if err := errors.Join(err, x.reserve()); err != nil {
			t.Fatal(err)
		}
		x.add(n, same)
		if got := x.find(&a.space, key, same); got != n {
			t.Fatalf("key %d: node %d, want %d", i, got, n)
		}
	}
}

// TestTreeBytes holds the estimate of the tree's size against the collector's figures.
func TestTreeBytes(t *testing.T) {
	if raceEnabled {
		t.Skip("measures memory")
	}
	r := rand.New(rand.NewSource(5))
	for name, key := range map[string]func(i int) []byte{
		"random":     func(int) []byte { return randomBytes(r, 16, 256) },
		"ascending":  func(i int) []byte { return fmt.Appendf(nil, "%08d", i) },
		"descending": func(i int) []byte { return fmt.Appendf(nil, "%08d", 99999999-i) },
	} {
		tab := newTable(t, Options{ArenaBytes: 1 << 22})
		before := heapInUse()
		for i := range 200_000 {
			if err := tab.Add(key(i), ikey.MakeTrailer(uint64(i+1), ikey.KindPut), nil); err != nil {
				t.Fatal(err)
			}
		}
		real, estimate := heapInUse()-before, tab.tree.sizeBytes()
		t.Logf("%s: %d bytes of heap, estimated %d", name, real, estimate)
		if estimate < real*9/10 || estimate > real*3/2 {
			t.Errorf("%s: the tree takes %d bytes, estimated %d", name, real, estimate)
		}
		runtime.KeepAlive(tab)
	}
}

func heapInUse() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
