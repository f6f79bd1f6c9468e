package varve

// Which tables are open. A table's reader is opened at first use and closed
// again when too many are open; a short read finds it through one atomic load.

import (
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/varvekv/varve/internal/cache"
	"github.com/varvekv/varve/internal/filename"
	"github.com/varvekv/varve/internal/invariants"
	"github.com/varvekv/varve/iterator"
	"github.com/varvekv/varve/manifest"
	"github.com/varvekv/varve/sstable"
	"github.com/varvekv/varve/vfs"
)

// openTablesMax bounds the descriptors that tables take.
const openTablesMax = 1000

type tableScratch = sstable.Scratch

// table is one slice and the file that holds it.
type table struct {
	slice *manifest.Slice
	file  *tableFile

	versions atomic.Int64 // versions that hold it; at 0 it is unused
}

// tableFile is one physical file and, while it is open, its reader. Slices that
// moved share it, and with it the blocks in the cache.
type tableFile struct {
	number    uint64
	sizeBytes int64
	open      atomic.Pointer[openTable]
	isRecent  atomic.Bool // set by readers, cleared by the eviction hand

	opening    sync.Mutex   // one opener at a time; may be held across disk reads; rank: above tableCache.mu
	tables     atomic.Int64 // slices of it that some version holds
	isObsolete atomic.Bool  // no slice of it is in the newest version: delete when unused
}

// openTable is a reader with the references of iterators and of the cache.
type openTable struct {
	*sstable.Reader
	cache *tableCache
	refs  atomic.Int64
	scans scanCounts
}

// scanCounts is what the iterators over a table did that were closed since they
// were last taken. It lies beside the references, which a close touches anyway.
type scanCounts struct{ blockHits, blockMisses, readBytes atomic.Uint64 }

// CursorClosed implements sstable.Owner.
func (o *openTable) CursorClosed(a sstable.Access, c sstable.Counts) {
	if a == sstable.AccessScan {
		if c.BlockHits > 0 {
			o.scans.blockHits.Add(c.BlockHits)
		}
		if c.BlockMisses > 0 {
			o.scans.blockMisses.Add(c.BlockMisses)
			o.scans.readBytes.Add(c.ReadBytes)
		}
	}
	o.cache.release(o)
}

// take empties the counts.
func (s *scanCounts) take() sstable.Counts {
	return sstable.Counts{
		BlockHits: s.blockHits.Swap(0), BlockMisses: s.blockMisses.Swap(0), ReadBytes: s.readBytes.Swap(0),
	}
}

// newCursor opens a cursor over one table, which stays open as long.
func (c *tableCache) newCursor(t *table, a sstable.Access) (iterator.Cursor, error) {
	o, err := c.hold(t)
	if err != nil {
		return nil, err
	}
	return o.NewCursor(sstable.CursorOptions{Access: a, Owner: o}), nil
}

// tableCache opens, counts and closes tables.
type tableCache struct {
	dir    vfs.Dir
	blocks *cache.Cache
	retire func(free func()) // runs free once no short read can be inside
	failed func(what string, err error)

	mu      sync.Mutex                 // guards what follows; never held across disk access
	openMax int                        // readers that may be open at once, but for those that iterators hold
	slices  map[*manifest.Slice]*table // every slice that some version holds
	files   map[uint64]*tableFile      // by number, those of the slices above
	opened  []*tableFile               // in order of the eviction hand
	scans   sstable.Counts             // of iterators, as far as taken from the tables
	hand    int
}

func newTableCache(d vfs.Dir, blocks *cache.Cache, retire func(func()), failed func(string, error)) *tableCache {
	return &tableCache{
		dir: d, blocks: blocks, retire: retire, failed: failed, openMax: openTablesMax,
		slices: make(map[*manifest.Slice]*table), files: make(map[uint64]*tableFile),
	}
}

// resolve is the table that serves a slice. REQUIRES: db.mu held and the slice
// in the current version or new, so that none on its way out is found.
func (c *tableCache) resolve(s *manifest.Slice) *table {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t := c.slices[s]; t != nil {
		return t
	}
	f := c.files[s.File]
	if f == nil {
		f = &tableFile{number: s.File, sizeBytes: s.FileBytes}
		c.files[s.File] = f
	}
	f.tables.Add(1)
	t := &table{slice: s, file: f}
	c.slices[s] = t
	return t
}

// get is the table's reader for a short read. REQUIRES: inside an epoch slot,
// until whose exit the reader stays open.
func (c *tableCache) get(t *table) (*sstable.Reader, error) {
	if o := t.file.open.Load(); o != nil {
		if !t.file.isRecent.Load() {
			t.file.isRecent.Store(true)
		}
		return o.Reader, nil
	}
	o, err := c.openTable(t)
	if err != nil {
		return nil, err
	}
	return o.Reader, nil
}

