package vfs

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"sync"
	"syscall"
)

// Lock implements Dir. The in-process table comes first: it also holds where the
// system's locks do not exist, or belong to the process.
func (d *osDir) Lock(name string, shared bool) (io.Closer, error) {
	mode := lockExclusive
	if shared {
		mode = lockShared
	}
	if err := checkName("lock", d.path, name); err != nil {
		return nil, err
	}
	self, err := d.self.Stat()
	if err != nil {
		return nil, wrap("lock", d.path, name, err)
	}
	l := &osLock{dir: d.path, name: name, self: self, mode: mode}
	if !osLocks.add(l) {
		return nil, wrap("lock", d.path, name, ErrLocked)
	}
	if l.file, err = d.lockFile(name, mode); err != nil {
		osLocks.remove(l)
		return nil, wrap("lock", d.path, name, err)
	}
	return l, nil
}

// lockFile opens and locks the named file. The result is nil without an error
// where a shared lock is wanted, the file is missing and the directory cannot be
// written: then no writer like us can come either.
func (d *osDir) lockFile(name string, mode lockMode) (*os.File, error) {
	f, err := d.openLockFile(name, mode)
	if f == nil || err != nil {
		return nil, err
	}
	if err := tryLock(f, mode); err != nil {
		return nil, errors.Join(reason(err), f.Close())
	}
	// Somebody may have replaced the file between opening and locking: then two
	// owners would hold locks on two files of one name.
	if err := d.sameFile(name, f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func (d *osDir) openLockFile(name string, mode lockMode) (*os.File, error) {
	f, err := d.openRaw("lock", name, os.O_RDWR|os.O_CREATE)
	if mode == lockExclusive || err == nil || !notWritable(err) {
		return f, err
	}
	f, err = d.openRaw("lock", name, os.O_RDONLY)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return f, err
}

func notWritable(err error) bool {
	return errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS)
}

func (d *osDir) sameFile(name string, f *os.File) error {
	opened, err := f.Stat()
	if err != nil {
		return reason(err)
	}
	named, err := d.root.Stat(name)
	if err != nil {
		return reason(err)
	}
	if !os.SameFile(opened, named) {
		return ErrLocked
	}
	return nil
}

// lockMode is how a lock is held.
type lockMode uint8

const (
	lockExclusive lockMode = iota + 1
	lockShared
)

// osLock is one held lock.
type osLock struct {
	dir, name string
	self      fs.FileInfo // the directory's identity, whatever its path
	mode      lockMode
	file      *os.File // nil: only the in-process lock is held
	once      sync.Once
}

// Close gives the lock back; a second Close does nothing. The file stays:
// removing it would let two openers lock two different files.
func (l *osLock) Close() (err error) {
	l.once.Do(func() {
		if l.file != nil {
			err = wrap("unlock", l.dir, l.name, l.file.Close())
		}
		osLocks.remove(l)
	})
	return err
}

// lockTable is the locks that this process holds.
type lockTable struct {
	mu   sync.Mutex // guards held; a leaf, never held across the disk
	held map[*osLock]struct{}
}

var osLocks = lockTable{held: map[*osLock]struct{}{}}

// add is false when the lock conflicts with a held one.
func (t *lockTable) add(l *osLock) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for h := range t.held {
		conflict := l.mode == lockExclusive || h.mode == lockExclusive
		if conflict && h.name == l.name && os.SameFile(h.self, l.self) {
			return false
		}
	}
	t.held[l] = struct{}{}
	return true
}

func (t *lockTable) remove(l *osLock) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.held, l)
}
