// Package badgerengine puts Badger behind the benchmarks' seam. Badger writes
// through memory maps, so what it writes is counted in pages made dirty.
package badgerengine

import (
	"context"
	"errors"
	"fmt"

	"github.com/dgraph-io/badger/v4"

	"github.com/varvekv/varve/bench/compare/internal/peer/quiet"
	"github.com/varvekv/varve/bench/compare/internal/peer/setting"
	"github.com/varvekv/varve/bench/compare/internal/peer/written"
	"github.com/varvekv/varve/bench/internal/engine"
)

// Module is where Badger comes from.
const Module = "github.com/dgraph-io/badger/v4"

const mapped = "SyncWrites off: the log is a memory map, so it survives the process as it is"

// Durability is how each is obtained.
var Durability = map[engine.Durability]string{
	engine.Buffered: mapped,
	engine.Written:  mapped,
	engine.Synced:   "SyncWrites on: the log is flushed (msync) on return, one flush for all who wait",
}

type database struct {
	db      *badger.DB
	iterate badger.IteratorOptions
	pages   written.Meter
}

// Open opens Badger in o.Dir.
func Open(o engine.Options, p setting.Profile) (engine.Engine, error) {
	options := badger.DefaultOptions(o.Dir).WithLoggingLevel(badger.ERROR).
		WithSyncWrites(o.Durability == engine.Synced)
	d := &database{iterate: badger.DefaultIteratorOptions, pages: written.NewMeter(written.Pages)}
	both := tuned{options: options, iterate: &d.iterate}
	setting.Turn(knobs(o, p), &both)
	var err error
	if d.db, err = badger.Open(both.options); err != nil {
		return nil, err
	}
	return d, nil
}

func (d *database) Name() string { return "badger" }

func (d *database) NewClient() (engine.Client, error) { return &client{d: d}, nil }

// Check verifies the checksums of all tables.
func (d *database) Check(context.Context) error { return d.db.VerifyChecksum() }

func (d *database) Metrics() string { return d.db.LevelsToString() }

func (d *database) Traffic() engine.Traffic {
	return engine.Traffic{OtherBytes: d.pages.Bytes()}
}

func (d *database) Close() error { return d.db.Close() }

// Sync is for engine.Syncer.
func (d *database) Sync() error { return d.db.Sync() }

// dropped is a key below all others that Settle writes and drops.
var dropped = []byte{0}

// Settle drops a key of its own, for dropping a prefix is the one call that
// brings memtables into tables while the database stays open. It also compacts
// level 0, which only helps Badger's reads.
func (d *database) Settle(ctx context.Context) error {
	err := d.db.Update(func(t *badger.Txn) error { return t.Set(dropped, nil) })
	if err == nil {
		err = d.db.DropPrefix(dropped)
	}
	if err != nil {
		return fmt.Errorf("flush: %w", err)
	}
	if err := d.collect(ctx); err != nil {
		return fmt.Errorf("value log: %w", err)
	}
	quiet.Wait(ctx, func() (int64, bool) { return d.pages.Bytes(), d.overdue() })
	return nil
}

// collect rewrites what files of the value log have half of it dead: Badger does
// so only when it is told, and wants to be told from time to time.
func (d *database) collect(ctx context.Context) error {
	for ctx.Err() == nil {
		err := d.db.RunValueLogGC(0.5)
		if errors.Is(err, badger.ErrNoRewrite) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// overdue tells that a level is larger than it should be, so that it is being
// compacted or will be.
func (d *database) overdue() bool {
	for _, l := range d.db.Levels() {
		if l.Adjusted > 1 {
			return true
		}
	}
	return false
}

type client struct{ d *database }

func (c *client) Close() error { return nil }

func (c *client) Get(dst, key []byte) ([]byte, error) {
	t := c.d.db.NewTransaction(false)
	defer t.Discard()
	item, err := t.Get(key)
	if errors.Is(err, badger.ErrKeyNotFound) {
		return dst, engine.ErrNotFound
	}
	if err != nil {
		return dst, err
	}
	err = item.Value(func(v []byte) error {
		dst = append(dst, v...)
		return nil
	})
	return dst, err
}

func (c *client) Put(key, value []byte) error {
	return c.d.db.Update(func(t *badger.Txn) error { return t.Set(key, value) })
}

func (c *client) Delete(key []byte) error {
	return c.d.db.Update(func(t *badger.Txn) error { return t.Delete(key) })
}

// Load is one transaction; a WriteBatch would make several of a large one.
func (c *client) Load(keys, values [][]byte) error {
	return c.d.db.Update(func(t *badger.Txn) error {
		for i := range keys {
			if err := t.Set(keys[i], values[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

func (c *client) Scan(from []byte, count int, visit engine.Visit) (visited int, err error) {
	t := c.d.db.NewTransaction(false)
	defer t.Discard()
	it := t.NewIterator(c.d.iterate)
	defer it.Close()
	for it.Seek(from); it.Valid() && visited != count; {
		item := it.Item()
		if err := item.Value(func(v []byte) error { return visit(item.Key(), v) }); err != nil {
			return visited, err
		}
		visited++
		if visited != count { // the last entry's successor is not asked for
			it.Next()
		}
	}
	return visited, nil
}
