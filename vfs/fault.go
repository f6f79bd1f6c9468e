package vfs

import (
	"errors"
	"io"
	"sync/atomic"
	"syscall"
)

// What a Fault's function may return besides an error to inject.
var (
	// ErrShortWrite before a write has its first half written and ENOSPC
	// returned with that count; before a read, half of it read and EIO.
	ErrShortWrite = errors.New("injected: half of it")
	// ErrDropped skips the effect and reports success: a disk that lies. It
	// works on removals, renames, links, writes, truncations and syncs.
	ErrDropped = errors.New("injected: dropped in silence")
	// ErrFlipped after a read flips one bit of what was read and reports success.
	ErrFlipped = errors.New("injected: a flipped bit")
)

// Fault is another file system with faults: a function is asked before and
// after every call. What it returns is injected: before, in place of the effect;
// after, beside it. Both look the same to the caller, who must bear both.
//
// A failed Sync or SyncData over a Strict loses what was unsynced for good, as
// systems do: the pages count as clean, a later sync of the file succeeds and
// saves nothing. A failed Close releases the descriptor.
type Fault struct {
	inner FS
	ask   func(Op) error
	ops   atomic.Uint64
}

// NewFault puts faults in front of inner. f may be called from any goroutine;
// nil answers let the call pass. The two calls for one operation share its Index.
func NewFault(inner FS, f func(op Op) error) *Fault {
	return &Fault{inner: inner, ask: f}
}

// Ops is the number of calls so far.
func (f *Fault) Ops() uint64 { return f.ops.Load() }

// OpenDir implements FS.
func (f *Fault) OpenDir(path string, create bool) (Dir, error) {
	var d Dir
	err := f.call(Op{Kind: OpOpenDir, Dir: path}, func() (err error) {
		d, err = f.inner.OpenDir(path, create)
		return err
	})
	return opened(d, err, func(d Dir) Dir { return &faultDir{f: f, Dir: d} })
}

// call asks, does, asks again.
func (f *Fault) call(op Op, do func() error) error {
	op.Index = f.ops.Add(1) - 1
	if err := f.ask(op); err != nil {
		if errors.Is(err, ErrDropped) && op.Kind.droppable() {
			return nil
		}
		return injected(op, err)
	}
	if err := do(); err != nil {
		return err
	}
	op.After = true
	if err := f.ask(op); err != nil {
		return injected(op, err)
	}
	return nil
}

func (k OpKind) droppable() bool {
	switch k {
	case OpRemove, OpRename, OpLink, OpSyncDir, OpWrite, OpWriteSync, OpSync, OpSyncData, OpTruncate, OpWriteback:
		return true
	}
	return false
}

func injected(op Op, err error) error { return wrap(op.Kind.String(), op.Dir, op.Name, err) }

// opened wraps what an opening call gave; what was opened in spite of an
// injected error is closed, the caller never sees it.
func opened[T interface {
	comparable
	io.Closer
}](v T, err error, wrapped func(T) T) (T, error) {
	var none T
	if err == nil {
		return wrapped(v), nil
	}
	if v != none {
		err = errors.Join(err, v.Close())
	}
	return none, err
}

// faultDir asks before and after each call. What it does not override (Path)
// passes.
type faultDir struct {
	Dir
	f *Fault
}

func (d *faultDir) call(op Op, do func() error) error {
	op.Dir = d.Path()
	return d.f.call(op, do)
}

func (d *faultDir) Create(name string) (File, error) {
	return d.open(Op{Kind: OpCreate, Name: name}, d.Dir.Create)
}

func (d *faultDir) Open(name string) (File, error) {
	return d.open(Op{Kind: OpOpen, Name: name}, d.Dir.Open)
}

func (d *faultDir) OpenReadWrite(name string) (File, error) {
	return d.open(Op{Kind: OpOpenReadWrite, Name: name}, d.Dir.OpenReadWrite)
}

func (d *faultDir) open(op Op, do func(string) (File, error)) (File, error) {
	var file File
	err := d.call(op, func() (err error) {
		file, err = do(op.Name)
		return err
	})
	return opened(file, err, func(file File) File { return &faultFile{File: file, dir: d.Path(), f: d.f} })
}

func (d *faultDir) Remove(name string) error {
	return d.call(Op{Kind: OpRemove, Name: name}, func() error { return d.Dir.Remove(name) })
}

func (d *faultDir) Rename(oldName, newName string) error {
	op := Op{Kind: OpRename, Name: oldName, NewName: newName}
	return d.call(op, func() error { return d.Dir.Rename(oldName, newName) })
}

func (d *faultDir) Link(name string, to Dir, newName string) error {
	if target, ok := to.(*faultDir); ok {
		to = target.Dir
	}
	op := Op{Kind: OpLink, Name: name, NewName: newName}
	return d.call(op, func() error { return d.Dir.Link(name, to, newName) })
}

func (d *faultDir) List() (names []string, err error) {
	err = d.call(Op{Kind: OpList}, func() (err error) {
		names, err = d.Dir.List()
		return err
	})
	return onSuccess(names, err)
}

func (d *faultDir) Stat(name string) (info Info, err error) {
	err = d.call(Op{Kind: OpStat, Name: name}, func() (err error) {
		info, err = d.Dir.Stat(name)
		return err
	})
	return onSuccess(info, err)
}

func (d *faultDir) Sync() error { return d.call(Op{Kind: OpSyncDir}, d.Dir.Sync) }

func (d *faultDir) Lock(name string, shared bool) (io.Closer, error) {
	var lock io.Closer
	err := d.call(Op{Kind: OpLock, Name: name}, func() (err error) {
		lock, err = d.Dir.Lock(name, shared)
		return err
	})
	return opened(lock, err, func(lock io.Closer) io.Closer { return &faultLock{d: d, name: name, lock: lock} })
}

func (d *faultDir) FreeBytes() (n uint64, err error) {
	err = d.call(Op{Kind: OpFreeBytes}, func() (err error) {
		n, err = d.Dir.FreeBytes()
		return err
	})
	return onSuccess(n, err)
}

func (d *faultDir) Close() error { return closing(d.call, Op{Kind: OpCloseDir}, d.Dir) }

// faultLock asks around the unlock.
type faultLock struct {
	d    *faultDir
	name string
	lock io.Closer
}

func (l *faultLock) Close() error {
	return closing(l.d.call, Op{Kind: OpUnlock, Name: l.name}, l.lock)
}

// closing closes even when an error was injected before: a failed close of the
// system releases the descriptor too.
func closing(call func(Op, func() error) error, op Op, c io.Closer) error {
	done := false
	err := call(op, func() error {
		done = true
		return c.Close()
	})
	if !done {
		err = errors.Join(err, c.Close())
	}
	return err
}

func onSuccess[T any](v T, err error) (T, error) {
	if err != nil {
		var none T
		return none, err
	}
	return v, nil
}

// outOfSpace and badDisk are what half-done calls report.
const (
	outOfSpace = syscall.ENOSPC
	badDisk    = syscall.EIO
)
