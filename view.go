package varve

// What readers hold: an immutable picture of memtables and tables, reached
// without a lock. A short read enters its epoch slot, loads the view and is
// gone before anything it saw is given back; an iterator holds a reference.

import (
	"sync"
	"sync/atomic"

	"github.com/varvekv/varve/internal/invariants"
	"github.com/varvekv/varve/memtable"
	"github.com/varvekv/varve/wal"
)

// view is {memtable, immutables, version}. It is immutable but for its count.
type view struct {
	mem  *mem
	imms []*mem // newest first
	ver  *version

	refs atomic.Int64 // one for being current, one per iterator; at 0 it is retired
}

// mem is a memtable and the part of the log that it owns.
type mem struct {
	*memtable.Table
	logStart wal.LSN // of its first operation; everything before is not its own
	segment  uint64  // number of the segment that logStart is in
	firstSeq uint64  // no operation in it has a lower one
	lastSeq  uint64  // of the last operation in it, once it is immutable

	sum          uint64 // of hash.Entry over its operations: what a flush must find
	timeMin      int64  // unix nanoseconds when it began to take writes
	viewsHolding atomic.Int64
}

// newView builds the view that replaces the current one; the caller installs it.
func newView(m *mem, imms []*mem, ver *version) *view {
	v := &view{mem: m, imms: imms, ver: ver}
	v.refs.Store(1)
	m.viewsHolding.Add(1)
	for _, im := range imms {
		im.viewsHolding.Add(1)
	}
	ver.refs.Add(1)
	return v
}

// installLocked makes v the current view and lets go of the one it replaces.
// REQUIRES: db.mu held.
func (db *DB) installLocked(v *view) {
	old := db.view.Swap(v)
	if old != nil {
		db.unref(old)
	}
}

// acquire is the current view with a reference of the caller's own.
func (db *DB) acquire() *view {
	for {
		v := db.view.Load()
		if v.tryRef() {
			return v
		}
	}
}

// tryRef takes a reference unless the last one is gone.
func (v *view) tryRef() bool {
	for {
		n := v.refs.Load()
		if n <= 0 {
			return false
		}
		if v.refs.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// unref drops a reference. With the last one, what only this view held is given
// back once every short read that may still be inside has left.
func (db *DB) unref(v *view) {
	n := v.refs.Add(-1)
	invariants.Check(n >= 0, "view released twice")
	if n == 0 {
		db.retire(func() { db.dropView(v) })
	}
}

// graveyard is what short reads have let go of and nobody has given back yet.
type graveyard struct {
	mu   sync.Mutex // innermost; guards due
	due  []func()
	kick func()
}

func (g *graveyard) add(f func()) {
	g.mu.Lock()
	g.due = append(g.due, f)
	g.mu.Unlock()
	g.kick()
}

// take empties the list.
func (g *graveyard) take() []func() {
	g.mu.Lock()
	defer g.mu.Unlock()
	due := g.due
	g.due = nil
	return due
}

// retire has free run once every short read that is inside now has left: by the
// cleaner, never by the caller, who may hold locks or be a read that must not
// unmap a memtable on its way. After Close there is no cleaner, nor any lock.
func (db *DB) retire(free func()) {
	db.epochs.Retire(func() { db.graves.add(free) })
	if db.hasClosed.Load() {
		db.reap()
		return
	}
	db.graves.kick()
}

// reap gives back what is due and reports how much still waits for readers.
func (db *DB) reap() (waiting int) {
	for {
		waiting = db.epochs.Collect()
		due := db.graves.take()
		if len(due) == 0 {
			return waiting
		}
		for _, free := range due {
			free()
		}
	}
}

func (db *DB) dropView(v *view) {
	db.dropMem(v.mem)
	for _, m := range v.imms {
		db.dropMem(m)
	}
	db.unrefVersion(v.ver)
}

func (db *DB) dropMem(m *mem) {
	if m.viewsHolding.Add(-1) == 0 {
		if err := m.Free(); err != nil {
			db.backgroundError("free memtable", err)
		}
	}
}

// reader is what a short read needs: an epoch slot and scratch memory. It is
// pooled per core, so that readers share no cache line.
type reader struct{ *tally }

func (db *DB) enter() *reader {
	r := db.readers.Get().(*reader)
	r.slot.Enter()
	return r
}

// exit ends a short read, and gives way once in a while.
func (db *DB) exit(r *reader) {
	isTurnOver := r.isTurnOver
	r.isTurnOver = false
	r.slot.Exit()
	db.readers.Put(r)
	if isTurnOver {
		yield()
	}
}

// After so many Gets or iterators on a core a reader gives way (2 to 4 ms): see
// turnCommits.
const (
	turnGets  = 4096
	turnScans = 128
)
