//go:build rocksdb

// Package rocksdbengine puts RocksDB behind the benchmarks' seam, through cgo.
// It is built with the tag rocksdb only and needs RocksDB's library and headers.
package rocksdbengine

import (
	"context"
	"fmt"

	"github.com/linxGnu/grocksdb"

	"github.com/varvekv/varve/bench/compare/internal/peer/quiet"
	"github.com/varvekv/varve/bench/compare/internal/peer/setting"
	"github.com/varvekv/varve/bench/compare/internal/peer/written"
	"github.com/varvekv/varve/bench/internal/engine"
)

// Module is the binding; the library is the system's.
const Module = "github.com/linxGnu/grocksdb"

// Durability is how each is obtained.
var Durability = map[engine.Durability]string{
	engine.Buffered: "manual_wal_flush: the log is written out when its buffer of 1 MiB is full",
	engine.Written:  "sync off: the log is in the page cache on return",
	engine.Synced:   "sync on: the log is flushed on return, one flush for all who are in the group",
}

type database struct {
	db      *grocksdb.DB
	options *all
	read    *grocksdb.ReadOptions
	write   *grocksdb.WriteOptions
	calls   written.Meter
}

// all is RocksDB's options and what must live as long as they.
type all struct {
	*grocksdb.Options
	table *grocksdb.BlockBasedTableOptions
	cache *grocksdb.Cache // nil where it is the default's
}

func (a *all) destroy() {
	a.Options.Destroy()
	a.table.Destroy()
	if a.cache != nil {
		a.cache.Destroy()
	}
}

// Open opens RocksDB in o.Dir.
func Open(o engine.Options, p setting.Profile) (engine.Engine, error) {
	d := &database{
		options: &all{Options: grocksdb.NewDefaultOptions(), table: grocksdb.NewDefaultBlockBasedTableOptions()},
		read:    grocksdb.NewDefaultReadOptions(),
		write:   grocksdb.NewDefaultWriteOptions(),
		calls:   written.NewMeter(written.Calls),
	}
	d.options.SetCreateIfMissing(true)
	d.options.SetManualWALFlush(o.Durability == engine.Buffered)
	d.write.SetSync(o.Durability == engine.Synced)
	if k := knobs(o, p); len(k) > 0 {
		setting.Turn(k, d.options)
		d.options.SetBlockBasedTableFactory(d.options.table)
	}
	var err error
	if d.db, err = grocksdb.OpenDb(d.options.Options, o.Dir); err != nil {
		d.destroy()
		return nil, err
	}
	return d, nil
}

func (d *database) destroy() {
	d.read.Destroy()
	d.write.Destroy()
	d.options.destroy()
}

func (d *database) Name() string { return "rocksdb" }

func (d *database) NewClient() (engine.Client, error) {
	return &client{d: d, batch: grocksdb.NewWriteBatch()}, nil
}

// Check does nothing: the C interface has no such call.
func (d *database) Check(context.Context) error { return nil }

func (d *database) Metrics() string { return d.db.GetProperty("rocksdb.stats") }

func (d *database) Traffic() engine.Traffic {
	return engine.Traffic{OtherBytes: d.calls.Bytes()}
}

// Close writes out what the log's buffer holds: RocksDB would not.
func (d *database) Close() error {
	err := d.db.FlushWAL(false)
	d.db.Close()
	d.destroy()
	return err
}

// Sync is for engine.Syncer.
func (d *database) Sync() error { return d.db.FlushWAL(true) }

func (d *database) Settle(ctx context.Context) error {
	f := grocksdb.NewDefaultFlushOptions() // waits
	defer f.Destroy()
	if err := d.db.Flush(f); err != nil {
		return fmt.Errorf("flush: %w", err)
	}
	// The process's own count would not do: Go's runtime writes to itself.
	quiet.Wait(ctx, func() (int64, bool) { return d.number("total-sst-files-size"), d.compacting() })
	return nil
}

func (d *database) compacting() bool {
	return d.number("num-running-compactions")+d.number("compaction-pending")+d.number("num-running-flushes") > 0
}

// number is 0 for a property that RocksDB does not have.
func (d *database) number(property string) int64 {
	n, _ := d.db.GetIntProperty("rocksdb." + property)
	return int64(n)
}

type client struct {
	d     *database
	batch *grocksdb.WriteBatch
}

func (c *client) Close() error {
	c.batch.Destroy()
	return nil
}

func (c *client) Get(dst, key []byte) ([]byte, error) {
	v, err := c.d.db.GetPinned(c.d.read, key)
	if err != nil {
		return dst, err
	}
	defer v.Destroy()
	if !v.Exists() {
		return dst, engine.ErrNotFound
	}
	return append(dst, v.Data()...), nil
}

func (c *client) Put(key, value []byte) error { return c.d.db.Put(c.d.write, key, value) }

func (c *client) Delete(key []byte) error { return c.d.db.Delete(c.d.write, key) }

func (c *client) Load(keys, values [][]byte) error {
	c.batch.Clear()
	for i := range keys {
		c.batch.Put(keys[i], values[i])
	}
	return c.d.db.Write(c.d.write, c.batch)
}

func (c *client) Scan(from []byte, count int, visit engine.Visit) (visited int, err error) {
	it := c.d.db.NewIterator(c.d.read)
	defer it.Close()
	if len(from) == 0 {
		it.SeekToFirst()
	} else {
		it.Seek(from)
	}
	for it.Valid() && visited != count {
		if err := visit(it.Key().Data(), it.Value().Data()); err != nil {
			return visited, err
		}
		visited++
		if visited != count { // the last entry's successor is not asked for
			it.Next()
		}
	}
	return visited, it.Err()
}
