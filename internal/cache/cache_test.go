package cache

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand"
	"sync"
	"testing"

	"github.com/varvekv/varve/internal/epoch"
	"github.com/varvekv/varve/internal/invariants"
	"github.com/varvekv/varve/internal/offheap"
)

// newCache is a cache whose end is checked for leaked mappings.
func newCache(t testing.TB, capacity int64) (*Cache, *epoch.Slot) {
	t.Helper()
	before := offheap.Live()
	dom := new(epoch.Domain)
	c, err := New(capacity, dom)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		dom.Collect()
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if n := offheap.Live() - before; n != 0 {
			t.Errorf("%d bytes still mapped", n)
		}
	})
	return c, dom.NewSlot()
}

// blockOf is n bytes that tell which block of which table they are.
func blockOf(table, i, n int) []byte {
	b := make([]byte, n)
	for j := 0; j+8 <= n; j += 8 {
		binary.LittleEndian.PutUint64(b[j:], uint64(table)<<32|uint64(i)^uint64(j)<<48)
	}
	return b
}

func TestInsertedBlocksAreFound(t *testing.T) {
	c, slot := newCache(t, 1<<20)
	s := c.NewSlots(100)
	defer s.Close()
	for i := range 50 {
		if !s.Insert(i, blockOf(1, i, 1000+i)) {
			t.Fatal("refused")
		}
	}
	if n := c.Metrics().FilledBytes; n < 50*1000 || n > 50*1056 {
		t.Errorf("%d bytes filled", n)
	}
	slot.Enter()
	defer slot.Exit()
	for i := range 100 {
		got := s.Lookup(i)
		if i >= 50 && got != nil || i < 50 && !bytes.Equal(got, blockOf(1, i, 1000+i)) {
			t.Fatalf("block %d: %d bytes", i, len(got))
		}
		if s.Has(i) != (i < 50) {
			t.Fatalf("Has(%d)", i)
		}
	}
}

func TestRefusals(t *testing.T) {
	c, _ := newCache(t, 1<<20)
	s := c.NewSlots(4)
	defer s.Close()
	if s.Insert(0, nil) || s.Insert(0, make([]byte, c.segmentBytes+1)) {
		t.Fatal("accepted")
	}
	if !s.Insert(0, make([]byte, c.segmentBytes)) || s.Insert(0, make([]byte, 10)) {
		t.Fatal("a block of a segment's size, or a second insertion")
	}
	for _, capacity := range []int64{0, 1, 100_000} {
		tiny, _ := newCache(t, capacity)
		if tiny.NewSlots(1).Insert(0, make([]byte, 10)) {
			t.Fatalf("capacity %d accepts", capacity)
		}
	}
	if _, err := New(-1, new(epoch.Domain)); err == nil {
		t.Fatal("negative capacity")
	}
}

func TestAbandonedRoomIsNeverSeen(t *testing.T) {
	c, slot := newCache(t, 1<<20)
	s := c.NewSlots(1)
	defer s.Close()
	r, ok := s.Reserve(0, 100)
	if !ok || len(r.Bytes()) != 100 {
		t.Fatal("refused")
	}
	r.Abandon()
	slot.Enter()
	defer slot.Exit()
	if s.Lookup(0) != nil {
		t.Fatal("found")
	}
}

// Memory stays within the capacity, and what is found is right, while far more
// than the capacity passes through.
func TestEvictionKeepsWithinCapacity(t *testing.T) {
	const capacity, blocks = 1 << 20, 2000
	c, slot := newCache(t, capacity)
	before := offheap.Live()
	tables := []*Slots{c.NewSlots(blocks), c.NewSlots(blocks)}
	rnd := rand.New(rand.NewSource(1))
	hits := 0
	for step := range 40_000 {
		table, i := rnd.Intn(2), rnd.Intn(blocks)
		if step%3 > 0 {
			i %= 50 // hot
		}
		slot.Enter()
		if got := tables[table].Lookup(i); got != nil {
			hits++
			if !bytes.Equal(got, blockOf(table, i, len(got))) {
				t.Fatalf("step %d: wrong bytes for block %d", step, i)
			}
		} else {
			tables[table].Insert(i, blockOf(table, i, 8*(1+rnd.Intn(700))))
		}
		slot.Exit()
		if n := offheap.Live() - before; n > capacity {
			t.Fatalf("step %d: %d bytes mapped", step, n)
		}
	}
	m := c.Metrics()
	if m.Evicted < 1000 || m.Rescued < 10 || hits < 25_000 {
		t.Fatalf("%d hits, %+v", hits, m)
	}
	for _, s := range tables {
		s.Close()
	}
}

