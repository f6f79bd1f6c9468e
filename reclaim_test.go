package varve

// Memory and tables that readers have let go of: when they are given back, and
// by whom.

import (
	"errors"
	"sync/atomic"
	"testing"

	"github.com/varvekv/varve/vfs"
)

// TestRetiredIsFreedUnderNoLock: what readers have left is given back by the cleaner, also
// where the one who let go of it holds every lock of the engine. (Freeing tells
// of failures, and who is told may call back.)
func TestRetiredIsFreedUnderNoLock(t *testing.T) {
	fs := vfs.NewStrict(1)
	db := openSmall(t, smallOptions(fs))
	freed := make(chan struct{})
	must(t, within(t, "retire under the locks", func() error {
		db.commitMu.Lock()
		defer db.commitMu.Unlock()
		db.mu.Lock()
		defer db.mu.Unlock()
		db.retire(func() {
			db.commitMu.Lock()
			defer db.commitMu.Unlock()
			db.mu.Lock()
			defer db.mu.Unlock()
			close(freed)
		})
		return nil
	}))
	await(t, "the cleaner", freed)
	closeClean(t, db, fs)
}

// TestFailedCloseOfATableMayCallBack: the table goes with the view that the
// compaction's edit replaces.
func TestFailedCloseOfATableMayCallBack(t *testing.T) {
	fs := vfs.NewStrict(1)
	var isArmed atomic.Bool
	var told atomic.Int64
	o := smallOptions(vfs.NewFault(fs, func(op vfs.Op) error {
		if isArmed.Load() && op.Kind == vfs.OpClose && isTable(op) {
			return errDisk
		}
		return nil
	}))
	var db *DB
	o.Events = &Events{BackgroundError: func(error) {
		if told.Add(1) == 1 {
			isArmed.Store(false)
			if err := errors.Join(everyCall(db)...); err != nil && !errors.Is(err, ErrNotFound) {
				t.Error(err)
			}
		}
	}}
	db = openSmall(t, o)
	db.work.beginManual()
	for range 2 {
		put(t, db, "key", 20)
		must(t, db.Flush())
	}
	expect(t, db, "key", 20)
	it := db.NewIter(nil)
	it.First()
	it.Last()
	must(t, db.Compact(t.Context(), nil, nil))
	isArmed.Store(true)
	must(t, within(t, "Close of the iterator", it.Close))
	until(t, "somebody is told", func() bool { return told.Load() > 0 })
	closeClean(t, db, fs)
}

// TestRetiredMemtableIsUnmapped: the last reader is an iterator.
func TestRetiredMemtableIsUnmapped(t *testing.T) {
	fs := vfs.NewStrict(1)
	db := openSmall(t, smallOptions(fs))
	put(t, db, "key", 3)
	m := db.view.Load().mem
	it := db.NewIter(nil)
	must(t, db.Flush())
	if !it.First() || m.viewsHolding.Load() == 0 {
		t.Errorf("the iterator's memtable is gone: %v", it.Err())
	}
	must(t, it.Close())
	until(t, "the memtable is given back", func() bool { return m.viewsHolding.Load() == 0 })
	closeClean(t, db, fs)
}

// TestSnapshotClosedBesideNewIter: the snapshot is closed after NewIter has begun
// and before it has its view; a flush drops what the snapshot alone had kept. The
// pool that NewIter asks for memory in between is where this test gets in.
func TestSnapshotClosedBesideNewIter(t *testing.T) {
	fs := vfs.NewStrict(1)
	db := openSmall(t, smallOptions(fs))
	must(t, db.Put([]byte("a"), []byte("old")))
	s := db.Snapshot()
	must(t, db.Put([]byte("a"), []byte("new")))
	asked := 0
	db.machines.New = func() any {
		if asked++; asked == 1 {
			must(t, s.Close())
			must(t, db.Flush())
		}
		return new(machine)
	}
	it := s.NewIter(nil)
	switch {
	case asked != 1:
		t.Errorf("asked %d times", asked)
	case it.Next() && string(it.Value()) != "old":
		t.Errorf("the snapshot shows %q", it.Value())
	case !it.Valid() && it.Err() != ErrClosed:
		t.Errorf("the key that the snapshot held is missing, and the error is %v", it.Err())
	}
	must(t, it.Close())
	closeClean(t, db, fs)
}
