package varve

// What Open must notice, and what it must leave alone.

import (
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/varvekv/varve/internal/filename"
	"github.com/varvekv/varve/vfs"
)

// flushBesideSyncedWrites makes a database whose one flush covers "old", while
// "new", in the next segment, was durable before the flush's edit, and "later"
// after it.
func flushBesideSyncedWrites(t *testing.T) (*DB, *vfs.Strict) {
	t.Helper()
	fs := vfs.NewStrict(1)
	g := newGate()
	db := openSmall(t, smallOptions(vfs.NewFault(fs, func(op vfs.Op) error {
		if op.Kind == vfs.OpSync && isTable(op) {
			g.pass()
		}
		return nil
	})))
	put(t, db.With(Synced), "old", 20)
	flushed := start(db.Flush)
	await(t, "a flush that syncs its table", g.reached)
	put(t, db.With(Synced), "new", 20)
	close(g.opened)
	must(t, await(t, "Flush", flushed))
	put(t, db.With(Synced), "later", 5) // with marks that say where the log starts
	return db, fs
}

// TestLostEditIsFoundByTheLogsStart: the flush's edit is damaged. No header of a
// segment is newer than it, but the log was released as only that edit allows.
func TestLostEditIsFoundByTheLogsStart(t *testing.T) {
	db, fs := flushBesideSyncedWrites(t)
	img := fs.CrashImageKept()
	closeClean(t, db, fs)
	damageLastEdit(t, img)
	refused(t, img, filename.Manifest)
}

// TestLostEditIsFoundBySegmentHeader: the last edit is a compaction's, which
// releases nothing; the segment that was begun after it knows its number.
func TestLostEditIsFoundBySegmentHeader(t *testing.T) {
	fs := vfs.NewStrict(1)
	db := openSmall(t, smallOptions(fs))
	for range 2 {
		put(t, db, "key", 20)
		must(t, db.Flush())
	}
	it := db.NewIter(nil) // keeps the tables from before: their loss would tell too
	before := db.manifest.State().Edit
	must(t, db.Compact(t.Context(), nil, nil))
	if db.manifest.State().Edit == before {
		t.Fatal("the compaction made no edit")
	}
	put(t, db.With(Synced), "later", 1)
	db.commitMu.Lock()
	db.log.Cut()
	db.commitMu.Unlock()
	put(t, db.With(Synced), "later still", 1)
	img := fs.CrashImageKept()
	must(t, it.Close())
	closeClean(t, db, fs)

	damageLastEdit(t, img)
	refused(t, img, filename.Manifest)
}

// TestFlushEditProvesWhatTheLogHadDurable: with every segment gone, the edit
// alone still says that synced writes came after the flushed ones.
func TestFlushEditProvesWhatTheLogHadDurable(t *testing.T) {
	db, fs := flushBesideSyncedWrites(t)
	img := fs.CrashImageKept()
	closeClean(t, db, fs)
	removeFiles(t, img, filename.Log)
	refused(t, img, filename.Log)
}

// TestIdleMarksDoNotRefuteTheManifest: marks stand behind the place where the
// flush's edit lets the log begin; releasing up to that edit must not free them.
func TestIdleMarksDoNotRefuteTheManifest(t *testing.T) {
	fs := vfs.NewStrict(1)
	g := newGate()
	db := openSmall(t, smallOptions(vfs.NewFault(fs, func(op vfs.Op) error {
		if op.Kind == vfs.OpSync && isTable(op) {
			g.pass()
		}
		return nil
	})))
	put(t, db, "key", 20)
	flushed := start(db.Flush)
	await(t, "a flush that syncs its table", g.reached)
	must(t, db.Sync())
	until(t, "an idle mark", func() bool { return db.log.Written() > db.view.Load().mem.logStart })
	close(g.opened)
	must(t, await(t, "Flush", flushed))
	img := fs.CrashImageKept()
	closeClean(t, db, fs)
	for _, fs := range []*vfs.Strict{img, fs} {
		db := openSmall(t, smallOptions(fs))
		expect(t, db, "key", 20)
		closeClean(t, db, fs)
	}
}

