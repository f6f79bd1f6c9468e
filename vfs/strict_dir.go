package vfs

import (
	"io/fs"
	"iter"
	"math"
	"path/filepath"
	"syscall"
)

// memDir is a directory. All guarded by the file system's mu.
type memDir struct {
	id      uint64
	path    string
	now     map[string]*inode
	disk    map[string]*inode // as of the last Sync
	pending []entryChange     // from disk to now, oldest first
}

// entryChange is one creation, link, removal or rename.
type entryChange struct {
	name string
	set  *inode // nil: removed
	from string // of a rename: the name that goes away with it
}

func (e entryChange) apply(entries map[string]*inode) {
	if e.from != "" {
		delete(entries, e.from)
	}
	if e.set == nil {
		delete(entries, e.name)
	} else {
		entries[e.name] = e.set
	}
}

// changeLocked does e and remembers it as not durable.
func (d *memDir) changeLocked(e entryChange) {
	e.apply(d.now)
	d.pending = append(d.pending, e)
}

// inodes yields every file that an image could hold, some more than once.
func (d *memDir) inodes() iter.Seq[*inode] {
	return func(yield func(*inode) bool) {
		for _, n := range d.disk {
			if !yield(n) {
				return
			}
		}
		for _, e := range d.pending {
			if e.set != nil && !yield(e.set) {
				return
			}
		}
	}
}

// strictDir is an open directory of a Strict.
type strictDir struct {
	*memHandle
	fs *Strict
	d  *memDir
}

func (d *strictDir) Path() string { return d.path }

// begin counts the call and checks names; without an error the file system's
// mu is held and the caller unlocks it.
func (d *strictDir) begin(op Op, names ...string) error {
	op.Dir = d.path
	d.fs.note(op)
	for _, name := range names {
		if err := checkName(op.Kind.String(), d.path, name); err != nil {
			return err
		}
	}
	d.fs.mu.Lock()
	if d.closed.Load() {
		return d.fail(op, fs.ErrClosed)
	}
	if d.fs.readOnly && op.Kind.Changes() && op.Kind != OpLock && op.Kind != OpSyncDir {
		return d.fail(op, fs.ErrPermission)
	}
	return nil
}

// fail unlocks and names the call.
func (d *strictDir) fail(op Op, err error) error {
	d.fs.mu.Unlock()
	return wrap(op.Kind.String(), d.path, op.Name, err)
}

func (d *strictDir) Create(name string) (File, error) {
	op := Op{Kind: OpCreate, Name: name}
	if err := d.begin(op, name); err != nil {
		return nil, err
	}
	n, err := d.createLocked(name)
	if err != nil {
		return nil, d.fail(op, err)
	}
	return d.openedLocked(name, n, writable), nil
}

func (d *strictDir) createLocked(name string) (*inode, error) {
	if d.d.now[name] != nil || d.fs.dirs[filepath.Join(d.path, name)] != nil {
		return nil, fs.ErrExist
	}
	if max := d.fs.limits.files; max > 0 && d.fs.countFilesLocked() >= max {
		return nil, syscall.ENOSPC
	}
	n := &inode{id: d.fs.ids.Add(1), modTicks: d.fs.tick()}
	d.fs.linkLocked(n)
	d.d.changeLocked(entryChange{name: name, set: n})
	return n, nil
}

func (d *strictDir) Open(name string) (File, error) {
	return d.open(Op{Kind: OpOpen, Name: name}, readable)
}

func (d *strictDir) OpenReadWrite(name string) (File, error) {
	return d.open(Op{Kind: OpOpenReadWrite, Name: name}, writable)
}

func (d *strictDir) open(op Op, a access) (File, error) {
	if err := d.begin(op, op.Name); err != nil {
		return nil, err
	}
	n, err := d.findLocked(op.Name)
	if err == nil && a == writable && d.fs.readOnly {
		err = fs.ErrPermission
	}
	if err != nil {
		return nil, d.fail(op, err)
	}
	return d.openedLocked(op.Name, n, a), nil
}

// openedLocked makes the handle and unlocks.
func (d *strictDir) openedLocked(name string, n *inode, a access) File {
	defer d.fs.mu.Unlock()
	return &strictFile{memHandle: d.fs.handleLocked(d.path, name), fs: d.fs, n: n, access: a}
}

