package vfs

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
)

// errName answers a name that could mean anything but a file of the directory.
var errName = errors.New("not a base name")

// errNotRegular answers a name that is a directory, a pipe, a device, …
var errNotRegular = errors.New("not a regular file")

// checkName refuses names that are not plain base names, on every system alike:
// a colon opens an alternate stream on windows, a NUL ends the name in C.
func checkName(op, dir, name string) error {
	if name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\\:\x00") {
		return &fs.PathError{Op: op, Path: filepath.Join(dir, name), Err: errName}
	}
	return nil
}

// wrap names the file and what was tried. It keeps the innermost reason and
// drops the names that lower layers gave, which lack the directory.
func wrap(op, dir, name string, err error) error {
	if err == nil {
		return nil
	}
	return &fs.PathError{Op: op, Path: filepath.Join(dir, name), Err: reason(err)}
}
