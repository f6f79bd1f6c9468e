// Package counting wraps a file system and counts what is written to it and read
// from it, by kind of file. That is where amplification is measured: at the last
// place before the operating system, whatever the database itself believes.
package counting

import (
	"strings"
	"sync/atomic"

	"github.com/varvekv/varve/vfs"
)

// Kind is what a file is for, told from its name.
type Kind uint8

// Kinds of file. Other is locks and whatever has no known name.
const (
	Log Kind = iota
	Table
	Meta // manifests and the file that names the current one
	Other
	kinds
)

// KindOf judges a base name. A temporary name counts as what it will become.
func KindOf(name string) Kind {
	name = strings.TrimSuffix(name, ".tmp")
	switch {
	case strings.HasSuffix(name, ".log"):
		return Log
	case strings.HasSuffix(name, ".sst"):
		return Table
	case strings.HasPrefix(name, "MANIFEST"), name == "CURRENT":
		return Meta
	}
	return Other
}

// FS is a file system that counts. Its methods may be called from any goroutine.
type FS struct {
	inner   vfs.FS
	written [kinds]atomic.Int64 // bytes
	read    [kinds]atomic.Int64 // bytes
	syncs   [kinds]atomic.Int64
}

// New wraps a file system.
func New(inner vfs.FS) *FS { return &FS{inner: inner} }

// Written is the bytes written to files of a kind so far, each write counted
// whole, rewritten ranges again.
func (f *FS) Written(k Kind) int64 { return f.written[k].Load() }

// Read is the bytes read from files of a kind so far, whether the system had
// them in its cache or not.
func (f *FS) Read(k Kind) int64 { return f.read[k].Load() }

// Syncs is how often files of a kind were flushed to the disk.
func (f *FS) Syncs(k Kind) int64 { return f.syncs[k].Load() }

// OpenDir opens a directory whose files are counted.
func (f *FS) OpenDir(path string, create bool) (vfs.Dir, error) {
	d, err := f.inner.OpenDir(path, create)
	if err != nil {
		return nil, err
	}
	return &dir{Dir: d, fs: f}, nil
}

type dir struct {
	vfs.Dir
	fs *FS
}

func (d *dir) Create(name string) (vfs.File, error) {
	f, err := d.Dir.Create(name)
	return d.wrap(f, name, err)
}

func (d *dir) Open(name string) (vfs.File, error) {
	f, err := d.Dir.Open(name)
	return d.wrap(f, name, err)
}

func (d *dir) OpenReadWrite(name string) (vfs.File, error) {
	f, err := d.Dir.OpenReadWrite(name)
	return d.wrap(f, name, err)
}

func (d *dir) Link(name string, to vfs.Dir, newName string) error {
	if t, ok := to.(*dir); ok {
		to = t.Dir // the inner system knows only its own
	}
	return d.Dir.Link(name, to, newName)
}

func (d *dir) wrap(f vfs.File, name string, err error) (vfs.File, error) {
	if err != nil {
		return nil, err
	}
	k := KindOf(name)
	return &file{File: f, written: &d.fs.written[k], read: &d.fs.read[k], syncs: &d.fs.syncs[k]}, nil
}

type file struct {
	vfs.File
	written, read, syncs *atomic.Int64
}

func (f *file) ReadAt(p []byte, offset int64) (int, error) {
	n, err := f.File.ReadAt(p, offset)
	f.read.Add(int64(n))
	return n, err
}

func (f *file) WriteAt(p []byte, offset int64) (int, error) {
	n, err := f.File.WriteAt(p, offset)
	f.written.Add(int64(n))
	return n, err
}

func (f *file) Sync() error {
	f.syncs.Add(1)
	return f.File.Sync()
}

func (f *file) SyncData() error {
	f.syncs.Add(1)
	return f.File.SyncData()
}
