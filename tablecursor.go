package varve

import (
	"errors"

	"github.com/varvekv/varve/internal/ikey"
	"github.com/varvekv/varve/iterator"
	"github.com/varvekv/varve/sstable"
)

// tableCursor is a cursor over a table that keeps the table open.
type tableCursor struct {
	iterator.Cursor
	open  *openTable // nil once closed
	cache *tableCache
}

var _ iterator.Galloper = (*tableCursor)(nil)

// newCursor opens a cursor over one table.
func (c *tableCache) newCursor(t *table, a sstable.Access) (iterator.Cursor, error) {
	o, err := c.hold(t)
	if err != nil {
		return nil, err
	}
	return &tableCursor{Cursor: o.NewCursor(sstable.CursorOptions{Access: a}), open: o, cache: c}, nil
}

// Ahead implements iterator.Galloper where the table's own cursor does.
func (c *tableCursor) Ahead(limit ikey.Key) int {
	if g, ok := c.Cursor.(iterator.Galloper); ok {
		return g.Ahead(limit)
	}
	return 0
}

// Close closes the cursor and lets go of the table.
func (c *tableCursor) Close() error {
	if c.open == nil {
		return nil
	}
	err := c.Cursor.Close()
	c.cache.release(c.open)
	c.open = nil
	return errors.Join(err)
}
