package varve

// Code of the user, called by the engine, may call the engine.

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/varvekv/varve/vfs"
)

// callback is one way for the engine to call its user.
type callback struct {
	name   string
	hook   func(o *Options, call func())
	causes func(db *DB) error // the call, sooner or later
	spoil  func(op vfs.Op) error
}

func flushOf(db *DB) error {
	if err := db.Put([]byte("cause"), nil); err != nil {
		return err
	}
	return db.Flush()
}

func syncOf(db *DB) error { return db.With(Synced).Put([]byte("cause"), nil) }

// mergeOf makes the one table of its flush be read and written again.
func mergeOf(db *DB) error {
	for range 2 {
		if err := flushOf(db); err != nil {
			return err
		}
	}
	return db.Compact(context.Background(), nil, nil)
}

// fillOf writes until a memtable has been exchanged.
func fillOf(db *DB) error {
	for i := 0; db.counters.rotations.Load() == 0; i++ {
		if err := db.Put(keyOf("cause", i), valueOf("cause", i)); err != nil {
			return err
		}
	}
	return nil
}

func callbacks() []callback {
	failTables := func(op vfs.Op) error {
		if op.Kind == vfs.OpCreate && isTable(op) {
			return errDisk
		}
		return nil
	}
	return []callback{
		{"RotateEnd", func(o *Options, call func()) { o.Events.RotateEnd = func(RotateInfo) { call() } }, fillOf, nil},
		{"FlushBegin", func(o *Options, call func()) { o.Events.FlushBegin = func(FlushInfo) { call() } }, flushOf, nil},
		{"TableCreated", func(o *Options, call func()) { o.Events.TableCreated = func(TableInfo) { call() } }, flushOf, nil},
		{"TableDeleted", func(o *Options, call func()) { o.Events.TableDeleted = func(TableInfo) { call() } }, mergeOf, nil},
		{"CompactionBegin", func(o *Options, call func()) { o.Events.CompactionBegin = func(CompactionInfo) { call() } }, mergeOf, nil},
		{"CompactionEnd", func(o *Options, call func()) { o.Events.CompactionEnd = func(CompactionInfo) { call() } }, mergeOf, nil},
		{"LogSync", func(o *Options, call func()) { o.Events.LogSync = func(LogSyncInfo) { call() } }, syncOf, nil},
		{"FlushEnd", func(o *Options, call func()) { o.Events.FlushEnd = func(FlushInfo) { call() } }, flushOf, nil},
		{"FlushEnd of one that failed", func(o *Options, call func()) { o.Events.FlushEnd = func(FlushInfo) { call() } }, flushOf, failTables},
		{"BackgroundError", func(o *Options, call func()) { o.Events.BackgroundError = func(error) { call() } }, flushOf, failTables},
		{"ArchiveEnd", func(o *Options, call func()) {
			o.Archive.Dir = "archive"
			o.Events.ArchiveEnd = func(ArchiveInfo) { call() }
		}, flushOf, nil},
		{"archive handler", func(o *Options, call func()) {
			o.Archive.Handler = func(context.Context, ArchivedSegment) error { call(); return nil }
		}, flushOf, nil},
	}
}

// open opens a database that calls f, the first time that it has cause to.
func (c callback) open(t *testing.T, f func(db *DB)) (*DB, *vfs.Strict) {
	t.Helper()
	fs := vfs.NewStrict(1)
	o := smallOptions(vfs.NewFault(fs, func(op vfs.Op) error {
		if c.spoil == nil {
			return nil
		}
		return c.spoil(op)
	}))
	o.Events = &Events{}
	var db *DB
	var isCalled atomic.Bool
	c.hook(o, func() {
		if !isCalled.Swap(true) {
			f(db)
		}
	})
	db = openSmall(t, o)
	return db, fs
}

// everyCall is what a callback may do.
func everyCall(db *DB) []error {
	_, gerr := db.Get([]byte("called"))
	s := db.Snapshot()
	it := s.NewIter(nil)
	it.First()
	_ = db.Metrics()
	return []error{
		db.Put([]byte("called"), nil), db.With(Synced).Delete([]byte("nothing")), db.Sync(),
		gerr, it.Err(), it.Close(), s.Close(),
	}
}

// TestCallbacksMayCallBack: none is called under a lock.
func TestCallbacksMayCallBack(t *testing.T) {
	for _, c := range callbacks() {
		t.Run(c.name, func(t *testing.T) {
			called := make(chan []error, 1)
			db, fs := c.open(t, func(db *DB) { called <- everyCall(db) })
			caused := start(func() error { return c.causes(db) })
			for _, err := range await(t, "a callback that calls back", called) {
				if err != nil && err != ErrNotFound {
					t.Errorf("called back: %v", err)
				}
			}
			if err := await(t, "what caused it", caused); err != nil && !errors.Is(err, errDisk) {
				t.Error(err)
			}
			closeClean(t, db, fs)
		})
	}
}

// TestCallbacksMayCallBackWhileCloseRuns: they learn that the database is closed,
// and Close does not wait for a call that waits for Close.
func TestCallbacksMayCallBackWhileCloseRuns(t *testing.T) {
	for _, c := range callbacks() {
		t.Run(c.name, func(t *testing.T) {
			running, called := make(chan struct{}), make(chan error, 1)
			db, fs := c.open(t, func(db *DB) {
				close(running)
				called <- callWhileClosing(db)
			})
			caused := start(func() error { return c.causes(db) })
			await(t, "the callback", running)
			must(t, within(t, "Close beside a callback", db.Close))
			if err := await(t, "the callback's calls", called); err != nil {
				t.Error(err)
			}
			await(t, "what caused it", caused)
			nothingHeld(t, fs)
		})
	}
}

// callWhileClosing waits until Close has begun and calls until it must have come
// to where it waits for others.
func callWhileClosing(db *DB) error {
	for begin := time.Now(); !db.closed.Load(); runtime.Gosched() {
		if time.Since(begin) > patience {
			return errors.New("Close does not begin")
		}
	}
	for range 2000 {
		for what, err := range map[string]error{"put": db.Put([]byte("late"), nil), "sync": db.Sync(), "flush": db.Flush()} {
			if err != ErrClosed {
				return fmt.Errorf("%s while Close runs: %v", what, err)
			}
		}
		runtime.Gosched()
	}
	return nil
}

// TestCallbackOfAMaintenanceCallMeetsClose: RotateEnd comes out of a Flush, which
// Close waits for; what the callback calls must not wait for Close in turn.
func TestCallbackOfAMaintenanceCallMeetsClose(t *testing.T) {
	c := callback{hook: func(o *Options, call func()) { o.Events.RotateEnd = func(RotateInfo) { call() } }, causes: flushOf}
	isRunning, put := make(chan struct{}), make(chan error, 1)
	db, fs := c.open(t, func(db *DB) {
		close(isRunning)
		for !db.closed.Load() {
			runtime.Gosched()
		}
		put <- db.Put([]byte("from the callback"), nil)
	})
	flushed := start(func() error { return c.causes(db) })
	await(t, "the callback", isRunning)
	must(t, within(t, "Close", db.Close))
	if err := await(t, "the callback's Put", put); !errors.Is(err, ErrClosed) {
		t.Errorf("Put beside Close: %v", err)
	}
	if err := await(t, "Flush", flushed); err != nil && !errors.Is(err, ErrClosed) {
		t.Errorf("flush: %v", err)
	}
	nothingHeld(t, fs)
}
