package tests

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/varvekv/varve"
	"github.com/varvekv/varve/vfs"
)

// Nothing may be left: goroutines, descriptors and mappings (guard looks for
// those), and files that nothing names.

// TestOnlyLiveFilesStay: after Close there are CURRENT, LOCK, one manifest, the
// tables of the tree, and few logs; however often it was opened.
func TestOnlyLiveFilesStay(t *testing.T) {
	guard(t)
	rng, _ := seeded(t)
	dir := filepath.Join(t.TempDir(), "db")
	f := folder{t, vfs.OS, dir}
	for life := range budget(0, 6, 20, 200) {
		db, err := varve.Open(dir, &varve.Options{MemtableBytes: 64 << 10, CacheBytes: 1 << 20, Durability: varve.Buffered})
		must(t, "Open", err)
		for range 300 {
			must(t, "Put", db.Put(fmt.Appendf(nil, "%04d", rng.IntN(2000)), make([]byte, rng.IntN(2000))))
		}
		if life%3 == 1 {
			must(t, "Compact", db.Compact(context.Background(), nil, nil))
		}
		must(t, "Flush", db.Flush())
		must(t, "Check", db.Check(context.Background()))
		must(t, "Close", db.Close())
		tables := liveTables(t, f)
		counts := make(map[string]int)
		for _, name := range f.names() {
			if kind := kindOf(name); kind != "other" {
				counts[kind]++
			} else if name != "LOCK" {
				t.Errorf("life %d: %s stays", life, name)
			}
		}
		if counts["table"] != tables || counts["manifest"] != 1 || counts["current"] != 1 || counts["log"] > 4 {
			t.Fatalf("life %d: %d tables in the tree, and these files: %v", life, tables, f.names())
		}
	}
}

// liveTables is how many tables the tree names, of a database that is closed.
func liveTables(t *testing.T, f folder) (tables int) {
	t.Helper()
	db, err := varve.Open(f.dir, &varve.Options{FS: f.fs, ReadOnly: true})
	must(t, "Open to read", err)
	for _, n := range tablesByLevel(db.Metrics()) {
		tables += n
	}
	must(t, "Close", db.Close())
	return tables
}

// TestDeletedDataLeavesTheDisk: all deleted and compacted, no table is left,
// and the log's spares are bounded.
func TestDeletedDataLeavesTheDisk(t *testing.T) {
	guard(t)
	fs := vfs.NewStrict(1)
	db := mustOpen(t, fs, 0)
	for i := range 3000 {
		must(t, "Put", db.With(varve.Buffered).Put(fmt.Appendf(nil, "%04d", i), make([]byte, 1000)))
	}
	must(t, "Flush", db.Flush())
	for i := range 3000 {
		must(t, "Delete", db.With(varve.Buffered).Delete(fmt.Appendf(nil, "%04d", i)))
	}
	snapshot := db.Snapshot()
	must(t, "Compact under a snapshot", db.Compact(context.Background(), nil, nil))
	must(t, "close", snapshot.Close())
	must(t, "Compact", db.Compact(context.Background(), nil, nil))
	if levels := tablesByLevel(db.Metrics()); levels != [7]int{} {
		t.Errorf("all is deleted and compacted, and tables by level are %v", levels)
	}
	mustClose(t, fs, db)
	if left := (folder{t, fs, worldDir}).of("table"); len(left) > 0 {
		t.Errorf("tables left: %v", left)
	}
}

