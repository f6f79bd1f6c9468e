package sstable

// The cursor: entries in order, both ways, a block at a time.

import (
	"encoding/binary"
	"sync"

	"github.com/varvekv/varve/internal/cache"
	"github.com/varvekv/varve/internal/epoch"
	"github.com/varvekv/varve/internal/ikey"
	"github.com/varvekv/varve/internal/invariants"
	"github.com/varvekv/varve/iterator"
)

// Access is what a cursor is for: it decides on reading ahead and on the cache.
type Access uint8

const (
	// AccessScan reads ahead once blocks are missed one after the other, uses
	// cached blocks, and caches what the first half megabyte after a seek missed:
	// short scans of a hot range stay hot, long ones do not wash the cache out.
	AccessScan Access = iota
	// AccessBulk reads 256 KiB at a time from the start and leaves the cache
	// alone: compaction, checks, copies.
	AccessBulk
)

// CursorOptions say what a cursor is for.
type CursorOptions struct {
	Access Access // reading ahead and use of the cache; the zero value scans
	Owner  Owner  // told when the cursor is closed; nil = nobody
}

// Owner keeps a reader open while cursors use it.
type Owner interface {
	// CursorClosed is called once, by the first Close of a cursor, with what it did.
	CursorClosed(a Access, c Counts)
}

// cursor implements iterator.Cursor. Its moves do not allocate.
type cursor struct {
	r       *Reader
	b       block // count = 0 when not positioned
	i       int   // entry in b
	at      int   // number of the block; index.count behind the last, -1 before the first
	err     error
	pin     cache.Pin
	ahead   readAhead
	m       *cursorMemory // nil once closed
	key     []byte        // memory of m: prefix of the block, then the suffix, then room for shortSuffix
	keyLen  int           // of the user key under the cursor
	isBulk  bool
	owner   Owner
	fillMax int // bytes that may still be cached until the next seek
}

var _ iterator.Galloper = (*cursor)(nil)

// shortSuffix is up to how many bytes a suffix is copied by words.
const shortSuffix = 32

// cursorMemory outlives its cursor in a pool.
type cursorMemory struct {
	cache   *cache.Cache // whose slot it is
	slot    *epoch.Slot
	key     []byte
	scratch Scratch
}

var cursorPool = sync.Pool{New: func() any { return new(cursorMemory) }}

// scanFillBytes is how much of a scan is cached.
const scanFillBytes = 512 << 10

// NewCursor is a cursor over all versions in the table. Close it before the
// reader. It needs no epoch slot of the caller's.
func (r *Reader) NewCursor(o CursorOptions) iterator.Cursor {
	invariants.Check(!r.isClosed, "cursor over a closed table")
	m := cursorPool.Get().(*cursorMemory)
	if r.cache != nil && m.cache != r.cache {
		m.cache, m.slot = r.cache, r.cache.AcquireSlot()
	}
	c := &cursor{r: r, m: m, owner: o.Owner, key: m.key, at: -1, isBulk: o.Access == AccessBulk}
	c.ahead.reset(c.isBulk)
	return c
}

func (c *cursor) First() bool {
	c.begin()
	return c.load(0) && c.show(0)
}

func (c *cursor) Last() bool {
	c.begin()
	return c.load(c.blocks()-1) && c.show(c.b.count-1)
}

func (c *cursor) SeekGE(k ikey.Key) bool {
	i, ok := c.search(k)
	switch {
	case !ok:
		return false
	case i < c.b.count:
		return c.show(i)
	}
	return c.nextBlock()
}

func (c *cursor) SeekLT(k ikey.Key) bool {
	i, ok := c.search(k)
	switch {
	case !ok && c.err == nil:
		return c.Last() // all of the table is before k
	case !ok:
		return false
	case i > 0:
		return c.show(i - 1)
	}
	return c.prevBlock()
}

// search loads the block in which the first version at or after k stands, or
// behind whose last entry it would. It fails on error, and when every fence is
// below k's user key.
func (c *cursor) search(k ikey.Key) (i int, ok bool) {
	c.begin()
	for at := c.r.index.find(k.User); c.load(at); at++ {
		i = c.b.seek(k.User, k.Trailer)
		if i < c.b.count || at+1 == c.blocks() || !c.r.index.isFence(at, k.User) {
			return i, true
		}
	}
	return 0, false
}

func (c *cursor) Next() bool {
	if i := c.i + 1; i < c.b.count {
		return c.show(i)
	}
	return c.nextBlock()
}

func (c *cursor) Prev() bool {
	if c.i > 0 && c.b.count > 0 {
		return c.show(c.i - 1)
	}
	return c.prevBlock()
}

func (c *cursor) nextBlock() bool { return c.err == nil && c.load(c.at+1) && c.show(0) }

func (c *cursor) prevBlock() bool { return c.err == nil && c.load(c.at-1) && c.show(c.b.count-1) }

