//go:build lmdb

package lmdbengine

import (
	"github.com/PowerDNS/lmdb-go/lmdb"

	"github.com/varvekv/varve/bench/internal/engine"
)

// client keeps one read transaction and one cursor, which are reset and renewed
// with each read: that is LMDB's advice for many short reads.
type client struct {
	d      *database
	read   *lmdb.Txn
	cursor *lmdb.Cursor
}

func (d *database) NewClient() (engine.Client, error) {
	read, err := d.env.BeginTxn(nil, lmdb.Readonly)
	if err != nil {
		return nil, err
	}
	read.RawRead = true // slices of the map, valid until the reset
	cursor, err := read.OpenCursor(d.dbi)
	if err != nil {
		read.Abort()
		return nil, err
	}
	read.Reset()
	c := &client{d: d, read: read, cursor: cursor}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.clients[c] = struct{}{}
	return c, nil
}

func (c *client) Close() error {
	c.d.mu.Lock()
	defer c.d.mu.Unlock()
	if _, open := c.d.clients[c]; open {
		delete(c.d.clients, c)
		c.end()
	}
	return nil
}

func (c *client) end() {
	c.cursor.Close()
	c.read.Abort()
}

func (c *client) Get(dst, key []byte) ([]byte, error) {
	if err := c.read.Renew(); err != nil {
		return dst, err
	}
	defer c.read.Reset()
	v, err := c.read.Get(c.d.dbi, key)
	if lmdb.IsNotFound(err) {
		return dst, engine.ErrNotFound
	}
	return append(dst, v...), err
}

func (c *client) Put(key, value []byte) error {
	return c.d.update(func(t *lmdb.Txn) error { return t.Put(c.d.dbi, key, value, 0) })
}

func (c *client) Delete(key []byte) error {
	return c.d.update(func(t *lmdb.Txn) error {
		if err := t.Del(c.d.dbi, key, nil); !lmdb.IsNotFound(err) {
			return err
		}
		return nil
	})
}

func (c *client) Load(keys, values [][]byte) error {
	return c.d.update(func(t *lmdb.Txn) error {
		for i := range keys {
			if err := t.Put(c.d.dbi, keys[i], values[i], 0); err != nil {
				return err
			}
		}
		return nil
	})
}

func (c *client) Scan(from []byte, count int, visit engine.Visit) (visited int, err error) {
	if err := c.read.Renew(); err != nil {
		return 0, err
	}
	defer c.read.Reset()
	if err := c.cursor.Renew(c.read); err != nil {
		return 0, err
	}
	move := uint(lmdb.SetRange)
	if len(from) == 0 {
		move = lmdb.First
	}
	for ; visited != count; visited++ {
		key, value, err := c.cursor.Get(from, nil, move)
		if lmdb.IsNotFound(err) {
			return visited, nil
		}
		if err != nil {
			return visited, err
		}
		if err := visit(key, value); err != nil {
			return visited, err
		}
		from, move = nil, lmdb.Next
	}
	return visited, nil
}
