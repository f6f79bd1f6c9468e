package vfs

import (
	"errors"
	"os"
	"path/filepath"

	"golang.org/x/sys/windows"
)

// openNonblock: pipes have a name space of their own here.
const openNonblock = 0

// syncDir does nothing: windows takes no flush of a directory, NTFS journals
// creations, renames and removals in order.
func syncDir(*os.File) error { return nil }

// linkAcross goes by paths: there is no linkat.
func linkAcross(from *osDir, name string, to *osDir, newName string) error {
	return os.Link(filepath.Join(from.path, name), filepath.Join(to.path, newName))
}

func freeBytes(dir *os.File) (uint64, error) {
	path, err := windows.UTF16PtrFromString(dir.Name())
	if err != nil {
		return 0, err
	}
	var free uint64
	err = windows.GetDiskFreeSpaceEx(path, &free, nil, nil)
	return free, err
}

// tryLock locks one byte far behind any content: windows locks are mandatory,
// and nothing shall hinder reading the file.
func tryLock(f *os.File, mode lockMode) error {
	flags := uint32(windows.LOCKFILE_FAIL_IMMEDIATELY)
	if mode == lockExclusive {
		flags |= windows.LOCKFILE_EXCLUSIVE_LOCK
	}
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var result error
	err = raw.Control(func(fd uintptr) {
		at := windows.Overlapped{OffsetHigh: 1 << 30}
		result = windows.LockFileEx(windows.Handle(fd), flags, 0, 1, 0, &at)
	})
	if errors.Is(result, windows.ERROR_LOCK_VIOLATION) || errors.Is(result, windows.ERROR_IO_PENDING) {
		return ErrLocked
	}
	return errors.Join(err, result)
}