// hold is the table's reader with a reference; the caller gives it to release.
func (c *tableCache) hold(t *table) (*openTable, error) {
	for {
		o := t.file.open.Load()
		if o == nil {
			var err error
			if o, err = c.openTable(t); err != nil {
				return nil, err
			}
		}
		if o.tryRef() {
			return o, nil
		}
	}
}

func (o *openTable) tryRef() bool {
	for {
		n := o.refs.Load()
		if n <= 0 {
			return false
		}
		if o.refs.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// release drops a reference; the last one closes the reader once no short read
// can still be using it.
func (c *tableCache) release(o *openTable) {
	n := o.refs.Add(-1)
	invariants.Check(n >= 0, "table released twice")
	if n > 0 {
		return
	}
	c.mu.Lock()
	c.scans.Add(o.scans.take())
	c.mu.Unlock()
	c.retire(func() {
		if err := o.Reader.Close(); err != nil {
			c.failed("close table", err)
		}
	})
}

func (c *tableCache) openTable(t *table) (*openTable, error) {
	f := t.file
	f.opening.Lock()
	defer f.opening.Unlock()
	if o := f.open.Load(); o != nil {
		return o, nil
	}
	r, err := openReader(c.dir, t.slice, c.blocks)
	if err != nil {
		return nil, err
	}
	o := &openTable{Reader: r, cache: c}
	o.refs.Store(1)
	f.open.Store(o)
	c.count(f)
	return o, nil
}

// openReader opens the physical file of a slice and checks that it is the one
// that the manifest means.
func openReader(d vfs.Dir, s *manifest.Slice, blocks *cache.Cache) (*sstable.Reader, error) {
	name := filename.Make(filename.Table, s.File)
	f, err := d.Open(name)
	if err != nil {
		return nil, fmt.Errorf("varve: open table: %w", err)
	}
	r, err := sstable.Open(f, sstable.ReaderOptions{Cache: blocks, Identity: s.Identity, FileBytes: s.FileBytes})
	if err != nil {
		return nil, fmt.Errorf("varve: open table: %w", err)
	}
	return r, nil
}

// count notes a file as open and closes one that was not used of late, if there
// are too many.
func (c *tableCache) count(f *tableFile) {
	c.mu.Lock()
	c.opened = append(c.opened, f)
	victim := c.victimLocked()
	c.mu.Unlock()
	if victim != nil {
		c.shut(victim)
	}
}

// victimLocked takes a file that was not used since the hand last passed out of
// the list (CLOCK).
func (c *tableCache) victimLocked() *tableFile {
	if len(c.opened) <= c.openMax {
		return nil
	}
	for range 2 * len(c.opened) {
		c.hand = (c.hand + 1) % len(c.opened)
		f := c.opened[c.hand]
		if f.isRecent.Swap(false) {
			continue
		}
		c.removeLocked(c.hand)
		return f
	}
	return nil
}

func (c *tableCache) removeLocked(i int) {
	if o := c.opened[i].open.Load(); o != nil {
		c.scans.Add(o.scans.take())
	}
	last := len(c.opened) - 1
	c.opened[i] = c.opened[last]
	c.opened[last] = nil
	c.opened = c.opened[:last]
}

// shut drops the cache's own reference on an open reader.
func (c *tableCache) shut(f *tableFile) {
	if o := f.open.Swap(nil); o != nil {
		c.release(o)
	}
}

// forget drops a slice that no version holds any more. It reports the file when
// that was its last slice and the file is obsolete.
func (c *tableCache) forget(t *table) (obsolete *tableFile) {
	c.mu.Lock()
	delete(c.slices, t.slice)
	f := t.file
	isLast := f.tables.Add(-1) == 0
	if isLast {
		delete(c.files, f.number)
		for i, o := range c.opened {
			if o == f {
				c.removeLocked(i)
				break
			}
		}
	}
	c.mu.Unlock()
	if !isLast {
		return nil
	}
	c.shut(f)
	if f.isObsolete.Load() {
		return f
	}
	return nil
}

// figures is what is open, what is obsolete and still held, and what was scanned.
func (c *tableCache) figures(m *Metrics) {
	c.mu.Lock()
	defer c.mu.Unlock()
	m.OpenTables = len(c.opened)
	for _, f := range c.opened {
		if o := f.open.Load(); o != nil {
			c.scans.Add(o.scans.take())
		}
	}
	m.Reads.add(c.scans)
	for _, f := range c.files {
		if f.isObsolete.Load() {
			m.ObsoleteTables++
			m.ObsoleteBytes += f.sizeBytes
		}
	}
}
