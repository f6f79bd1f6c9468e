package memtable

import "github.com/varvekv/varve/internal/ikey"

// Cursor walks every version in a table, in ikey order and both directions. It
// implements iterator.Cursor; its keys and values are the arena's own bytes,
// valid as long as the table is not freed.
//
// It is stable under writes: it shows everything that was added before its last
// seek (First and Last are seeks) and may show what was added since, each
// version at its place. It holds a lock only while a move copies the next 32 to
// 128 keys. A Cursor is used by one goroutine at a time; it allocates only when
// it walks backwards over keys with many versions.
type Cursor struct {
	t *Table
	w window
	i int // the item under the cursor
	v ref // the version under the cursor; 0 = not valid

	// newer are the versions of the same key above v, newest first, once a
	// backward move has asked for them: the chain itself leads to older ones only.
	newer   []ref
	newerOK bool
}

// Init makes c, which may be zero, closed or in use elsewhere before, a fresh
// cursor over t; only the first Init of a Cursor allocates. A Cursor must not be
// copied after it.
// REQUIRES: t is not freed before c's last use.
func (c *Cursor) Init(t *Table) {
	c.t = t
	c.v = 0
	c.w.start(&t.tree)
}

// First moves to the newest version of the smallest key.
func (c *Cursor) First() bool {
	c.w.reset()
	return c.enterUp(c.w.fillUp(edgeEnd, item{}))
}

// Last moves to the oldest version of the greatest key.
func (c *Cursor) Last() bool {
	c.w.reset()
	return c.enterDown(c.w.fillDown(edgeEnd, item{}))
}

// SeekGE moves to the first version at or after k.
func (c *Cursor) SeekGE(k ikey.Key) bool {
	t := &c.t.tree
	p := t.pivot(k.User)
	c.w.reset()
	found := c.w.fillUp(edgeAt, p)
	t.release(p)
	if !c.enterUp(found) || !t.is(c.w.items[c.i], p, k.User) {
		return c.v != 0
	}
	for c.v != 0 && t.space.trailer(c.v) > k.Trailer {
		c.v = t.space.older(c.v)
	}
	return c.v != 0 || c.nextItem()
}

// SeekLT moves to the last version before k.
func (c *Cursor) SeekLT(k ikey.Key) bool {
	t := &c.t.tree
	p := t.pivot(k.User)
	c.w.reset()
	found := c.w.fillDown(edgeAt, p)
	t.release(p)
	if !c.enterDown(found) || !t.is(c.w.items[c.i], p, k.User) {
		return c.v != 0
	}
	for c.v != 0 && t.space.trailer(c.v) <= k.Trailer {
		c.toNewer()
	}
	return c.v != 0 || c.prevItem()
}

// Next moves to the following version. REQUIRES: Valid.
func (c *Cursor) Next() bool {
	older := c.t.arena.older(c.v)
	if older == 0 {
		return c.nextItem()
	}
	if c.newerOK {
		c.newer = append(c.newer, c.v)
	}
	c.v = older
	return true
}

// Prev moves to the preceding version. REQUIRES: Valid.
func (c *Cursor) Prev() bool {
	if !c.newerOK {
		c.collectNewer(c.w.headDown(c.i), c.v)
	}
	c.toNewer()
	return c.v != 0 || c.prevItem()
}

// Valid reports whether the cursor stands on a version.
func (c *Cursor) Valid() bool { return c.v != 0 }

// Key is the version under the cursor. REQUIRES: Valid.
func (c *Cursor) Key() ikey.Key {
	it := &c.w.items[c.i]
	s := &c.t.arena.space
	return ikey.Key{User: s.bytes(it.node, nodeKey, int(it.keyLen)), Trailer: s.trailer(c.v)}
}

// Value is the value under the cursor; empty for a tombstone. REQUIRES: Valid.
func (c *Cursor) Value() []byte { return c.t.arena.value(c.v) }

// Err is nil: memory does not fail.
func (c *Cursor) Err() error { return nil }

// Close lets go of the table. It returns nil, also the second time.
func (c *Cursor) Close() error {
	c.t, c.w.tree, c.v = nil, nil, 0
	return nil
}

func (c *Cursor) nextItem() bool {
	last := c.w.items[c.i]
	if c.i+1 < c.w.hi {
		c.i++
		c.v, c.newerOK = c.w.headUp(c.i), false
		return true
	}
	return c.enterUp(c.w.fillUp(edgeBeyond, last))
}

func (c *Cursor) prevItem() bool {
	first := c.w.items[c.i]
	if c.i > c.w.lo {
		c.i--
		c.toOldest()
		return true
	}
	return c.enterDown(c.w.fillDown(edgeBeyond, first))
}

// enterUp stands on the first version of a freshly filled window.
func (c *Cursor) enterUp(filled bool) bool {
	c.v, c.newerOK = 0, false
	if filled {
		c.i = c.w.lo
		c.v = c.w.headUp(c.i)
	}
	return filled
}

// enterDown stands on the last version of a freshly filled window.
func (c *Cursor) enterDown(filled bool) bool {
	c.v, c.newerOK = 0, false
	if filled {
		c.i = c.w.hi - 1
		c.toOldest()
	}
	return filled
}

// toOldest stands on the oldest version of item i.
func (c *Cursor) toOldest() {
	c.collectNewer(c.w.headDown(c.i), 0)
	c.toNewer()
}

// collectNewer lists the versions from head down to v, which is left out.
func (c *Cursor) collectNewer(head, v ref) {
	c.newer = c.newer[:0]
	for head != v {
		c.newer = append(c.newer, head)
		head = c.t.arena.older(head)
	}
	c.newerOK = true
}

// toNewer moves one version up within the key; v becomes 0 past the newest.
func (c *Cursor) toNewer() {
	n := len(c.newer)
	if n == 0 {
		c.v = 0
		return
	}
	c.v = c.newer[n-1]
	c.newer = c.newer[:n-1]
}
