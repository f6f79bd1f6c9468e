package command

import (
	"github.com/varvekv/varve/cmd/varve/internal/console"
	"github.com/varvekv/varve/vfs"
)

// metered is a file system that moves a bar with what is read from its files.
type metered struct {
	vfs.FS
	bar *console.Bar
}

// OpenDir implements vfs.FS.
func (m metered) OpenDir(path string, create bool) (vfs.Dir, error) {
	d, err := m.FS.OpenDir(path, create)
	if err != nil {
		return nil, err
	}
	return meteredDir{d, m.bar}, nil
}

type meteredDir struct {
	vfs.Dir
	bar *console.Bar
}

// Open implements vfs.Dir.
func (d meteredDir) Open(name string) (vfs.File, error) {
	f, err := d.Dir.Open(name)
	if err != nil {
		return nil, err
	}
	return meteredFile{f, d.bar}, nil
}

type meteredFile struct {
	vfs.File
	bar *console.Bar
}

// ReadAt implements vfs.File.
func (f meteredFile) ReadAt(p []byte, off int64) (int, error) {
	n, err := f.File.ReadAt(p, off)
	f.bar.Add(n)
	return n, err
}
