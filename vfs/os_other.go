//go:build (!unix && !windows) || solaris || illumos || aix

package vfs

import (
	"os"
	"path/filepath"
)

// tryLock: without locks that belong to an open file only the in-process table
// guards the directory. POSIX locks would be worse than none: they are dropped
// when any other descriptor of the file closes.
func tryLock(*os.File, lockMode) error { return nil }

// linkAcross goes by paths: x/sys has no linkat here.
func linkAcross(from *osDir, name string, to *osDir, newName string) error {
	return os.Link(filepath.Join(from.path, name), filepath.Join(to.path, newName))
}
