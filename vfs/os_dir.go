package vfs

import (
	"errors"
	"io/fs"
	"os"
	"slices"
)

// osDir is a directory of the operating system. Constant after openRoot; root
// and self synchronise themselves.
type osDir struct {
	path string
	root *os.Root
	self *os.File // the directory itself: for sync, space and locks
}

func (d *osDir) Path() string { return d.path }

func (d *osDir) Create(name string) (File, error) {
	return d.open("create", name, os.O_RDWR|os.O_CREATE|os.O_EXCL)
}

func (d *osDir) Open(name string) (File, error) {
	return d.open("open", name, os.O_RDONLY)
}

func (d *osDir) OpenReadWrite(name string) (File, error) {
	return d.open("open", name, os.O_RDWR)
}

func (d *osDir) open(op, name string, flags int) (File, error) {
	f, err := d.openRaw(op, name, flags)
	if err != nil {
		return nil, err
	}
	return newOSFile(d.path, name, f)
}

// openRaw opens a regular file. It never waits, as opening a pipe would.
func (d *osDir) openRaw(op, name string, flags int) (*os.File, error) {
	if err := checkName(op, d.path, name); err != nil {
		return nil, err
	}
	f, err := d.root.OpenFile(name, flags|openNonblock, fileMode)
	if err != nil {
		return nil, wrap(op, d.path, name, err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errNotRegular
	}
	if err != nil {
		return nil, errors.Join(wrap(op, d.path, name, err), f.Close())
	}
	return f, nil
}

func (d *osDir) Remove(name string) error {
	const op = "remove"
	info, err := d.lstat(op, name)
	if err != nil {
		return err
	}
	if info.IsDir() { // os.Root would remove an empty one
		return wrap(op, d.path, name, errNotRegular)
	}
	return wrap(op, d.path, name, d.root.Remove(name))
}

func (d *osDir) Rename(oldName, newName string) error {
	const op = "rename"
	if err := checkName(op, d.path, newName); err != nil {
		return err
	}
	info, err := d.lstat(op, oldName)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return wrap(op, d.path, oldName, errNotRegular)
	}
	return wrap(op, d.path, oldName, d.root.Rename(oldName, newName))
}

func (d *osDir) Link(name string, to Dir, newName string) error {
	const op = "link"
	target, ok := to.(*osDir)
	if !ok {
		return wrap(op, d.path, name, errOtherFS)
	}
	if err := checkName(op, target.path, newName); err != nil {
		return err
	}
	info, err := d.lstat(op, name)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return wrap(op, d.path, name, errNotRegular)
	}
	return wrap(op, d.path, name, linkAcross(d, name, target, newName))
}

// errOtherFS answers a link into a directory that another FS opened.
var errOtherFS = errors.New("the other directory belongs to another file system")

func (d *osDir) lstat(op, name string) (fs.FileInfo, error) {
	if err := checkName(op, d.path, name); err != nil {
		return nil, err
	}
	info, err := d.root.Lstat(name)
	return info, wrap(op, d.path, name, err)
}

func (d *osDir) List() ([]string, error) {
	// A fresh handle, because reading a directory moves its cursor.
	f, err := d.root.Open(".")
	if err != nil {
		return nil, wrap("list", d.path, "", err)
	}
	entries, err := f.ReadDir(-1)
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, wrap("list", d.path, "", err)
	}
	var names []string
	for _, e := range entries {
		if e.Type().IsRegular() {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}

func (d *osDir) Stat(name string) (Info, error) {
	info, err := d.lstat("stat", name)
	if err != nil {
		return Info{}, err
	}
	return Info{SizeBytes: info.Size(), ModTime: info.ModTime(), Mode: info.Mode()}, nil
}

func (d *osDir) Sync() error {
	return wrap("sync directory", d.path, "", syncDir(d.self))
}

func (d *osDir) FreeBytes() (uint64, error) {
	n, err := freeBytes(d.self)
	return n, wrap("ask for free space", d.path, "", err)
}

func (d *osDir) Close() error {
	err := d.self.Close()
	if errors.Is(err, fs.ErrClosed) {
		err = nil // a second Close does no harm
	}
	return wrap("close directory", d.path, "", errors.Join(err, d.root.Close()))
}
