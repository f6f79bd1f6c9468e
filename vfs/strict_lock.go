package vfs

import (
	"io"
	"io/fs"
)

// lockKey is what a lock is held on.
type lockKey struct {
	dir  *memDir
	name string
}

func (d *strictDir) Lock(name string, shared bool) (io.Closer, error) {
	op := Op{Kind: OpLock, Name: name}
	if err := d.begin(op, name); err != nil {
		return nil, err
	}
	key := lockKey{d.d, name}
	holders := d.fs.locks[key]
	if holders < 0 || holders > 0 && !shared {
		return nil, d.fail(op, ErrLocked)
	}
	if err := d.lockFileLocked(name, shared); err != nil {
		return nil, d.fail(op, err)
	}
	defer d.fs.mu.Unlock()
	if shared {
		d.fs.locks[key]++
	} else {
		d.fs.locks[key] = -1
	}
	return &strictLock{memHandle: d.fs.handleLocked(d.path, name), fs: d.fs, key: key}, nil
}

func (d *strictDir) lockFileLocked(name string, shared bool) error {
	switch {
	case d.fs.readOnly && shared:
		return nil
	case d.fs.readOnly:
		return fs.ErrPermission
	case d.d.now[name] != nil:
		return nil
	}
	_, err := d.createLocked(name)
	return err
}

// strictLock is a held lock.
type strictLock struct {
	*memHandle
	fs  *Strict
	key lockKey
}

func (l *strictLock) Close() error {
	if !l.fs.release(l.memHandle) {
		return nil
	}
	l.fs.note(Op{Kind: OpUnlock, Dir: l.path, Name: l.name})
	l.fs.mu.Lock()
	defer l.fs.mu.Unlock()
	if l.fs.locks[l.key]--; l.fs.locks[l.key] <= 0 {
		delete(l.fs.locks, l.key)
	}
	return nil
}
