package vfs

import (
	"fmt"
	"io"
	"io/fs"
	"syscall"
)

// access is what a file was opened for.
type access uint8

const (
	readable access = iota + 1
	writable
)

// maxFileBytes bounds the table of sectors that a stray offset would ask for.
const maxFileBytes = 64 << 30

// strictFile is an open file of a Strict. Constant after opening.
type strictFile struct {
	*memHandle
	fs     *Strict
	n      *inode
	access access
}

func (f *strictFile) Name() string { return f.name }

func (f *strictFile) ReadAt(p []byte, off int64) (int, error) {
	op := Op{Kind: OpRead, Offset: off, Length: len(p)}
	if err := f.note(op); err != nil {
		return 0, err
	}
	if off < 0 {
		return 0, f.fail(op, fs.ErrInvalid)
	}
	f.n.mu.RLock()
	n := f.n.now.read(p, off)
	f.n.mu.RUnlock()
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (f *strictFile) WriteAt(p []byte, off int64) (int, error) {
	op := Op{Kind: OpWrite, Offset: off, Length: len(p)}
	if err := f.begin(op); err != nil {
		return 0, err
	}
	defer f.end()
	n, _, _, err := f.write(p, off)
	return n, f.fail(op, err)
}

// WriteAtSync implements SyncWriter.
func (f *strictFile) WriteAtSync(p []byte, off int64) (int, error) {
	op := Op{Kind: OpWriteSync, Offset: off, Length: len(p)}
	if err := f.begin(op); err != nil {
		return 0, err
	}
	defer f.end()
	n, lo, hi, err := f.write(p, off)
	if err == nil && n > 0 {
		f.n.settle(lo, hi)
	}
	return n, f.fail(op, err)
}

// write puts what fits on the disk: the count, and which sectors it changed.
func (f *strictFile) write(p []byte, off int64) (n, lo, hi int, err error) {
	if off < 0 {
		return 0, 0, 0, fs.ErrInvalid
	}
	if int64(len(p)) > maxFileBytes-off {
		return 0, 0, 0, syscall.EFBIG
	}
	if len(p) == 0 {
		return 0, 0, 0, nil
	}
	before := f.n.now.size
	if room := f.fs.roomFor(before, off+int64(len(p))); room < off+int64(len(p)) {
		p, err = p[:max(0, room-off)], syscall.ENOSPC
	}
	if len(p) > 0 {
		lo, hi = f.n.write(p, off)
	}
	f.fs.charge(f.n, before)
	return len(p), lo, hi, err
}

func (f *strictFile) Sync() error { return f.sync(Op{Kind: OpSync}) }

func (f *strictFile) SyncData() error { return f.sync(Op{Kind: OpSyncData}) }

func (f *strictFile) sync(op Op) error {
	if err := f.note(op); err != nil { // a file opened for reading may be synced too
		return err
	}
	f.lock()
	defer f.end()
	f.n.sync()
	return nil
}

// failSync is a sync that fails: see inode.fail.
func (f *strictFile) failSync() {
	f.lock()
	defer f.end()
	f.n.fail()
}

func (f *strictFile) StartWriteback(offset, length int64) error {
	return f.note(Op{Kind: OpWriteback, Offset: offset, Length: int(length)})
}

func (f *strictFile) Truncate(sizeBytes int64) error {
	op := Op{Kind: OpTruncate, Offset: sizeBytes}
	if err := f.begin(op); err != nil {
		return err
	}
	defer f.end()
	if sizeBytes < 0 {
		return f.fail(op, fs.ErrInvalid)
	}
	if sizeBytes > maxFileBytes {
		return f.fail(op, syscall.EFBIG)
	}
	before := f.n.now.size
	if f.fs.roomFor(before, sizeBytes) < sizeBytes {
		return f.fail(op, syscall.ENOSPC)
	}
	f.n.resize(sizeBytes)
	f.fs.charge(f.n, before)
	return nil
}

func (f *strictFile) Size() (int64, error) {
	if err := f.note(Op{Kind: OpSize}); err != nil {
		return 0, err
	}
	f.n.mu.RLock()
	defer f.n.mu.RUnlock()
	return f.n.now.size, nil
}

func (f *strictFile) Close() error {
	op := Op{Kind: OpClose}
	if err := f.note(op); err != nil {
		return err
	}
	if !f.fs.release(f.memHandle) {
		return f.fail(op, fs.ErrClosed)
	}
	return nil
}

// note counts the call; its error is that of a closed file.
func (f *strictFile) note(op Op) error {
	op.Dir, op.Name = f.path, f.name
	f.fs.note(op)
	if f.closed.Load() {
		return f.fail(op, fs.ErrClosed)
	}
	return nil
}

// begin counts a change and locks for it, unless there is an error; end unlocks.
func (f *strictFile) begin(op Op) error {
	if err := f.note(op); err != nil {
		return err
	}
	f.lock()
	err := error(nil)
	switch {
	case f.access != writable:
		err = fmt.Errorf("%w: %w", errReadOnlyFile, fs.ErrPermission)
	case f.fs.readOnly:
		err = fs.ErrPermission
	}
	if err != nil {
		f.end()
	}
	return f.fail(op, err)
}

func (f *strictFile) lock() {
	f.fs.mu.RLock()
	f.n.mu.Lock()
}

func (f *strictFile) end() {
	f.n.mu.Unlock()
	f.fs.mu.RUnlock()
}

func (f *strictFile) fail(op Op, err error) error {
	return wrap(op.Kind.String(), f.path, f.name, err)
}
