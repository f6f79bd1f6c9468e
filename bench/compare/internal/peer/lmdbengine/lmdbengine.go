//go:build lmdb

// Package lmdbengine puts LMDB behind the benchmarks' seam, through cgo: the
// unnamed database of one environment. It is built with the tag lmdb only. LMDB
// has no cache and no memtable of its own, and does not compress; those budgets
// do not bind it.
package lmdbengine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/PowerDNS/lmdb-go/lmdb"

	"github.com/varvekv/varve/bench/compare/internal/peer/setting"
	"github.com/varvekv/varve/bench/compare/internal/peer/written"
	"github.com/varvekv/varve/bench/internal/engine"
)

// Module is the binding, which has LMDB's source in it.
const Module = "github.com/PowerDNS/lmdb-go"

const inCache = "MDB_NOSYNC: changed pages are in the page cache on return"

// Durability is how each is obtained.
var Durability = map[engine.Durability]string{
	engine.Buffered: inCache,
	engine.Written:  inCache,
	engine.Synced:   "changed pages and then the meta page are flushed on return, one transaction after the other",
}

// mapBytes is more than any row here fills; it takes addresses only. LMDB has no
// default that a benchmark would fit in.
const mapBytes = 64 << 30

type database struct {
	env     *lmdb.Env
	dbi     lmdb.DBI
	written written.Meter

	writing sync.Mutex // one waits here for the writer before it, not in C on a thread of its own

	mu      sync.Mutex
	clients map[*client]struct{} // guarded by mu; their transactions end before the environment
}

// Open opens LMDB in o.Dir.
func Open(o engine.Options, p setting.Profile) (_ engine.Engine, err error) {
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, err
	}
	d := &database{clients: map[*client]struct{}{}}
	if d.env, err = lmdb.NewEnv(); err != nil {
		return nil, err
	}
	e := tuned{env: d.env}
	if o.Durability != engine.Synced {
		e.flags |= lmdb.NoSync
	}
	setting.Turn(knobs(o, p), &e)
	d.written = written.NewMeter(source(e.flags))
	if err = d.open(o.Dir, e); err != nil {
		return nil, errors.Join(err, d.env.Close())
	}
	return d, nil
}

// source is where to count: a writable map is not written by calls.
func source(flags uint) written.Source {
	if flags&lmdb.WriteMap != 0 {
		return written.Pages
	}
	return written.Calls
}

func (d *database) open(dir string, e tuned) error {
	if err := errors.Join(append(e.errs, d.env.SetMapSize(mapBytes))...); err != nil {
		return err
	}
	if err := d.env.Open(dir, e.flags, 0o600); err != nil {
		return err
	}
	return d.env.Update(func(t *lmdb.Txn) (err error) {
		d.dbi, err = t.OpenRoot(lmdb.Create)
		return err
	})
}

func (d *database) Name() string { return lmdb.VersionString() }

// Settle has nothing to do: there is no background work.
func (d *database) Settle(context.Context) error { return nil }

// Check does nothing: LMDB has no such call.
func (d *database) Check(context.Context) error { return nil }

// Metrics is empty when the database does not tell.
func (d *database) Metrics() string {
	s, err := d.env.Stat()
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%+v", *s)
}

func (d *database) Traffic() engine.Traffic {
	return engine.Traffic{OtherBytes: d.written.Bytes()}
}

// Sync is for engine.Syncer.
func (d *database) Sync() error { return d.env.Sync(true) }

// Close ends the clients that are still there first.
func (d *database) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for c := range d.clients {
		c.end()
	}
	clear(d.clients)
	return d.env.Close()
}

// update runs one write transaction. It locks the goroutine to its thread, as
// LMDB wants it.
func (d *database) update(f lmdb.TxnOp) error {
	d.writing.Lock()
	defer d.writing.Unlock()
	return d.env.Update(f)
}
