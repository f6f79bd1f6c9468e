//go:build unix && !solaris && !illumos && !aix

package vfs

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// linkAcross links by directory descriptors: paths could have been moved.
func linkAcross(from *osDir, name string, to *osDir, newName string) error {
	return control(from.self, func(fromFD int) error {
		return control(to.self, func(toFD int) error {
			return unix.Linkat(fromFD, name, toFD, newName, 0)
		})
	})
}

// flock locks the open file description, not the process.
func flock(f *os.File, mode lockMode) error {
	how := unix.LOCK_EX
	if mode == lockShared {
		how = unix.LOCK_SH
	}
	err := control(f, func(fd int) error { return unix.Flock(fd, how|unix.LOCK_NB) })
	if errors.Is(err, unix.EWOULDBLOCK) {
		return ErrLocked
	}
	return err
}
