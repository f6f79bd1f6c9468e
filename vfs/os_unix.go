//go:build unix

package vfs

import (
	"io/fs"
	"os"
	"syscall"
)

// openNonblock keeps the opening of a pipe from waiting for its other end; on
// regular files it means nothing.
const openNonblock = syscall.O_NONBLOCK

// syncDir makes the directory's entries durable.
func syncDir(d *os.File) error { return d.Sync() }

// control runs do on the descriptor, again when interrupted.
func control(f *os.File, do func(fd int) error) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	for {
		var result error
		if raw.Control(func(fd uintptr) { result = do(int(fd)) }) != nil {
			return fs.ErrClosed // the only reason, though not by that name
		}
		if result != syscall.EINTR {
			return result
		}
	}
}