// A block that is wanted again and again survives a flood of blocks wanted once.
func TestHotBlocksSurviveAFlood(t *testing.T) {
	c, slot := newCache(t, 1<<20)
	s := c.NewSlots(100_000)
	defer s.Close()
	hotMisses := 0
	for i := range 20_000 {
		slot.Enter()
		if s.Lookup(i%20) == nil {
			hotMisses++
			s.Insert(i%20, make([]byte, 4000))
		}
		s.Insert(100+i, make([]byte, 4000))
		slot.Exit()
	}
	if hotMisses > 100 {
		t.Fatalf("hot blocks were missed %d times", hotMisses)
	}
}

// While a reader is inside, nothing it may have seen comes back into use.
func TestReaderInsideKeepsItsBlocks(t *testing.T) {
	c, slot := newCache(t, 1<<20)
	s := c.NewSlots(10_000)
	defer s.Close()
	s.Insert(0, blockOf(7, 0, 4000))
	slot.Enter()
	got := s.Lookup(0)
	for i := 1; i < 5000; i++ {
		s.Insert(i, blockOf(7, i, 4000))
		s.Insert(i, blockOf(7, i, 4000)) // the second time it is admitted
	}
	if !bytes.Equal(got, blockOf(7, 0, 4000)) {
		t.Fatal("block changed under a reader")
	}
	if m := c.Metrics(); m.Refused == 0 {
		t.Fatal("insertions never ran out of room; the test is too weak")
	}
	slot.Exit()
	for i := 5000; i < 10_000; i++ {
		s.Insert(i, blockOf(7, i, 4000))
		s.Insert(i, blockOf(7, i, 4000))
	}
	slot.Enter()
	defer slot.Exit()
	if s.Lookup(0) != nil || s.Lookup(9_999) == nil {
		t.Fatal("the cache did not move on")
	}
}

// One reader that stays inside for long costs the cache some insertions, not
// its contents.
func TestSlowReaderDoesNotEmptyTheCache(t *testing.T) {
	c, slot := newCache(t, 1<<20)
	s := c.NewSlots(10_000)
	defer s.Close()
	slot.Enter()
	for i := range 10_000 {
		s.Insert(i, make([]byte, 4000))
		s.Insert(i, make([]byte, 4000))
	}
	slot.Exit()
	n := 0
	for i := range 10_000 {
		if s.Has(i) {
			n++
		}
	}
	if n < (1<<20)/4000*7/10 {
		t.Fatalf("%d blocks are left", n)
	}
}

func TestPinnedSegmentsDoNotStopTheCache(t *testing.T) {
	c, slot := newCache(t, 1<<20)
	s := c.NewSlots(20_000)
	defer s.Close()
	var pins []Pin
	for i := range 10_000 {
		s.Insert(i, make([]byte, 4000))
		s.Insert(i, make([]byte, 4000))
		if i%16 == 0 && len(pins) < 8 {
			slot.Enter()
			if b, pin := s.LookupPinned(i); b != nil {
				pins = append(pins, pin)
			}
			slot.Exit()
		}
	}
	if len(pins) < 8 || !s.Has(9_990) {
		t.Fatalf("%d pins, and the last blocks are absent", len(pins))
	}
	if n := c.Metrics().PinnedBytes; n == 0 {
		t.Error("no segment counts as pinned")
	}
	for i := range pins {
		pins[i].Release()
	}
	if n := c.Metrics().PinnedBytes; n != 0 {
		t.Errorf("%d bytes stay pinned", n)
	}
}

func TestPinOutlivesTheEpoch(t *testing.T) {
	c, slot := newCache(t, 1<<20)
	s := c.NewSlots(10_000)
	defer s.Close()
	s.Insert(0, blockOf(7, 0, 4000))
	slot.Enter()
	got, pin := s.LookupPinned(0)
	slot.Exit()
	for i := 1; i < 10_000; i++ {
		s.Insert(i, blockOf(7, i, 4000))
		s.Insert(i, blockOf(7, i, 4000))
	}
	if s.Has(0) || !bytes.Equal(got, blockOf(7, 0, 4000)) {
		t.Fatal("not evicted, or changed under a pin")
	}
	pin.Release()
	pin.Release()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.segments[0].isEmpty.Load() || c.segments[0].pins.Load() != 0 {
		t.Fatal("the segment did not come back")
	}
	if !invariants.Enabled && len(c.free) == 0 {
		t.Fatal("no segment is free")
	}
}

