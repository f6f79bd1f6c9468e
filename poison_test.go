package varve

// What a failure must stop, and what it must not take back.

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/varvekv/varve/vfs"
)

var errDisk = errors.New("EIO")

// TestFailedDirectorySyncPoisons: the directory is the log's and the manifest's
// too, and the system tells of a failed sync once.
func TestFailedDirectorySyncPoisons(t *testing.T) {
	fs := vfs.NewStrict(1)
	var hasTable atomic.Bool
	fail, struck := vfs.Plan{Span: vfs.ForGood, Err: errDisk, Match: func(op vfs.Op) bool {
		return hasTable.Load() && op.Kind == vfs.OpSyncDir
	}}.Inject()
	db := openSmall(t, smallOptions(vfs.NewFault(fs, func(op vfs.Op) error {
		if op.After && op.Kind == vfs.OpSync && isTable(op) {
			hasTable.Store(true)
		}
		return fail(op)
	})))
	put(t, db.With(Written), "key", 20) // without a sync the log does not touch the directory
	if err := db.Flush(); !errors.Is(err, errDisk) || !struck() {
		t.Errorf("flush: %v; struck: %v", err, struck())
	}
	for what, err := range map[string]error{
		"put": db.Put([]byte("a"), nil), "sync": db.Sync(), "flush": db.Flush(), "metrics": db.Metrics().Poisoned,
	} {
		if !errors.Is(err, ErrPoisoned) || !errors.Is(err, errDisk) {
			t.Errorf("%s: %v, want ErrPoisoned for what failed", what, err)
		}
	}
	expect(t, db, "key", 20)
	closePoisoned(t, db, fs)

	img := fs.CrashImageKept()
	db = openSmall(t, smallOptions(img))
	expect(t, db, "key", 20)
	closeClean(t, db, img)
}

// TestDurableSeqIsFrozenByPoison: the log stops at some moment of a flush, which
// must not count any more.
func TestDurableSeqIsFrozenByPoison(t *testing.T) {
	for _, c := range []struct {
		name string
		at   func(op vfs.Op) bool
		edit uint64 // edits that the flush may still make
	}{
		{"before its edit", func(op vfs.Op) bool { return op.Kind == vfs.OpSync && isTable(op) }, 0},
		{"when its edit has just been synced", func(op vfs.Op) bool { return op.After && op.Kind == vfs.OpSyncData && isManifest(op) }, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			fs := vfs.NewStrict(1)
			g := newGate()
			var isArmed atomic.Bool
			ended := make(chan error, 1)
			o := smallOptions(vfs.NewFault(fs, func(op vfs.Op) error {
				if isArmed.Load() && c.at(op) {
					g.pass()
				}
				return nil
			}))
			o.Events = &Events{FlushEnd: func(info FlushInfo) { ended <- info.Err }}
			db := openSmall(t, o)
			put(t, db, "key", 20)
			seq, edit := db.DurableSeq(), db.manifest.State().Edit
			isArmed.Store(true)
			flushed := start(db.Flush)
			await(t, "the moment", g.reached)
			db.log.Poison(errDisk)
			close(g.opened)
			for _, err := range []error{await(t, "FlushEnd", ended), await(t, "Flush", flushed)} {
				if !errors.Is(err, ErrPoisoned) {
					t.Errorf("flush: %v", err)
				}
			}
			if now := db.DurableSeq(); now != seq {
				t.Errorf("DurableSeq was %d and is %d", seq, now)
			}
			if now := db.manifest.State().Edit; now > edit+c.edit {
				t.Errorf("edit %d was the last, and %d is", edit, now)
			}
			expect(t, db, "key", 20)
			closePoisoned(t, db, fs)
		})
	}
}

// TestWriteThatRacesWithPoisonIsNotReadable: the log stops when the writer has
// been let past the back-pressure, which asks for the log's error.
func TestWriteThatRacesWithPoisonIsNotReadable(t *testing.T) {
	for _, d := range []Durability{Synced, Written, Buffered} {
		t.Run(d.String(), func(t *testing.T) {
			fs := vfs.NewStrict(1)
			db := openSmall(t, smallOptions(fs))
			put(t, db, "key", 3)
			var asked atomic.Bool
			db.stall.now = func() time.Duration { // asked by a paced writer, on its way
				asked.Store(true)
				db.log.Poison(errDisk)
				return monotonic()
			}
			db.stall.rate.Store(1 << 40)
			db.stall.reason.Store(int32(StallMemtables))
			if err := db.With(d).Put([]byte("late"), []byte("value")); !errors.Is(err, ErrPoisoned) || !asked.Load() {
				t.Errorf("put: %v; was paced: %v", err, asked.Load())
			}
			if v, err := db.Get([]byte("late")); err != ErrNotFound {
				t.Errorf("get: %q, %v", v, err)
			}
			if seq := db.Metrics().LastSeq; seq != 3 {
				t.Errorf("last sequence %d", seq)
			}
			n := 0
			for _, err := range db.Scan(nil, nil) {
				must(t, err)
				n++
			}
			if n != 3 {
				t.Errorf("%d keys are readable", n)
			}
			closePoisoned(t, db, fs)
		})
	}
}
