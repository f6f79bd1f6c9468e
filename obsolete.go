package varve

// When a file may go: a table once no version holds it and the edit that freed
// it is durable; a log segment once the edit that put its memtable into tables
// is durable. After a poisoned log or manifest nothing is deleted at all.

import (
	"errors"
	"io/fs"
	"strings"

	"github.com/varvekv/varve/internal/filename"
	"github.com/varvekv/varve/manifest"
)

// markObsoleteLocked marks the files of old that have no slice in new.
// REQUIRES: db.mu held, and the edit between the two durable.
func (db *DB) markObsoleteLocked(old, new *version) {
	live := make(map[uint64]bool, len(new.tables))
	for _, t := range new.tables {
		live[t.slice.File] = true
	}
	for _, t := range old.tables {
		if !live[t.slice.File] {
			t.file.isObsolete.Store(true)
		}
	}
}

// tableUnused is called when the last version that held t is gone.
func (db *DB) tableUnused(t *table) {
	f := db.tables.forget(t)
	if f == nil {
		return
	}
	db.obsoleteMu.Lock()
	db.obsolete = append(db.obsolete, f)
	db.obsoleteMu.Unlock()
	kick(db.work.clean)
}

// obsoleteFiles adds the files that only wait for their removal.
func (db *DB) obsoleteFiles(m *Metrics) {
	db.obsoleteMu.Lock()
	defer db.obsoleteMu.Unlock()
	m.ObsoleteTables += len(db.obsolete)
	for _, f := range db.obsolete {
		m.ObsoleteBytes += f.sizeBytes
	}
}

// deleteObsolete removes the files whose turn has come.
func (db *DB) deleteObsolete() {
	db.obsoleteMu.Lock()
	files := db.obsolete
	db.obsolete = nil
	db.obsoleteMu.Unlock()
	for _, f := range files {
		if db.log.Err() != nil {
			return
		}
		name := filename.Make(filename.Table, f.number)
		if err := db.dir.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			db.backgroundError("delete table", err)
			continue
		}
		db.tellDeleted(f)
	}
}

// sweep removes what an earlier life left behind: tables that no version holds,
// and temporary files. After a damaged end of the manifest such tables may be
// what the lost edit named: they are set aside instead.
func (db *DB) sweep(v *manifest.Version, isTorn bool) error {
	live := make(map[uint64]bool)
	for s := range v.All() {
		live[s.File] = true
	}
	names, err := db.dir.List()
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := db.sweepFile(name, live, isTorn); err != nil {
			return err
		}
	}
	return nil
}

func (db *DB) sweepFile(name string, live map[uint64]bool, isTorn bool) error {
	kind, number := filename.Parse(name)
	switch {
	case kind == filename.Torn && isOurTorn(name):
		db.torn = append(db.torn, name)
		return nil
	case kind == filename.Temp && isOurTemp(name):
		return db.dir.Remove(name)
	case kind != filename.Table || live[number]:
		return nil
	case isTorn:
		db.torn = append(db.torn, filename.MakeTorn(name))
		return db.dir.Rename(name, filename.MakeTorn(name))
	}
	db.report.OrphansRemoved++
	return db.dir.Remove(name)
}

// isOurTorn tells a table or manifest that was set aside. Segments are the log's
// own business.
func isOurTorn(name string) bool {
	kind, _ := filename.Parse(strings.TrimSuffix(name, filename.MakeTorn("")))
	return kind == filename.Table || kind == filename.Manifest
}

// dropTorn removes what was set aside, once everything that Open found in the log
// is in tables: nothing from before can be needed then. REQUIRES: called by the
// flusher, after its edit.
func (db *DB) dropTorn() {
	if db.flushedSeq.Load() < db.tornUntil || db.log.Err() != nil {
		return
	}
	for _, name := range db.torn {
		if err := db.dir.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			db.backgroundError("delete a file set aside", err)
		}
	}
	db.torn = nil
}

// isOurTemp tells a temporary file of ours from one that a user put here.
func isOurTemp(name string) bool {
	kind, _ := filename.Parse(strings.TrimSuffix(name, ".tmp"))
	return kind != filename.Unknown
}
