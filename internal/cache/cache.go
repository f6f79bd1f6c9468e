// Package cache keeps decoded table blocks in memory outside Go's heap.
//
// There is no hash table and no lock on a hit: each table has an array with one
// word per block (Slots), and the word says where the block lies. There is no
// counter that readers share: a hit is two loads, and one store where the block
// was not hit since the eviction last came by.
//
// Memory is segments of 1 MiB, filled from front to back and emptied whole,
// oldest first: blocks that were hit are copied to the current segment (CLOCK),
// for at most half of a segment, the others are dropped. An emptied segment is
// used again once no reader that may have found it is left (package epoch) and
// no iterator pins it. Nothing ever waits: an insertion that finds no room is
// refused, and the caller keeps its own copy.
//
//	slot.Enter()
//	if b := slots.Lookup(i); b != nil { … }
//	slot.Exit()
package cache

import (
	"errors"
	"sync"
	"sync/atomic"

	"github.com/varvekv/varve/internal/epoch"
	"github.com/varvekv/varve/internal/offheap"
)

const (
	segmentBytesMax = 1 << 20
	segmentBytesMin = 64 << 10
	segmentsMin     = 4  // fewer are no cache
	segmentsWanted  = 16 // smaller segments before fewer than these
	frameAlign      = 8

	// blockShare is the part of the capacity that blocks keep, however much is
	// charged for indexes and filters, as a divisor.
	blockShare = 4
)

// Cache is a block cache. Its methods may be called from any goroutine.
type Cache struct {
	// Constant after New.
	dom           *epoch.Domain
	capacityBytes int64
	segmentBytes  int
	memory        [][]byte  // of the segments, by number; an entry changes only where no reader can know the number
	segments      []segment // by number

	// Synchronise themselves.
	charged   atomic.Int64
	refused   atomic.Uint64
	turn      atomic.Uint64 // 0 until the first eviction, then it counts segments filled
	readSlots sync.Pool     // of *epoch.Slot, for iterators

	mu       sync.Mutex // guards what follows; held while blocks are copied, never over the epoch domain
	owners   map[uint32]*Slots
	ownerSeq uint32
	current  int   // number of the segment that takes frames; -1 = none
	fill     int   // bytes of it in use
	full     []int // numbers, oldest first
	free     []int // mapped and empty
	unmapped []int // numbers without memory
	held     int   // segments that are empty but pinned
	sweep    sweep
	isClosed bool
	stats    Metrics
}

// segment is the state of a piece of memory that fills up with frames. It lies
// apart from the memory's slice header, which every hit reads.
type segment struct {
	pins    atomic.Int64 // by iterators
	filling atomic.Int64 // frames reserved and not yet published
	isEmpty atomic.Bool  // swept, and past every reader of its time; waits for its pins
	frames  []frame      // guarded by Cache.mu
	isHeld  bool         // counted in Cache.held; guarded by Cache.mu
}

// frame says whose block lies where in a segment.
type frame struct {
	owner, index   uint32
	offset, length uint32
}

// Metrics are figures of a cache. Hits are not counted here: that would be a
// counter that all readers share.
type Metrics struct {
	CapacityBytes int64  `json:"capacity_bytes"`
	MappedBytes   int64  `json:"mapped_bytes"`  // segments in memory
	FilledBytes   int64  `json:"filled_bytes"`  // of them, that blocks were put into; evicted ones count until their segment is empty
	PinnedBytes   int64  `json:"pinned_bytes"`  // of them, swept and kept only by iterators that rest on a block
	ChargedBytes  int64  `json:"charged_bytes"` // held by indexes and filters
	Inserted      uint64 `json:"inserted"`      // blocks
	Refused       uint64 `json:"refused"`       // insertions that found no room, or another one under way
	Evicted       uint64 `json:"evicted"`       // blocks
	Rescued       uint64 `json:"rescued"`       // blocks copied on because they were hit
}

// New makes a cache whose segments and charges together stay within
// capacityBytes (but see Charge). A capacity below 256 KiB caches nothing.
func New(capacityBytes int64, dom *epoch.Domain) (*Cache, error) {
	if capacityBytes < 0 || dom == nil {
		return nil, errors.New("cache: negative capacity or no epoch domain")
	}
	size := int(min(max(capacityBytes/segmentsWanted, segmentBytesMin), segmentBytesMax))
	count := int(min(capacityBytes/int64(size), segmentNumberMax))
	if count < segmentsMin {
		count = 0
	}
	c := &Cache{
		dom: dom, capacityBytes: capacityBytes, segmentBytes: size,
		memory: make([][]byte, count), segments: make([]segment, count),
		owners:  make(map[uint32]*Slots),
		current: -1, sweep: sweep{number: -1},
	}
	for i := count - 1; i >= 0; i-- {
		c.unmapped = append(c.unmapped, i)
	}
	c.readSlots.New = func() any { return dom.NewSlot() }
	return c, nil
}

// AcquireSlot is an epoch slot for a reader that has none, such as an iterator;
// it goes back with ReleaseSlot, outside.
func (c *Cache) AcquireSlot() *epoch.Slot { return c.readSlots.Get().(*epoch.Slot) }

// ReleaseSlot gives an acquired slot back. REQUIRES: the slot is outside.
func (c *Cache) ReleaseSlot(s *epoch.Slot) { c.readSlots.Put(s) }

// Charge takes n bytes of the capacity for memory that is not the cache's own,
// such as a table's index and filter. Blocks keep a quarter of the capacity
// whatever is charged.
func (c *Cache) Charge(n int64) {
	c.charged.Add(n)
	c.shrink()
}

// Uncharge gives back what Charge took.
func (c *Cache) Uncharge(n int64) { c.charged.Add(-n) }

// usable is how many segments blocks may fill now.
func (c *Cache) usable() int {
	n := int((c.capacityBytes - c.charged.Load()) / int64(c.segmentBytes))
	return min(max(n, len(c.segments)/blockShare, min(segmentsMin, len(c.segments))), len(c.segments))
}

// Metrics is a snapshot of the figures.
func (c *Cache) Metrics() Metrics {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := c.stats
	m.Refused = c.refused.Load()
	m.CapacityBytes = c.capacityBytes
	m.ChargedBytes = c.charged.Load()
	m.PinnedBytes = int64(c.held) * int64(c.segmentBytes)
	if n := c.inUseLocked(); n > 0 {
		m.FilledBytes = int64(n) * int64(c.segmentBytes)
		if c.current >= 0 {
			m.FilledBytes -= int64(c.segmentBytes - c.fill)
		}
	}
	m.MappedBytes = int64(c.mappedLocked()) * int64(c.segmentBytes)
	return m
}

func (c *Cache) mappedLocked() int {
	if c.isClosed {
		return 0
	}
	return len(c.segments) - len(c.unmapped)
}

// Close frees the segments; later insertions are refused.
// REQUIRES: no reader, no pin and no Slots in use.
func (c *Cache) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var errs []error
	for i, mem := range c.memory {
		errs = append(errs, offheap.Free(mem))
		c.memory[i] = nil
	}
	c.free, c.full, c.unmapped = nil, nil, nil
	c.current, c.sweep.number = -1, -1
	c.isClosed = true
	return errors.Join(errs...)
}
