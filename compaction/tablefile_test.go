package compaction

import (
	"errors"
	"fmt"

	"github.com/varvekv/varve/internal/filename"
	"github.com/varvekv/varve/internal/ikey"
	"github.com/varvekv/varve/manifest"
	"github.com/varvekv/varve/sstable"
	"github.com/varvekv/varve/vfs"
)

// The engine has its own Output; this one is as plain as can be.

// tables makes outputs that are table files in a directory.
type tables struct {
	Dir      vfs.Dir
	Number   func() (uint64, error) // the next file number, never given before
	Identity func() uint64          // random, not 0
}

// Create begins a table file; it fits Env.Create.
func (t *tables) Create(spec TableSpec) (Output, error) {
	number, err := t.Number()
	if err != nil {
		return nil, fmt.Errorf("number of a new table: %w", err)
	}
	name := filename.Make(filename.Table, number)
	f, err := t.Dir.Create(name)
	if err != nil {
		return nil, err
	}
	o := sstable.WriterOptions{Identity: t.Identity(), TimeMin: spec.TimeMin, TimeMax: spec.TimeMax}
	return &table{dir: t.Dir, name: name, number: number, identity: o.Identity, f: f, w: sstable.NewWriter(f, o)}, nil
}

// table is an Output that is a file.
type table struct {
	dir              vfs.Dir
	name             string
	number, identity uint64
	f                vfs.File // nil once closed
	w                *sstable.Writer
}

// Add implements Output.
func (t *table) Add(k ikey.Key, value []byte) error { return t.w.Add(k, value) }

// EstimatedBytes implements Output.
func (t *table) EstimatedBytes() int64 { return t.w.EstimatedBytes() }

// Finish implements Output. The file is synced through the descriptor that
// wrote it; what remains is the sync of the directory.
func (t *table) Finish() (*manifest.Slice, error) {
	p, err := t.w.Finish()
	if err != nil {
		return nil, fmt.Errorf("finish table %s: %w", t.name, err)
	}
	if err := t.f.SyncData(); err != nil {
		return nil, fmt.Errorf("sync table %s: %w", t.name, err)
	}
	if err := t.closeFile(); err != nil {
		return nil, err
	}
	return &manifest.Slice{
		ID: t.number, File: t.number, Identity: t.identity,
		FileBytes: p.FileBytes, Lower: p.Lower, Upper: p.Upper, SeqMin: p.SeqMin, SeqMax: p.SeqMax,
		Entries: p.Entries, Tombstones: p.Tombstones,
		KeyBytes: p.KeyBytes, ValueBytes: p.ValueBytes, EntrySum: p.EntrySum,
	}, nil
}

// Abort implements Output.
func (t *table) Abort() error {
	t.w.Close()
	return errors.Join(t.closeFile(), t.dir.Remove(t.name))
}

func (t *table) closeFile() error {
	if t.f == nil {
		return nil
	}
	f := t.f
	t.f = nil
	if err := f.Close(); err != nil {
		return fmt.Errorf("close table %s: %w", t.name, err)
	}
	return nil
}
