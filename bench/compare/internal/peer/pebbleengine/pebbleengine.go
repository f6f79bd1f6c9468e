// Package pebbleengine puts Pebble behind the benchmarks' seam. What it writes is
// counted below it, in a wrapper of its file system.
package pebbleengine

import (
	"context"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/varvekv/varve/bench/compare/internal/peer/quiet"
	"github.com/varvekv/varve/bench/compare/internal/peer/setting"
	"github.com/varvekv/varve/bench/internal/engine"
)

// Module is where Pebble comes from.
const Module = "github.com/cockroachdb/pebble/v2"

// Durability is how each is obtained. Written cannot be had: a commit that does
// not wait for the flush does not wait for the write either.
var Durability = map[engine.Durability]string{
	engine.Buffered: "commit with NoSync: the log is written out in the background, by blocks of 32 KiB",
	engine.Synced:   "commit with Sync: the log is flushed on return, one flush for all who wait",
}

type database struct {
	db       *pebble.DB
	fs       *fileSystem
	activity activity
	write    *pebble.WriteOptions
}

// Open opens Pebble in o.Dir.
func Open(o engine.Options, p setting.Profile) (engine.Engine, error) {
	d := &database{fs: newFileSystem(), write: pebble.NoSync}
	if o.Durability == engine.Synced {
		d.write = pebble.Sync
	}
	options := &pebble.Options{FS: d.fs, Logger: quietLogger{pebble.DefaultLogger}, EventListener: d.activity.listener()}
	setting.Turn(knobs(o, p), options)
	var err error
	if d.db, err = pebble.Open(o.Dir, options); err != nil {
		return nil, err
	}
	return d, nil
}

// quietLogger leaves out what is only of interest; errors go to stderr.
type quietLogger struct{ pebble.Logger }

func (quietLogger) Infof(string, ...any) {}

func (d *database) Name() string { return "pebble" }

func (d *database) NewClient() (engine.Client, error) { return &client{d: d}, nil }

// Check reads every key of every level.
func (d *database) Check(context.Context) error { return d.db.CheckLevels(nil) }

func (d *database) Metrics() string { return d.db.Metrics().String() }

func (d *database) Traffic() engine.Traffic { return d.fs.traffic() }

func (d *database) Close() error { return d.db.Close() }

// Activity is for engine.Active.
func (d *database) Activity() []engine.Span { return d.activity.take() }

// Stalls is for engine.Stalling.
func (d *database) Stalls() engine.Stalls { return d.activity.stalls() }

// Sync is for engine.Syncer.
func (d *database) Sync() error { return d.db.LogData(nil, pebble.Sync) }

func (d *database) Settle(ctx context.Context) error {
	if err := d.db.Flush(); err != nil {
		return fmt.Errorf("flush: %w", err)
	}
	quiet.Wait(ctx, func() (int64, bool) {
		m := d.db.Metrics()
		return d.fs.traffic().TableBytes, m.Compact.NumInProgress > 0 || m.Flush.NumInProgress > 0
	})
	return nil
}

type client struct{ d *database }

func (c *client) Close() error { return nil }

func (c *client) Get(dst, key []byte) ([]byte, error) {
	v, closer, err := c.d.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return dst, engine.ErrNotFound
	}
	if err != nil {
		return dst, err
	}
	dst = append(dst, v...)
	return dst, closer.Close()
}

func (c *client) Put(key, value []byte) error { return c.d.db.Set(key, value, c.d.write) }

func (c *client) Delete(key []byte) error { return c.d.db.Delete(key, c.d.write) }

func (c *client) Load(keys, values [][]byte) (err error) {
	b := c.d.db.NewBatch() // from a pool
	defer func() { err = errors.Join(err, b.Close()) }()
	for i := range keys {
		if err := b.Set(keys[i], values[i], nil); err != nil {
			return err
		}
	}
	return b.Commit(c.d.write)
}

func (c *client) Scan(from []byte, count int, visit engine.Visit) (visited int, err error) {
	it, err := c.d.db.NewIter(nil)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, it.Close()) }() // reports what stopped a move
	for ok := it.SeekGE(from); ok && visited != count; {
		value, err := it.ValueAndErr()
		if err != nil {
			return visited, err
		}
		if err := visit(it.Key(), value); err != nil {
			return visited, err
		}
		visited++
		if visited != count { // the last entry's successor is not asked for
			ok = it.Next()
		}
	}
	return visited, nil
}
