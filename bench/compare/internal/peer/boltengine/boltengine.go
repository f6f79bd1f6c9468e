// Package boltengine puts bbolt behind the benchmarks' seam: one bucket in one
// file. It has no cache and no memtable of its own, and does not compress; those
// budgets do not bind it.
package boltengine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"

	bolt "go.etcd.io/bbolt"

	"github.com/varvekv/varve/bench/compare/internal/peer/setting"
	"github.com/varvekv/varve/bench/compare/internal/peer/written"
	"github.com/varvekv/varve/bench/internal/engine"
)

// Module is where bbolt comes from.
const Module = "go.etcd.io/bbolt"

const inCache = "NoSync: changed pages are in the page cache on return"

// Durability is how each is obtained.
var Durability = map[engine.Durability]string{
	engine.Buffered: inCache,
	engine.Written:  inCache,
	engine.Synced:   "changed pages and then the meta page are flushed on return; one transaction for all who write at once (Batch)",
}

const fileName = "bolt.db"

var bucket = []byte("bench")

type database struct {
	db      *bolt.DB
	calls   written.Meter
	gather  bool         // several writers make one transaction
	writers atomic.Int64 // clients open
}

// Open opens bbolt in o.Dir.
func Open(o engine.Options, p setting.Profile) (engine.Engine, error) {
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, err
	}
	all := tuned{options: bolt.Options{NoSync: o.Durability != engine.Synced}}
	setting.Turn(knobs(o, p), &all)
	d := &database{calls: written.NewMeter(written.Calls), gather: o.Durability == engine.Synced}
	var err error
	if d.db, err = bolt.Open(filepath.Join(o.Dir, fileName), 0o600, &all.options); err != nil {
		return nil, err
	}
	if all.batchDelay > 0 {
		d.db.MaxBatchDelay = all.batchDelay
	}
	err = d.db.Update(func(t *bolt.Tx) error {
		_, err := t.CreateBucketIfNotExists(bucket)
		return err
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("create bucket: %w", err), d.db.Close())
	}
	return d, nil
}

func (d *database) Name() string { return "bbolt" }

func (d *database) NewClient() (engine.Client, error) {
	d.writers.Add(1)
	return &client{d: d}, nil
}

// Settle has nothing to do: there is no background work.
func (d *database) Settle(context.Context) error { return nil }

// Check walks every page.
func (d *database) Check(context.Context) error {
	return d.db.View(func(t *bolt.Tx) error {
		var errs []error
		for err := range t.Check() {
			errs = append(errs, err)
		}
		return errors.Join(errs...)
	})
}

func (d *database) Metrics() string { return fmt.Sprintf("%+v", d.db.Stats()) }

func (d *database) Traffic() engine.Traffic {
	return engine.Traffic{OtherBytes: d.calls.Bytes()}
}

func (d *database) Close() error { return d.db.Close() }

// Sync is for engine.Syncer.
func (d *database) Sync() error { return d.db.Sync() }

// write gathers concurrent writers into one transaction where each waits for a
// flush. One alone would only wait for company.
func (d *database) write(f func(b *bolt.Bucket) error) error {
	in := func(t *bolt.Tx) error { return f(t.Bucket(bucket)) }
	if d.gather && d.writers.Load() > 1 {
		return d.db.Batch(in)
	}
	return d.db.Update(in)
}

type client struct{ d *database }

func (c *client) Close() error {
	c.d.writers.Add(-1)
	return nil
}

func (c *client) Get(dst, key []byte) ([]byte, error) {
	err := c.d.db.View(func(t *bolt.Tx) error {
		v := t.Bucket(bucket).Get(key)
		if v == nil {
			return engine.ErrNotFound
		}
		dst = append(dst, v...)
		return nil
	})
	return dst, err
}

func (c *client) Put(key, value []byte) error {
	return c.d.write(func(b *bolt.Bucket) error { return b.Put(key, value) })
}

func (c *client) Delete(key []byte) error {
	return c.d.write(func(b *bolt.Bucket) error { return b.Delete(key) })
}

func (c *client) Load(keys, values [][]byte) error {
	return c.d.write(func(b *bolt.Bucket) error {
		for i := range keys {
			if err := b.Put(keys[i], values[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

func (c *client) Scan(from []byte, count int, visit engine.Visit) (visited int, err error) {
	err = c.d.db.View(func(t *bolt.Tx) error {
		cursor := t.Bucket(bucket).Cursor()
		for key, value := cursor.Seek(from); key != nil && visited != count; {
			if err := visit(key, value); err != nil {
				return err
			}
			visited++
			if visited != count { // the last entry's successor is not asked for
				key, value = cursor.Next()
			}
		}
		return nil
	})
	return visited, err
}
