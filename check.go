package varve

import (
	"context"
	"errors"
	"fmt"

	"github.com/varvekv/varve/internal/corruption"
	"github.com/varvekv/varve/internal/filename"
	"github.com/varvekv/varve/manifest"
	"github.com/varvekv/varve/sstable"
)

// Check reads every live file and verifies checksums, order, level invariants,
// references and conservation sums. It returns every finding, joined, each a
// *CorruptionError with file and place. It runs beside reads and writes.
func (db *DB) Check(ctx context.Context) error {
	if err := db.begin(); err != nil {
		return err
	}
	defer db.end()
	v := db.acquire()
	defer db.unref(v)
	errs := []error{v.ver.Version.Check()}
	for _, t := range v.ver.tables {
		if err := ctx.Err(); err != nil {
			return errors.Join(append(errs, err)...)
		}
		if err := db.checkTable(ctx, t); err != nil {
			errs = append(errs, db.noteCorruption(err))
		}
	}
	errs = append(errs, db.log.Check(ctx))
	return errors.Join(errs...)
}

// checkTable reads one table whole and compares it with what the manifest says.
func (db *DB) checkTable(ctx context.Context, t *table) error {
	o, err := db.tables.hold(t)
	if err != nil {
		return err
	}
	defer db.tables.release(o)
	p, err := o.Check(ctx)
	if err != nil {
		return fmt.Errorf("varve: check: %w", err)
	}
	return compareWithManifest(t.slice, p)
}

// compareWithManifest is the conservation law at rest: a table holds exactly
// what the edit that made it live says.
func compareWithManifest(s *manifest.Slice, p sstable.Properties) error {
	name := filename.Make(filename.Table, s.File)
	for _, c := range []struct {
		what      string
		want, got uint64
	}{
		{"entries", s.Entries, p.Entries},
		{"tombstones", s.Tombstones, p.Tombstones},
		{"entry sum", s.EntrySum, p.EntrySum},
		{"file bytes", uint64(s.FileBytes), uint64(p.FileBytes)},
		{"greatest sequence", s.SeqMax, p.SeqMax},
	} {
		if c.want != c.got {
			return corruption.New(name, -1, "%s: the manifest says %d, the table holds %d", c.what, c.want, c.got)
		}
	}
	if string(s.Lower) != string(p.Lower) || string(s.Upper) != string(p.Upper) {
		return corruption.New(name, -1, "bounds: the manifest says %q to %q, the table holds %q to %q", s.Lower, s.Upper, p.Lower, p.Upper)
	}
	return nil
}
