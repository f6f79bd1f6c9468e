package pebbleengine

import (
	"strings"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/varvekv/varve/bench/internal/counting"
	"github.com/varvekv/varve/bench/internal/engine"
)

// fileSystem is Pebble's default file system with what is read counted, and
// what is written by kind of file. Every other method, and so each file's
// descriptor for read-ahead and preallocation, is the default's.
type fileSystem struct {
	vfs.FS
	written [counting.Other + 1]atomic.Int64 // bytes
	read    atomic.Int64
	syncs   atomic.Int64
}

func newFileSystem() *fileSystem { return &fileSystem{FS: vfs.Default} }

func (f *fileSystem) traffic() engine.Traffic {
	return engine.Traffic{
		LogBytes:   f.written[counting.Log].Load(),
		TableBytes: f.written[counting.Table].Load(),
		MetaBytes:  f.written[counting.Meta].Load(),
		OtherBytes: f.written[counting.Other].Load(),
		Syncs:      f.syncs.Load(),
		ReadBytes:  f.read.Load(),
	}
}

// kindOf knows the names that Pebble has beside varve's.
func (f *fileSystem) kindOf(path string) counting.Kind {
	name := f.FS.PathBase(path)
	switch {
	case strings.HasSuffix(name, ".blob"): // separated values
		return counting.Table
	case strings.HasPrefix(name, "OPTIONS"), strings.HasPrefix(name, "marker."):
		return counting.Meta
	}
	return counting.KindOf(name)
}

// Unwrap is the file system inside.
func (f *fileSystem) Unwrap() vfs.FS { return f.FS }

// Open opens a file whose reads are counted.
func (f *fileSystem) Open(name string, opts ...vfs.OpenOption) (vfs.File, error) {
	inner, err := f.FS.Open(name, opts...)
	return f.wrap(inner, name, err)
}

// Create makes a file that is counted.
func (f *fileSystem) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	inner, err := f.FS.Create(name, category)
	return f.wrap(inner, name, err)
}

// OpenReadWrite opens a file that is counted.
func (f *fileSystem) OpenReadWrite(name string, category vfs.DiskWriteCategory, opts ...vfs.OpenOption) (vfs.File, error) {
	inner, err := f.FS.OpenReadWrite(name, category, opts...)
	return f.wrap(inner, name, err)
}

// ReuseForWrite makes a file that is counted from an old one.
func (f *fileSystem) ReuseForWrite(oldName, newName string, category vfs.DiskWriteCategory) (vfs.File, error) {
	inner, err := f.FS.ReuseForWrite(oldName, newName, category)
	return f.wrap(inner, newName, err)
}

func (f *fileSystem) wrap(inner vfs.File, name string, err error) (vfs.File, error) {
	if err != nil {
		return nil, err
	}
	return &file{File: inner, written: &f.written[f.kindOf(name)], read: &f.read, syncs: &f.syncs}, nil
}

type file struct {
	vfs.File
	written, read, syncs *atomic.Int64
}

func (f *file) Read(p []byte) (int, error) {
	n, err := f.File.Read(p)
	f.read.Add(int64(n))
	return n, err
}

func (f *file) ReadAt(p []byte, offset int64) (int, error) {
	n, err := f.File.ReadAt(p, offset)
	f.read.Add(int64(n))
	return n, err
}

func (f *file) Write(p []byte) (int, error) {
	n, err := f.File.Write(p)
	f.written.Add(int64(n))
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
