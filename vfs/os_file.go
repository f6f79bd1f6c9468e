package vfs

import (
	"errors"
	"io/fs"
	"os"
	"sync"
	"syscall"
)

// osFile is an open regular file of the operating system. Constant after
// newOSFile; os.File keeps the descriptor from being reused under a call.
type osFile struct {
	dir, name string
	f         *os.File
	raw       syscall.RawConn
}

func newOSFile(dir, name string, f *os.File) (File, error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return nil, errors.Join(wrap("open", dir, name, err), f.Close())
	}
	return &osFile{dir: dir, name: name, f: f, raw: raw}, nil
}

func (f *osFile) Name() string { return f.name }

// ReadAt and WriteAt pass the errors of os on, whose path holds the directory
// too; io.EOF stays bare.

func (f *osFile) ReadAt(p []byte, off int64) (int, error)  { return f.f.ReadAt(p, off) }
func (f *osFile) WriteAt(p []byte, off int64) (int, error) { return f.f.WriteAt(p, off) }

func (f *osFile) Sync() error { return wrap("sync", f.dir, f.name, f.f.Sync()) }

func (f *osFile) SyncData() error {
	return wrap("sync data", f.dir, f.name, syncData(f))
}

// WriteAtSync implements SyncWriter.
func (f *osFile) WriteAtSync(p []byte, off int64) (int, error) {
	n, err := writeAtSync(f, p, off)
	return n, wrap("write and sync", f.dir, f.name, err)
}

// writeThenSync is WriteAtSync where the system has no range sync.
func writeThenSync(f *osFile, p []byte, off int64) (int, error) {
	n, err := f.f.WriteAt(p, off)
	if err != nil {
		return n, reason(err)
	}
	return n, reason(syncData(f))
}

func (f *osFile) StartWriteback(offset, length int64) error {
	return wrap("start writeback", f.dir, f.name, startWriteback(f, offset, length))
}

func (f *osFile) Truncate(sizeBytes int64) error {
	return wrap("truncate", f.dir, f.name, f.f.Truncate(sizeBytes))
}

func (f *osFile) Size() (int64, error) {
	info, err := f.f.Stat()
	if err != nil {
		return 0, wrap("stat", f.dir, f.name, err)
	}
	return info.Size(), nil
}

func (f *osFile) Close() error { return wrap("close", f.dir, f.name, f.f.Close()) }

// fdCall is one system call on a descriptor, its arguments and its result. It
// is pooled with its closure, so that a sync allocates nothing.
type fdCall struct {
	do             func(fd uintptr, c *fdCall) error
	offset, length int64
	vector         [1][]byte // of a write
	n              int       // bytes written
	err            error
	run            func(fd uintptr)
}

var fdCalls = sync.Pool{New: func() any {
	c := &fdCall{}
	c.run = func(fd uintptr) { c.err = c.do(fd, c) }
	return c
}}

// onFD runs do on the descriptor, which stays open meanwhile. An interrupted
// call is made again: nothing of it has happened.
func (f *osFile) onFD(do func(fd uintptr, c *fdCall) error, offset, length int64) error {
	c := fdCalls.Get().(*fdCall)
	c.do, c.offset, c.length = do, offset, length
	defer fdCalls.Put(c)
	for {
		if f.raw.Control(c.run) != nil {
			return fs.ErrClosed // the only reason, though not by that name
		}
		if c.err != syscall.EINTR {
			return c.err
		}
	}
}
