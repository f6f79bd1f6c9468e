package vfs

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// OS is the operating system's file system. Its directories are confined by
// os.Root: no name or symbolic link leads out of them.
var OS FS = osFS{}

const (
	dirMode  fs.FileMode = 0o700
	fileMode fs.FileMode = 0o600
)

type osFS struct{}

// OpenDir implements FS.
func (osFS) OpenDir(path string, create bool) (Dir, error) {
	path = filepath.Clean(path)
	if create {
		if err := makeDirs(path); err != nil {
			return nil, err
		}
	}
	// Ask before opening: opening a pipe in the directory's place would wait.
	info, err := os.Stat(path)
	if err != nil {
		return nil, wrap("open directory", path, "", err)
	}
	if !info.IsDir() {
		return nil, wrap("open directory", path, "", syscall.ENOTDIR)
	}
	return openRoot(path)
}

func openRoot(path string) (Dir, error) {
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, wrap("open directory", path, "", err)
	}
	self, err := root.Open(".")
	if err != nil {
		return nil, errors.Join(wrap("open directory", path, "", err), root.Close())
	}
	return &osDir{path: path, root: root, self: self}, nil
}

// makeDirs makes path and its missing parents one by one, syncing the parent
// after each. So of all directories that exist only the deepest can be unsynced
// (a crash came between the two steps): its parent is synced too, every time.
func makeDirs(path string) error {
	if _, err := os.Stat(path); err == nil {
		return syncParent(path, allowUnreadable)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return wrap("make directory", path, "", err)
	}
	if parent := filepath.Dir(path); parent != path {
		if err := makeDirs(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(path, dirMode); err != nil && !errors.Is(err, fs.ErrExist) {
		return wrap("make directory", path, "", err)
	}
	return syncParent(path, requireReadable)
}

// parentRule is what syncParent makes of a parent that we may not open, or
// whose file system takes no directory sync.
type parentRule uint8

const (
	requireReadable parentRule = iota + 1
	allowUnreadable            // somebody else made the directory in it
)

func syncParent(path string, rule parentRule) error {
	parent := filepath.Dir(path)
	d, err := os.Open(parent)
	if err == nil {
		err = errors.Join(syncDir(d), d.Close())
	}
	if err != nil && rule == requireReadable {
		return wrap("sync directory", parent, "", err)
	}
	return nil
}

// reason is the innermost cause of an error of package os.
func reason(err error) error {
	for {
		switch e := err.(type) {
		case *fs.PathError:
			err = e.Err
		case *os.LinkError:
			err = e.Err
		case *os.SyscallError:
			err = e.Err
		default:
			return err
		}
	}
}
