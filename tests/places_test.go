package tests

import (
	"context"
	"errors"
	"testing"

	"github.com/varvekv/varve"
	"github.com/varvekv/varve/vfs"
)

// everywhere runs a test of reading with its data in each place where it can
// be: in memory, in the log of an earlier life, in fresh tables, in the last
// level, in tables without a cache, and seen by a snapshot.
func everywhere(t *testing.T, fill func(w varve.Writer) error, test func(t *testing.T, r varve.Reader)) {
	t.Helper()
	for _, p := range dataPlaces {
		t.Run(p.name, func(t *testing.T) {
			guard(t)
			defer watchdog(limitOfTest, t.Name())()
			fs := vfs.NewStrict(1)
			db := mustOpen(t, fs, p.cacheBytes)
			must(t, "fill", fill(db.With(varve.Buffered)))
			db = p.settle(t, fs, db)
			if p.isSnapshot {
				snapshot := db.Snapshot()
				must(t, "clutter", clutter(db))
				test(t, snapshot)
				must(t, "close snapshot", snapshot.Close())
			} else {
				test(t, db)
			}
			mustClose(t, fs, db)
		})
	}
}

type dataPlace struct {
	name       string
	cacheBytes int64
	isSnapshot bool
	settle     func(t *testing.T, fs *vfs.Strict, db *varve.DB) *varve.DB
}

var dataPlaces = []dataPlace{
	{"memtable", 0, false, func(_ *testing.T, _ *vfs.Strict, db *varve.DB) *varve.DB { return db }},
	{"log", 0, false, reopened},
	{"table", 0, false, flushed},
	{"last level", 0, false, compacted},
	{"last level, no cache", -1, false, compacted},
	{"memtable, under a snapshot", 0, true, func(_ *testing.T, _ *vfs.Strict, db *varve.DB) *varve.DB { return db }},
	{"table, under a snapshot", 0, true, flushed},
}

func reopened(t *testing.T, fs *vfs.Strict, db *varve.DB) *varve.DB {
	t.Helper()
	mustClose(t, fs, db)
	return mustOpen(t, fs, 0)
}

func flushed(t *testing.T, _ *vfs.Strict, db *varve.DB) *varve.DB {
	t.Helper()
	must(t, "Flush", db.Flush())
	return db
}

func compacted(t *testing.T, _ *vfs.Strict, db *varve.DB) *varve.DB {
	t.Helper()
	must(t, "Compact", db.Compact(context.Background(), nil, nil))
	return db
}

// clutter overwrites and deletes what a snapshot must not notice.
func clutter(db *varve.DB) error {
	var errs []error
	keys := []string{"\x00clutter", "\xff\xff\xffclutter"}
	for e, err := range db.Scan(nil, nil) {
		errs = append(errs, err)
		keys = append(keys, string(e.Key))
	}
	for i, key := range keys {
		if i%2 == 0 {
			errs = append(errs, db.Put([]byte(key), []byte("clutter")))
		} else {
			errs = append(errs, db.Delete([]byte(key)))
		}
	}
	return errors.Join(append(errs, db.Flush())...)
}

func mustOpen(t *testing.T, fs vfs.FS, cacheBytes int64) *varve.DB {
	t.Helper()
	db, err := varve.Open(worldDir, &varve.Options{FS: fs, MemtableBytes: 256 << 10, CacheBytes: cacheBytes})
	must(t, "Open", err)
	return db
}

// mustClose checks and closes, and looks for what is left.
func mustClose(t *testing.T, fs *vfs.Strict, db *varve.DB) {
	t.Helper()
	must(t, "Check", db.Check(context.Background()))
	must(t, "Close", db.Close())
	noHandles(t, fs)
}

func must(t *testing.T, what string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// fillWith is a filler of keys, each its own value.
func fillWith(keys ...string) func(varve.Writer) error {
	return func(w varve.Writer) error {
		for _, key := range keys {
			if err := w.Put([]byte(key), []byte(key)); err != nil {
				return err
			}
		}
		return nil
	}
}

// keysOf are the keys of a scan.
func keysOf(t *testing.T, seq func(func(varve.Entry, error) bool)) (keys []string) {
	t.Helper()
	for e, err := range seq {
		must(t, "scan", err)
		keys = append(keys, string(e.Key))
	}
	return keys
}