// show puts entry i under the cursor. The key's prefix is there already. Short
// suffixes are copied as whole words, past their end: the tail of the block and
// the room behind the key allow it, and a call of memmove costs more.
func (c *cursor) show(i int) bool {
	c.i = i
	lo, hi := c.b.suffix(i)
	n := hi - lo
	c.keyLen = c.b.prefixLen + n
	if n > shortSuffix {
		return c.showLong(lo, hi)
	}
	src, dst := c.b.data[lo:], c.key[c.b.prefixLen:]
	binary.LittleEndian.PutUint64(dst, binary.LittleEndian.Uint64(src))
	binary.LittleEndian.PutUint64(dst[8:], binary.LittleEndian.Uint64(src[8:]))
	if n > 16 {
		binary.LittleEndian.PutUint64(dst[16:], binary.LittleEndian.Uint64(src[16:]))
		binary.LittleEndian.PutUint64(dst[24:], binary.LittleEndian.Uint64(src[24:]))
	}
	return true
}

func (c *cursor) showLong(lo, hi int) bool {
	c.growKey(hi - lo)
	copy(c.key[c.b.prefixLen:], c.b.data[lo:hi])
	return true
}

// growKey makes room for the block's prefix and a suffix of n bytes.
func (c *cursor) growKey(n int) {
	if need := c.b.prefixLen + n; len(c.key) < need {
		bigger := make([]byte, need+need/2+64)
		copy(bigger, c.key)
		c.key, c.m.key = bigger, bigger
	}
}

// Ahead implements iterator.Galloper: the rest of the block, if its last key is
// before limit.
func (c *cursor) Ahead(limit ikey.Key) int {
	last := c.b.count - 1
	if last <= c.i || !c.b.isBeforeKey(last, limit) {
		return 0
	}
	return last - c.i
}

func (c *cursor) Valid() bool { return c.b.count > 0 }

func (c *cursor) Key() ikey.Key {
	return ikey.Key{User: c.key[:c.keyLen:c.keyLen], Trailer: c.b.trailer(c.i)}
}

func (c *cursor) Value() []byte { return c.b.value(c.i) }

func (c *cursor) Err() error { return c.err }

// Close gives the cursor's memory and pins back. It has no error of its own: see Err.
func (c *cursor) Close() error {
	if c.m == nil {
		return nil
	}
	c.unload()
	c.ahead.close()
	c.m.scratch.raw = fit(c.m.scratch.raw, 0)
	c.m.scratch.decoded = fit(c.m.scratch.decoded, 0)
	counts := c.m.scratch.Counts
	c.m.scratch.Counts = Counts{}
	cursorPool.Put(c.m)
	c.m, c.key = nil, nil
	if c.owner != nil {
		access := AccessScan
		if c.isBulk {
			access = AccessBulk
		}
		c.owner.CursorClosed(access, counts)
	}
	return nil
}

// begin prepares a seek: an error of the moves before is left behind.
func (c *cursor) begin() {
	c.err = nil
	c.fillMax = scanFillBytes
}

// blocks is their number; 0 once closed.
func (c *cursor) blocks() int { return c.r.index.count }

// unload lets go of the current block.
func (c *cursor) unload() {
	c.b = block{}
	c.i = 0
	c.pin.Release()
}

// load makes block at the current one. False past either end, and on error.
func (c *cursor) load(at int) bool {
	if at == c.at && c.b.count > 0 {
		return true
	}
	c.unload()
	if c.m == nil || at < 0 || at >= c.blocks() {
		c.at = max(min(at, c.blocks()), -1)
		return false
	}
	from := c.at
	c.at = at
	data, err := c.fetch(at, from)
	if err != nil {
		c.err = err
		return false
	}
	c.b.parse(data)
	c.growKey(shortSuffix)
	copy(c.key, c.b.prefix())
	return true
}

// fetch is block at, after block from: out of the window read ahead, the cache,
// or the file.
func (c *cursor) fetch(at, from int) ([]byte, error) {
	if raw := c.ahead.block(c.r, at); raw != nil {
		return c.decoded(raw, at)
	}
	if c.r.slots != nil && !c.isBulk {
		c.m.slot.Enter()
		data, pin := c.r.slots.LookupPinned(at)
		c.m.slot.Exit()
		if data != nil {
			c.pin = pin
			c.m.scratch.BlockHits++
			return data, nil
		}
	}
	raw, err := c.ahead.read(c.r, at, from, &c.m.scratch)
	if err != nil {
		return nil, err
	}
	return c.decoded(raw, at)
}

// decoded verifies a stored block and may cache it.
func (c *cursor) decoded(raw []byte, at int) ([]byte, error) {
	data, err := c.r.decodeBlock(raw, c.r.index.handle(at), &c.m.scratch)
	if err == nil && c.r.slots != nil && !c.isBulk && c.fillMax > 0 {
		c.fillMax -= len(data)
		c.m.slot.Enter()
		c.r.slots.Insert(at, data)
		c.m.slot.Exit()
	}
	return data, err
}
