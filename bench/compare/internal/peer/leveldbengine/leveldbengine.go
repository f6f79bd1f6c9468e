// Package leveldbengine puts goleveldb behind the benchmarks' seam. What it
// writes is counted below it, in a wrapper of its storage.
package leveldbengine

import (
	"context"
	"errors"
	"fmt"

	"github.com/syndtr/goleveldb/leveldb"
	"github.com/syndtr/goleveldb/leveldb/opt"

	"github.com/varvekv/varve/bench/compare/internal/peer/quiet"
	"github.com/varvekv/varve/bench/compare/internal/peer/setting"
	"github.com/varvekv/varve/bench/internal/engine"
)

// Module is where goleveldb comes from.
const Module = "github.com/syndtr/goleveldb"

const inCache = "WriteOptions.Sync off: the journal is in the page cache on return"

// Durability is how each is obtained.
var Durability = map[engine.Durability]string{
	engine.Buffered: inCache,
	engine.Written:  inCache,
	engine.Synced:   "WriteOptions.Sync on: the journal is flushed on return, one flush for all who are merged",
}

type database struct {
	db    *leveldb.DB
	files *files
	write *opt.WriteOptions
}

// Open opens goleveldb in o.Dir.
func Open(o engine.Options, p setting.Profile) (engine.Engine, error) {
	f, err := openFiles(o.Dir)
	if err != nil {
		return nil, err
	}
	var options opt.Options
	setting.Turn(knobs(o, p), &options)
	db, err := leveldb.Open(f, &options)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &database{db: db, files: f, write: &opt.WriteOptions{Sync: o.Durability == engine.Synced}}, nil
}

func (d *database) Name() string { return "goleveldb" }

func (d *database) NewClient() (engine.Client, error) { return &client{d: d}, nil }

// Check does nothing: goleveldb has no such call.
func (d *database) Check(context.Context) error { return nil }

// Metrics is empty when the database does not tell.
func (d *database) Metrics() string {
	text, err := d.db.GetProperty("leveldb.stats")
	if err != nil {
		return ""
	}
	return text
}

func (d *database) Traffic() engine.Traffic { return d.files.traffic() }

func (d *database) Close() error { return errors.Join(d.db.Close(), d.files.Close()) }

// Stalls is for engine.Stalling. goleveldb counts writers that it slowed and
// writers that it stopped together.
func (d *database) Stalls() engine.Stalls {
	var s leveldb.DBStats
	if err := d.db.Stats(&s); err != nil {
		return engine.Stalls{} // it was closed
	}
	return engine.Stalls{Waited: int64(s.WriteDelayCount), Time: s.WriteDelayDuration}
}

// Settle opens a transaction and lets it go, for it begins by bringing the
// memtable into a table, which no other call does without compacting everything.
func (d *database) Settle(ctx context.Context) error {
	t, err := d.db.OpenTransaction()
	if err != nil {
		return fmt.Errorf("flush: %w", err)
	}
	t.Discard()
	quiet.Wait(ctx, func() (int64, bool) { return d.files.traffic().TableBytes, false })
	return nil
}

type client struct {
	d     *database
	batch leveldb.Batch
}

func (c *client) Close() error { return nil }

func (c *client) Get(dst, key []byte) ([]byte, error) {
	v, err := c.d.db.Get(key, nil)
	if errors.Is(err, leveldb.ErrNotFound) {
		return dst, engine.ErrNotFound
	}
	return append(dst, v...), err
}

func (c *client) Put(key, value []byte) error { return c.d.db.Put(key, value, c.d.write) }

func (c *client) Delete(key []byte) error { return c.d.db.Delete(key, c.d.write) }

func (c *client) Load(keys, values [][]byte) error {
	c.batch.Reset()
	for i := range keys {
		c.batch.Put(keys[i], values[i])
	}
	return c.d.db.Write(&c.batch, c.d.write)
}

func (c *client) Scan(from []byte, count int, visit engine.Visit) (visited int, err error) {
	it := c.d.db.NewIterator(nil, nil)
	defer it.Release()
	for ok := it.Seek(from); ok && visited != count; {
		if err := visit(it.Key(), it.Value()); err != nil {
			return visited, err
		}
		visited++
		if visited != count { // the last entry's successor is not asked for
			ok = it.Next()
		}
	}
	return visited, it.Error()
}
