package iterator

import (
	"bytes"
	"sort"

	"github.com/varvekv/varve/internal/ikey"
)

// Run is a sorted sequence of parts that do not overlap in user keys, such as
// the tables of a level. It does not change while a Concat uses it.
type Run interface {
	Len() int
	// Bounds are the smallest and the greatest user key of part i, inclusive.
	Bounds(i int) (lower, upper []byte)
	// Open makes a cursor over part i, which the caller closes.
	Open(i int) (Cursor, error)
}

// Concat is a run's parts one behind the other. It opens a part when it gets
// there and has one part open at a time.
type Concat struct {
	run   Run
	cur   Cursor // over part index; nil when none is open
	index int
	valid bool
	err   error
}

var _ Galloper = (*Concat)(nil)

// NewConcat makes a cursor over the whole run.
func NewConcat(run Run) *Concat { return &Concat{run: run} }

// Init makes c a fresh cursor over run. REQUIRES: c is new or closed.
func (c *Concat) Init(run Run) { *c = Concat{run: run} }

// First implements Cursor.
func (c *Concat) First() bool {
	c.err = nil
	return c.open(0) && c.settle(c.cur.First())
}

// Last implements Cursor.
func (c *Concat) Last() bool {
	c.err = nil
	return c.open(c.run.Len()-1) && c.settleBack(c.cur.Last())
}

// SeekGE implements Cursor.
func (c *Concat) SeekGE(k ikey.Key) bool {
	c.err = nil
	i := sort.Search(c.run.Len(), func(i int) bool {
		_, upper := c.run.Bounds(i)
		return bytes.Compare(upper, k.User) >= 0
	})
	return c.open(i) && c.settle(c.cur.SeekGE(k))
}

// SeekLT implements Cursor.
func (c *Concat) SeekLT(k ikey.Key) bool {
	c.err = nil
	i := sort.Search(c.run.Len(), func(i int) bool {
		lower, _ := c.run.Bounds(i)
		return bytes.Compare(lower, k.User) > 0
	})
	return c.open(i-1) && c.settleBack(c.cur.SeekLT(k))
}

// Next implements Cursor.
func (c *Concat) Next() bool { return c.valid && (c.cur.Next() || c.settle(false)) }

// Prev implements Cursor.
func (c *Concat) Prev() bool { return c.valid && (c.cur.Prev() || c.settleBack(false)) }

// Valid implements Cursor.
func (c *Concat) Valid() bool { return c.valid }

// Key implements Cursor.
func (c *Concat) Key() ikey.Key { return c.cur.Key() }

// Value implements Cursor.
func (c *Concat) Value() []byte { return c.cur.Value() }

// Err implements Cursor.
func (c *Concat) Err() error { return c.err }

// Ahead implements Galloper, as far as the open part does.
func (c *Concat) Ahead(limit ikey.Key) int {
	if g, ok := c.cur.(Galloper); ok {
		return g.Ahead(limit)
	}
	return 0
}

// Close closes the open part.
func (c *Concat) Close() error {
	c.valid = false
	if c.cur == nil {
		return nil
	}
	err := c.cur.Close()
	c.cur = nil
	return err
}

// settle looks for the next version in later parts when the open one, just
// moved, gave none.
func (c *Concat) settle(ok bool) bool {
	for !ok {
		if !c.leave() || !c.open(c.index+1) {
			return false
		}
		ok = c.cur.First()
	}
	c.valid = true
	return true
}

// settleBack is settle towards earlier parts.
func (c *Concat) settleBack(ok bool) bool {
	for !ok {
		if !c.leave() || !c.open(c.index-1) {
			return false
		}
		ok = c.cur.Last()
	}
	c.valid = true
	return true
}

// leave reports whether the open part is at its end, and not in error.
func (c *Concat) leave() bool {
	c.err = c.cur.Err()
	c.valid = false
	return c.err == nil
}

// open makes part i the open one; false past either end of the run, or on error.
func (c *Concat) open(i int) bool {
	c.valid = false
	if i < 0 || i >= c.run.Len() {
		return false
	}
	if c.cur != nil && c.index == i {
		return true
	}
	if c.err = c.Close(); c.err != nil {
		return false
	}
	if c.cur, c.err = c.run.Open(i); c.err != nil {
		c.cur = nil
		return false
	}
	c.index = i
	return true
}
