package vfs

import (
	"errors"
	"io"
)

// faultFile asks before and after each call. What it does not override (Name)
// passes.
type faultFile struct {
	File
	dir string
	f   *Fault
}

func (f *faultFile) call(op Op, do func() error) error {
	op.Dir, op.Name = f.dir, f.Name()
	return f.f.call(op, do)
}

func (f *faultFile) ReadAt(p []byte, off int64) (n int, err error) {
	op := Op{Kind: OpRead, Offset: off, Length: len(p)}
	end := error(nil) // io.EOF is no failure: the question after the call comes too
	err = f.call(op, func() error {
		n, end = f.File.ReadAt(p, off)
		if errors.Is(end, io.EOF) {
			return nil
		}
		return end
	})
	switch {
	case err == nil:
		return n, end
	case errors.Is(err, ErrFlipped):
		if n > 0 {
			p[n/2] ^= 1 << (off & 7)
		}
		return n, end
	case errors.Is(err, ErrShortWrite):
		n, _ = f.File.ReadAt(p[:len(p)/2], off)
		return n, injected(Op{Kind: OpRead, Dir: f.dir, Name: f.Name()}, badDisk)
	}
	return 0, err
}

func (f *faultFile) WriteAt(p []byte, off int64) (int, error) {
	return f.write(OpWrite, p, off, f.File.WriteAt)
}

// WriteAtSync implements SyncWriter.
func (f *faultFile) WriteAtSync(p []byte, off int64) (int, error) {
	return f.write(OpWriteSync, p, off, func(p []byte, off int64) (int, error) {
		return WriteAtSync(f.File, p, off)
	})
}

func (f *faultFile) write(kind OpKind, p []byte, off int64, do func([]byte, int64) (int, error)) (int, error) {
	n, tried := 0, false
	op := Op{Kind: kind, Offset: off, Length: len(p)}
	err := f.call(op, func() (err error) {
		tried = true
		n, err = do(p, off)
		return err
	})
	switch {
	case err == nil && !tried: // dropped
		return len(p), nil
	case errors.Is(err, ErrShortWrite) && !tried:
		if n, err = do(p[:len(p)/2], off); err == nil {
			err = injected(Op{Kind: kind, Dir: f.dir, Name: f.Name()}, outOfSpace)
		}
		return n, err
	case err != nil && n == len(p): // injected after the effect
		return 0, err
	}
	return n, err
}

func (f *faultFile) Sync() error { return f.sync(Op{Kind: OpSync}, f.File.Sync) }

func (f *faultFile) SyncData() error { return f.sync(Op{Kind: OpSyncData}, f.File.SyncData) }

// syncFailer is a File that models what a failed sync leaves.
type syncFailer interface{ failSync() }

func (f *faultFile) sync(op Op, do func() error) error {
	tried := false
	err := f.call(op, func() error {
		tried = true
		return do()
	})
	if s, ok := f.File.(syncFailer); ok && err != nil && !tried {
		s.failSync()
	}
	return err
}

// failSync passes through stacked faults.
func (f *faultFile) failSync() {
	if s, ok := f.File.(syncFailer); ok {
		s.failSync()
	}
}

func (f *faultFile) StartWriteback(offset, length int64) error {
	op := Op{Kind: OpWriteback, Offset: offset, Length: int(length)}
	return f.call(op, func() error { return f.File.StartWriteback(offset, length) })
}

func (f *faultFile) Truncate(sizeBytes int64) error {
	op := Op{Kind: OpTruncate, Offset: sizeBytes}
	return f.call(op, func() error { return f.File.Truncate(sizeBytes) })
}

func (f *faultFile) Size() (n int64, err error) {
	err = f.call(Op{Kind: OpSize}, func() (err error) {
		n, err = f.File.Size()
		return err
	})
	return onSuccess(n, err)
}

func (f *faultFile) Close() error { return closing(f.call, Op{Kind: OpClose}, f.File) }