// refused opens a damaged database, wants a file of that kind to be named, and
// everything to stay as it was.
func refused(t *testing.T, fs *vfs.Strict, kind filename.Kind) {
	t.Helper()
	before := fs.Fingerprint()
	db, err := Open("db", smallOptions(fs))
	if err == nil {
		must(t, db.Close())
	}
	var damage *CorruptionError
	if !errors.As(err, &damage) {
		t.Fatalf("open: %v, want corruption", err)
	}
	if k, _ := filename.Parse(damage.File); k != kind {
		t.Errorf("open names %s: %v", damage.File, err)
	}
	if fs.Fingerprint() != before {
		t.Errorf("a refused Open changed the directory: %v", err)
	}
	nothingHeld(t, fs)
}

// TestRefusedOpenLeavesTheDirectoryAsItWas: whatever it is refused for, there is
// much to sweep, set aside or cut that it must not have begun with.
func TestRefusedOpenLeavesTheDirectoryAsItWas(t *testing.T) {
	for _, c := range []struct {
		name   string
		spoil  func(t *testing.T, fs *vfs.Strict)
		change func(o *Options)
	}{
		{"the log is gone", func(t *testing.T, fs *vfs.Strict) { removeFiles(t, fs, filename.Log) }, nil},
		{"a table is gone", func(t *testing.T, fs *vfs.Strict) { removeFiles(t, fs, filename.Table) }, nil},
		{"the last edit is lost", func(t *testing.T, fs *vfs.Strict) { damageLastEdit(t, fs) }, nil},
		{"the archive is the database", func(*testing.T, *vfs.Strict) {}, func(o *Options) { o.Archive.Dir = "db" }},
	} {
		t.Run(c.name, func(t *testing.T) {
			db, fs := flushBesideSyncedWrites(t)
			img := fs.CrashImageKept()
			closeClean(t, db, fs)
			c.spoil(t, img)
			for _, name := range []string{"000077.sst", "CURRENT.tmp", "MANIFEST-000077.tmp"} {
				create(t, img, name)
			}
			o := smallOptions(img)
			if c.change != nil {
				c.change(o)
			}
			before := img.Fingerprint()
			if db, err := Open("db", o); err == nil {
				t.Fatal("opened", db.Close())
			} else if img.Fingerprint() != before {
				t.Errorf("the directory is not as it was after: %v", err)
			}
			nothingHeld(t, img)
		})
	}
}

// TestArchiveInsideADatabaseIsRefused: bounded archives delete logs.
func TestArchiveInsideADatabaseIsRefused(t *testing.T) {
	fs := vfs.NewStrict(1)
	for _, path := range []string{"db", "other"} {
		db, err := Open(path, smallOptions(fs))
		must(t, err)
		closeClean(t, db, fs)
	}
	for _, archive := range []string{"db", "other"} {
		o := smallOptions(fs)
		o.Archive = ArchiveOptions{Dir: archive, MaxBytes: 1}
		_, err := Open("db", o)
		if err == nil || !strings.Contains(err.Error(), "a directory of its own") {
			t.Errorf("archive in %s: %v", archive, err)
		}
		nothingHeld(t, fs)
	}
	o := smallOptions(fs)
	o.Archive = ArchiveOptions{Dir: "archive", MaxBytes: 1}
	closeClean(t, openSmall(t, o), fs)
}

