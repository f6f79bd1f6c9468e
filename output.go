package varve

// A table being written, for flushes and compactions: its number, its file, and
// what the manifest will say of it.

import (
	"errors"
	"fmt"

	"github.com/varvekv/varve/compaction"
	"github.com/varvekv/varve/internal/filename"
	"github.com/varvekv/varve/internal/ikey"
	"github.com/varvekv/varve/manifest"
	"github.com/varvekv/varve/sstable"
	"github.com/varvekv/varve/vfs"
)

// tableOutput implements compaction.Output.
type tableOutput struct {
	db       *DB
	number   uint64
	identity uint64
	level    int
	file     vfs.File
	w        *sstable.Writer
	isClosed bool
}

// env is what compaction needs of the world. The horizon is read now.
func (db *DB) env(ver *version) *compaction.Env {
	seqs, horizon := db.snapshots.held(&db.visible)
	return &compaction.Env{
		Open:       func(s *manifest.Slice) (cursor, error) { return db.openInput(ver, s) },
		Create:     db.createTable,
		SyncDir:    db.syncDir,
		Yield:      db.giveWay,
		Readers:    compaction.Readers{Snapshots: seqs, Horizon: horizon},
		TableBytes: db.shape().TableBytes,
		Parallel:   db.opts.Compactions,
	}
}

// syncDir syncs the directory. Log, manifest and CURRENT share its descriptor, and
// the system tells of a failed sync once: a failure here is theirs too.
func (db *DB) syncDir() error {
	err := db.dir.Sync()
	if err != nil {
		db.log.Poison(err)
	}
	return err
}

func (db *DB) createTable(spec compaction.TableSpec) (compaction.Output, error) {
	number, err := db.manifest.NextFileNumber()
	if err != nil {
		db.log.Poison(err)
		return nil, err
	}
	name := filename.Make(filename.Table, number)
	f, err := db.dir.Create(name)
	if err != nil {
		return nil, fmt.Errorf("varve: create table: %w", err)
	}
	t := &tableOutput{db: db, number: number, level: spec.Level, file: f, identity: db.clock.identity()}
	bits := db.opts.BloomBits
	if bits == 0 {
		bits = -1
	}
	t.w = sstable.NewWriter(f, sstable.WriterOptions{
		Identity:    t.identity,
		BlockBytes:  blockBytes,
		Compression: db.opts.codecFor(spec.Level),
		BloomBits:   bits,
		TimeMin:     spec.TimeMin,
		TimeMax:     spec.TimeMax,
	})
	return t, nil
}

// Add appends a version.
func (t *tableOutput) Add(k ikey.Key, value []byte) error { return t.w.Add(k, value) }

// EstimatedBytes is about how large the file would be by now.
func (t *tableOutput) EstimatedBytes() int64 { return t.w.EstimatedBytes() }

// Finish completes, syncs and closes the file, and describes it.
func (t *tableOutput) Finish() (*manifest.Slice, error) {
	p, err := t.w.Finish()
	if err == nil {
		err = t.file.Sync()
	}
	if cerr := t.closeFile(); err == nil {
		err = cerr
	}
	if err != nil {
		return nil, fmt.Errorf("varve: write table: %w", err)
	}
	return &manifest.Slice{
		ID: t.number, File: t.number, Identity: t.identity, Level: t.level,
		FileBytes: p.FileBytes, Lower: p.Lower, Upper: p.Upper,
		SeqMin: p.SeqMin, SeqMax: p.SeqMax,
		Entries: p.Entries, Tombstones: p.Tombstones, UserKeys: p.UserKeys,
		KeyBytes: p.KeyBytes, ValueBytes: p.ValueBytes, EntrySum: p.EntrySum,
	}, nil
}

// Abort removes the file; after a failed log or manifest nothing is deleted, and
// the next Open sweeps it.
func (t *tableOutput) Abort() error {
	t.w.Close()
	err := t.closeFile()
	if t.db.log.Err() != nil {
		return err
	}
	return errors.Join(err, t.db.dir.Remove(filename.Make(filename.Table, t.number)))
}

func (t *tableOutput) closeFile() error {
	if t.isClosed {
		return nil
	}
	t.isClosed = true
	return t.file.Close()
}
