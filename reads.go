package varve

// What short reads count. A counter that all readers share would cost each Get
// more with every core, so each reader counts in plain memory of its own, and
// Metrics looks into it while the reader is outside its epoch slot.

import (
	"runtime"
	"sync"

	"github.com/varvekv/varve/internal/epoch"
	"github.com/varvekv/varve/manifest"
	"github.com/varvekv/varve/sstable"
)

// readCounts is what reads did.
type readCounts struct {
	scans                   uint64 // iterators made
	gets, hits, failures    uint64
	fromMem, fromImmutables uint64 // Gets that a version there decided
	fromLevels              [manifest.LevelCount]uint64
	tables                  sstable.Counts
}

func (c *readCounts) add(o *readCounts) {
	c.scans += o.scans
	c.gets += o.gets
	c.hits += o.hits
	c.failures += o.failures
	c.fromMem += o.fromMem
	c.fromImmutables += o.fromImmutables
	for i, n := range o.fromLevels {
		c.fromLevels[i] += n
	}
	c.tables.Add(o.tables)
}

// readTallies finds what every reader counted. It lies apart from the DB, whose
// pool of readers must not be kept alive by what runs at their end.
type readTallies struct {
	mu   sync.Mutex // guards what follows, and the seen of every tally; rank: above the epoch slots
	live map[*tally]struct{}
	gone readCounts // of readers that the collector took
}

// tally is the part of a reader that outlives it until it was counted.
type tally struct {
	slot       *epoch.Slot
	isTurnOver bool         // its user gives way on leaving
	scratch    tableScratch // its Counts are a part of what was counted
	counts     readCounts   // its tables are taken from the scratch
	seen       readCounts   // as of the last look
}

func newReadTallies() *readTallies { return &readTallies{live: make(map[*tally]struct{})} }

// newReader makes a reader whose counts are not lost when its pool drops it.
func (a *readTallies) newReader(slot *epoch.Slot) *reader {
	r := &reader{&tally{slot: slot}}
	a.mu.Lock()
	a.live[r.tally] = struct{}{}
	a.mu.Unlock()
	runtime.AddCleanup(r, a.forget, r.tally)
	return r
}

// forget counts what a reader that is gone did, for good.
func (a *readTallies) forget(t *tally) {
	a.mu.Lock()
	defer a.mu.Unlock()
	t.look()
	delete(a.live, t)
	a.gone.add(&t.seen)
}

// lookTries is how often Metrics looks whether a busy reader is outside, for some
// tens of nanoseconds between two Gets; else what it saw last time has to do.
const lookTries = 400

func (t *tally) look() {
	t.slot.Peek(lookTries, func() {
		t.seen = t.counts
		t.seen.tables = t.scratch.Counts
	})
}

// sum is what all readers did.
func (a *readTallies) sum() readCounts {
	a.mu.Lock()
	defer a.mu.Unlock()
	sum := a.gone
	for t := range a.live {
		t.look()
		sum.add(&t.seen)
	}
	return sum
}

// figures adds to what iterators did.
func (a *readTallies) figures(m *Metrics) {
	sum := a.sum()
	r := &m.Reads
	r.Iterators = sum.scans
	r.Gets, r.Hits, r.Failures = sum.gets, sum.hits, sum.failures
	r.Misses = sum.gets - sum.hits - sum.failures
	r.FromMemtable, r.FromImmutables = sum.fromMem, sum.fromImmutables
	for i, n := range sum.fromLevels {
		m.Levels[i].Reads = n
	}
	r.add(sum.tables)
}

func (r *ReadMetrics) add(c sstable.Counts) {
	r.BlockHits += c.BlockHits
	r.BlockMisses += c.BlockMisses
	r.ReadBytes += c.ReadBytes
	r.FilterProbes += c.FilterProbes
	r.FilterNegatives += c.FilterNegatives
	r.FilterFalsePositives += c.FilterFalsePositives
}