// TestForeignTempFileStays: only names that the engine itself gives are swept.
func TestForeignTempFileStays(t *testing.T) {
	fs := vfs.NewStrict(1)
	closeClean(t, openSmall(t, smallOptions(fs)), fs)
	foreign := []string{"mine.tmp", ".tmp", "notes.txt.tmp"}
	own := []string{"CURRENT.tmp", "MANIFEST-000044.tmp", "000044.sst.tmp", "000044.log.tmp"}
	for _, name := range append(slices.Clone(foreign), own...) {
		create(t, fs, name)
	}
	closeClean(t, openSmall(t, smallOptions(fs)), fs)
	slices.Sort(foreign)
	if left := filesOf(t, fs, filename.Temp); !slices.Equal(left, foreign) {
		t.Errorf("left are %v, want %v", left, foreign)
	}
}

// TestFailedAcceptanceIsNotFollowedByAWrite: nobody knows whether that edit is
// durable, so the log that it speaks of must not go on, not even to be closed.
func TestFailedAcceptanceIsNotFollowedByAWrite(t *testing.T) {
	fs := vfs.NewStrict(1)
	db := openSmall(t, smallOptions(fs))
	put(t, db.With(Synced), "key", 20)
	img := fs.CrashImageStrict()
	closeClean(t, db, fs)

	syncs := uint64(0) // of the manifest; Open's last one is the acceptance's
	count := func(op vfs.Op) error {
		if !op.After && op.Kind == vfs.OpSyncData && isManifest(op) {
			syncs++
		}
		return nil
	}
	opens := img.CrashImageKept()
	db = openSmall(t, smallOptions(vfs.NewFault(opens, count)))
	accepted := syncs
	closeClean(t, db, opens)

	fail, struck := vfs.Plan{Nth: accepted - 1, Err: errors.New("EIO"), Match: func(op vfs.Op) bool {
		return op.Kind == vfs.OpSyncData && isManifest(op)
	}}.Inject()
	var late atomic.Value
	_, err := Open("db", smallOptions(vfs.NewFault(img, func(op vfs.Op) error {
		if struck() && !op.After && op.Kind.Changes() {
			late.Store(op.String())
		}
		return fail(op)
	})))
	if err == nil || !struck() {
		t.Fatalf("open: %v; struck: %v", err, struck())
	}
	if op := late.Load(); op != nil {
		t.Errorf("after the failed edit: %v", op)
	}
	nothingHeld(t, img)
	db = openSmall(t, smallOptions(img))
	expect(t, db, "key", 20)
	closeClean(t, db, img)
}

// TestRefusedArchiveMakesNoDatabase: the archive is looked at before anything is made.
func TestRefusedArchiveMakesNoDatabase(t *testing.T) {
	fs := vfs.NewStrict(1)
	o := smallOptions(fs)
	o.Archive.Dir = "db"
	if db, err := Open("db", o); err == nil {
		must(t, db.Close())
		t.Fatal("a database's own directory was taken for an archive")
	}
	if names := filesOf(t, fs, filename.Manifest); len(names) > 0 {
		t.Errorf("made all the same: %v", names)
	}
}

// TestTornTablesGoWithTheNextFlush: what was set aside stays as long as the log
// that Open found is not in tables, and no longer.
func TestTornTablesGoWithTheNextFlush(t *testing.T) {
	fs := vfs.NewStrict(1)
	db := openSmall(t, smallOptions(fs))
	put(t, db, "key", 3)
	closeClean(t, db, fs)
	d, err := fs.OpenDir("db", false)
	must(t, err)
	names := []string{"000009.sst.torn", "MANIFEST-000009.torn", "notes.torn"}
	for _, name := range names {
		f, err := d.Create(name)
		must(t, err)
		must(t, f.Close())
	}
	left := func() (n int) {
		for _, name := range names {
			if _, err := d.Stat(name); err == nil {
				n++
			}
		}
		return n
	}
	db = openSmall(t, smallOptions(fs))
	if n := left(); n != 3 {
		t.Errorf("%d of 3 left by Open", n)
	}
	must(t, db.Flush())
	if n := left(); n != 1 {
		t.Errorf("%d left after the flush, want the user's own file alone", n)
	}
	must(t, db.Close())
	must(t, d.Close())
	nothingHeld(t, fs)
}