// TestFilesLiveAsLongAsTheirReaders: a table that was compacted away goes once
// the last iterator over it is closed, in whatever order.
func TestFilesLiveAsLongAsTheirReaders(t *testing.T) {
	guard(t)
	fs := vfs.NewStrict(1)
	f := folder{t, fs, worldDir}
	db := mustOpen(t, fs, -1)
	fill := func(value byte) {
		for i := range 2000 {
			must(t, "Put", db.With(varve.Buffered).Put(fmt.Appendf(nil, "%04d", i), bytes.Repeat([]byte{value}, 500)))
		}
		compacted(t, fs, db)
	}
	var its []*varve.Iterator
	for value := range byte(6) {
		fill(value)
		it := db.NewIter(nil)
		if !it.Last() {
			t.Fatal(it.Err())
		}
		its = append(its, it)
	}
	fill(99)
	for _, value := range []byte{3, 0, 5, 1, 4, 2} {
		it, n := its[value], 0
		for ok := it.First(); ok; ok = it.Next() {
			if v := it.Value(); len(v) != 500 || v[0] != value || v[499] != value {
				t.Fatalf("iterator %d reads %d", value, v[0])
			}
			n++
		}
		if n != 2000 || it.Err() != nil {
			t.Fatalf("iterator %d: %d keys, %v", value, n, it.Err())
		}
		must(t, "close", it.Close())
	}
	must(t, "Flush", db.Flush())
	mustClose(t, fs, db)
	if left, tables := f.of("table"), liveTables(t, f); len(left) != tables {
		t.Errorf("%d tables in the tree, %d on disk: %v", tables, len(left), left)
	}
}

// TestFailedOpensLeaveNothing: guard sees what they leave in the process, and
// the directory can be opened once it is mended.
func TestFailedOpensLeaveNothing(t *testing.T) {
	onLinux(t)
	guard(t)
	rng, _ := seeded(t)
	s := newSmallSpecimen(t, rng)
	dir := spill(t, s.all())
	before := descriptors()
	for _, name := range s.files {
		path := filepath.Join(dir, name)
		data, err := os.ReadFile(path)
		must(t, "read", err)
		for range 10 {
			harmed := slices.Clone(data)
			if end := logicalEnd(harmed); end > 0 {
				spoil(rng, harmed[:end])
			}
			must(t, "harm", os.WriteFile(path, harmed, 0o600))
			if db, err := varve.Open(dir, &varve.Options{MemtableBytes: 64 << 10}); err == nil {
				_, _ = contents(db, s.led.keys, false)
				db.Close()
				break // it has gone on from what it found
			}
			must(t, "mend", os.WriteFile(path, data, 0o600))
		}
		for file, harmless := range s.all() {
			must(t, "mend", os.WriteFile(filepath.Join(dir, file), harmless, 0o600))
		}
		for _, file := range (folder{t, vfs.OS, dir}).names() {
			if !slices.Contains(s.files, file) {
				must(t, "clear away", os.Remove(filepath.Join(dir, file)))
			}
		}
	}
	if left := newDescriptors(before, descriptors()); len(left) > 0 {
		t.Errorf("descriptors left open: %s", strings.Join(left, ", "))
	}
	db, err := varve.Open(dir, &varve.Options{MemtableBytes: 64 << 10})
	must(t, "Open of what was mended", err)
	must(t, "Close", db.Close())
}

// TestMappingsAreGivenBack: off-heap memory is back at what it was, even where
// iterators are closed after the database, or never moved.
func TestMappingsAreGivenBack(t *testing.T) {
	guard(t)
	before := offHeap()
	for _, late := range []bool{false, true} {
		fs := vfs.NewStrict(1)
		db, err := varve.Open(worldDir, &varve.Options{FS: fs, MemtableBytes: 1 << 20, CacheBytes: 4 << 20})
		must(t, "Open", err)
		for i := range 4000 {
			must(t, "Put", db.With(varve.Buffered).Put(fmt.Appendf(nil, "%04d", i), make([]byte, 1000)))
		}
		if inUse := offHeap() - before; inUse < 1<<20 {
			t.Errorf("a memtable of 1 MiB is open, and %d bytes are mapped", inUse)
		}
		must(t, "Flush", db.Flush())
		its := []*varve.Iterator{db.NewIter(nil), db.NewIter(nil)}
		its[0].First()
		snapshot := db.Snapshot()
		finish := func() {
			for _, it := range its {
				must(t, "close", ignore(it.Close(), varve.ErrClosed))
			}
			must(t, "close", snapshot.Close())
		}
		if !late {
			finish()
		}
		must(t, "Close", db.Close())
		if late {
			finish()
		}
		if now := offHeap(); now != before {
			t.Errorf("late %v: %d bytes stay mapped", late, now-before)
		}
		noHandles(t, fs)
	}
}