func TestChargeShrinksTheCache(t *testing.T) {
	const capacity = 2 << 20
	c, slot := newCache(t, capacity)
	s := c.NewSlots(10_000)
	defer s.Close()
	fill := func(from int) {
		for i := from; i < from+2000; i++ {
			slot.Enter()
			s.Insert(i, make([]byte, 4000))
			s.Insert(i, make([]byte, 4000))
			slot.Exit()
		}
	}
	fill(0)
	full := c.Metrics().MappedBytes
	c.Charge(capacity / 2)
	if n := c.Metrics().MappedBytes; n > capacity/2 || full < capacity*3/4 {
		t.Fatalf("mapped %d, then %d", full, n)
	}
	fill(2000)
	if n := c.Metrics().MappedBytes; n > capacity/2 {
		t.Fatalf("mapped %d with half of the capacity charged", n)
	}
	c.Charge(10 * capacity)
	if n := c.Metrics().MappedBytes; n > capacity/blockShare || n == 0 {
		t.Fatalf("mapped %d with more than the capacity charged", n)
	}
	c.Uncharge(10*capacity + capacity/2)
	fill(4000)
	if n := c.Metrics().MappedBytes; n < capacity/2 {
		t.Fatalf("mapped %d after all charges went", n)
	}
}

func TestClosedTablesBlocksAreDroppedNotRescued(t *testing.T) {
	c, slot := newCache(t, 1<<20)
	dead, live := c.NewSlots(1000), c.NewSlots(20_000)
	defer live.Close()
	slot.Enter()
	for i := range 200 {
		dead.Insert(i, make([]byte, 4000))
		dead.Lookup(i) // hit
	}
	slot.Exit()
	dead.Close()
	for i := range 20_000 {
		live.Insert(i, make([]byte, 4000))
	}
	if m := c.Metrics(); m.Rescued != 0 {
		t.Fatalf("rescued %d blocks of a closed table", m.Rescued)
	}
}

// Readers, iterators and fillers at once; the race detector and the contents
// are the judges.
func TestConcurrentUse(t *testing.T) {
	c, _ := newCache(t, 1<<20)
	const tables, blocks = 3, 400
	var all [tables]*Slots
	for i := range all {
		all[i] = c.NewSlots(blocks)
	}
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			if err := useConcurrently(c, all[:], blocks, int64(g)); err != nil {
				t.Error(err)
			}
		}()
	}
	for range 200 {
		c.Charge(1 << 18)
		c.Uncharge(1 << 18)
	}
	wg.Wait()
	for _, s := range all {
		s.Close()
	}
	for i := range c.segments {
		if n := c.segments[i].pins.Load(); n != 0 {
			t.Fatalf("segment %d has %d pins", i, n)
		}
		if n := c.segments[i].filling.Load(); n != 0 {
			t.Fatalf("segment %d has %d fillers", i, n)
		}
	}
}

func useConcurrently(c *Cache, all []*Slots, blocks int, seed int64) error {
	slot := c.AcquireSlot()
	defer c.ReleaseSlot(slot)
	rnd := rand.New(rand.NewSource(seed))
	var pins []Pin
	var pinned [][3]any
	for range 5000 {
		table, i := rnd.Intn(len(all)), rnd.Intn(blocks)
		slot.Enter()
		b := all[table].Lookup(i)
		if b == nil {
			all[table].Insert(i, blockOf(table, i, 8*(1+rnd.Intn(600))))
		} else if !bytes.Equal(b, blockOf(table, i, len(b))) {
			return fmt.Errorf("wrong bytes for block %d of table %d", i, table)
		}
		b, pin := all[table].LookupPinned(i)
		slot.Exit()
		if b != nil {
			pins, pinned = append(pins, pin), append(pinned, [3]any{table, i, b})
		}
		for len(pins) > rnd.Intn(4) {
			b := pinned[0][2].([]byte)
			if !bytes.Equal(b, blockOf(pinned[0][0].(int), pinned[0][1].(int), len(b))) {
				return fmt.Errorf("wrong bytes under a pin")
			}
			pins[0].Release()
			pins, pinned = pins[1:], pinned[1:]
		}
	}
	for i := range pins {
		pins[i].Release()
	}
	return nil
}

func BenchmarkLookup(b *testing.B) {
	c, slot := newCache(b, 64<<20)
	s := c.NewSlots(10_000)
	for i := range 10_000 {
		s.Insert(i, make([]byte, 4000))
	}
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		slot.Enter()
		if s.Lookup(i%1000) == nil {
			b.Fatal("absent")
		}
		slot.Exit()
		i++
	}
}

func BenchmarkInsertEvicting(b *testing.B) {
	c, slot := newCache(b, 8<<20)
	s := c.NewSlots(100_000)
	block := make([]byte, 4000)
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		slot.Enter()
		s.Insert(i%100_000, block)
		s.Insert(i%100_000, block)
		slot.Exit()
		i++
	}
}