func (d *strictDir) findLocked(name string) (*inode, error) {
	if n := d.d.now[name]; n != nil {
		return n, nil
	}
	if d.fs.dirs[filepath.Join(d.path, name)] != nil {
		return nil, errNotRegular
	}
	return nil, fs.ErrNotExist
}

func (d *strictDir) Remove(name string) error {
	op := Op{Kind: OpRemove, Name: name}
	if err := d.begin(op, name); err != nil {
		return err
	}
	n, err := d.findLocked(name)
	if err != nil {
		return d.fail(op, err)
	}
	defer d.fs.mu.Unlock()
	d.d.changeLocked(entryChange{name: name})
	d.fs.unlinkLocked(n)
	return nil
}

func (d *strictDir) Rename(oldName, newName string) error {
	op := Op{Kind: OpRename, Name: oldName, NewName: newName}
	if err := d.begin(op, oldName, newName); err != nil {
		return err
	}
	n, err := d.findLocked(oldName)
	if err == nil && d.fs.dirs[filepath.Join(d.path, newName)] != nil {
		err = errNotRegular
	}
	if err != nil {
		return d.fail(op, err)
	}
	defer d.fs.mu.Unlock()
	replaced := d.d.now[newName]
	if replaced == n {
		return nil // two names of one file: POSIX leaves both
	}
	d.d.changeLocked(entryChange{name: newName, set: n, from: oldName})
	if replaced != nil {
		d.fs.unlinkLocked(replaced)
	}
	return nil
}

func (d *strictDir) Link(name string, to Dir, newName string) error {
	op := Op{Kind: OpLink, Name: name, NewName: newName}
	target, ok := to.(*strictDir)
	if !ok || target.fs != d.fs {
		return wrap(op.Kind.String(), d.path, name, errOtherFS)
	}
	if err := d.begin(op, name, newName); err != nil {
		return err
	}
	n, err := d.findLocked(name)
	switch {
	case err != nil:
		return d.fail(op, err)
	case target.closed.Load():
		return d.fail(op, fs.ErrClosed)
	case target.d.now[newName] != nil || d.fs.dirs[filepath.Join(target.path, newName)] != nil:
		return d.fail(op, fs.ErrExist)
	}
	defer d.fs.mu.Unlock()
	target.d.changeLocked(entryChange{name: newName, set: n})
	d.fs.linkLocked(n)
	return nil
}

func (d *strictDir) List() ([]string, error) {
	if err := d.begin(Op{Kind: OpList}); err != nil {
		return nil, err
	}
	defer d.fs.mu.Unlock()
	return sortedNames(d.d.now), nil
}

func (d *strictDir) Stat(name string) (Info, error) {
	op := Op{Kind: OpStat, Name: name}
	if err := d.begin(op, name); err != nil {
		return Info{}, err
	}
	n := d.d.now[name]
	if n == nil && d.fs.dirs[filepath.Join(d.path, name)] != nil {
		defer d.fs.mu.Unlock()
		return Info{Mode: fs.ModeDir | dirMode}, nil
	}
	if n == nil {
		return Info{}, d.fail(op, fs.ErrNotExist)
	}
	defer d.fs.mu.Unlock()
	n.mu.RLock()
	defer n.mu.RUnlock()
	return Info{SizeBytes: n.now.size, ModTime: tickTime(n.modTicks), Mode: fileMode}, nil
}

func (d *strictDir) Sync() error {
	if err := d.begin(Op{Kind: OpSyncDir}); err != nil {
		return err
	}
	defer d.fs.mu.Unlock()
	for _, e := range d.d.pending {
		e.apply(d.d.disk)
	}
	d.d.pending = nil
	return nil
}

func (d *strictDir) FreeBytes() (uint64, error) {
	if err := d.begin(Op{Kind: OpFreeBytes}); err != nil {
		return 0, err
	}
	defer d.fs.mu.Unlock()
	if d.fs.limits.bytes == 0 {
		return math.MaxInt64, nil
	}
	return uint64(max(0, d.fs.limits.bytes-d.fs.used.Load())), nil
}

func (d *strictDir) Close() error {
	d.fs.note(Op{Kind: OpCloseDir, Dir: d.path})
	d.fs.release(d.memHandle)
	return nil
}
