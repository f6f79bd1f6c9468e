//go:build unix && !linux && !solaris && !illumos && !aix

package vfs

import "os"

// tryLock uses flock: a POSIX lock would be dropped when any other descriptor
// of the file closes in this process.
func tryLock(f *os.File, mode lockMode) error { return flock(f, mode) }
