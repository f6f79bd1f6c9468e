// Package vfs is every touch of the disk, and every lie a disk can tell: the
// operating system's file system (OS), a strict one in memory that forgets what
// was not synced (NewStrict), and one that injects faults into another (NewFault).
//
// A directory is opened once; files are named by base name inside it, and no
// name or symbolic link leads out of it.
package vfs

import (
	"errors"
	"io"
	"io/fs"
	"time"
)

// FS opens directories. Its methods may be called from any goroutine.
type FS interface {
	// OpenDir opens the directory at path. With create, it and its missing
	// parents are made first (mode 0700) and the parents synced.
	// A missing directory is fs.ErrNotExist, a file in its place an error naming it.
	OpenDir(path string, create bool) (Dir, error)
}

// Dir is one open directory. Its methods may be called from any goroutine;
// names are base names. Every error names the file and what was tried.
type Dir interface {
	Path() string
	// Create makes a new file (mode 0600), for reading and writing.
	// An existing file is fs.ErrExist: nothing is ever truncated by chance.
	Create(name string) (File, error)
	// Open opens a file for reading.
	Open(name string) (File, error)
	// OpenReadWrite opens an existing file for reading and writing.
	OpenReadWrite(name string) (File, error)
	Remove(name string) error
	// Rename replaces newName. REQUIRES: the file's data was synced, where it matters.
	Rename(oldName, newName string) error
	// Link makes a hard link of name in another directory of the same FS.
	Link(name string, to Dir, newName string) error
	// List is the base names of the regular files in it, sorted.
	List() ([]string, error)
	Stat(name string) (Info, error)
	// Sync makes creations, renames and removals in the directory durable.
	Sync() error
	// Lock takes an operating system lock on the named file, making it when
	// missing (except for shared locks in a directory that cannot be written),
	// and an in-process one. It never waits: a lock held elsewhere, in this
	// process too, is ErrLocked. Closing gives it back.
	Lock(name string, shared bool) (io.Closer, error)
	// FreeBytes is the space the file system has left for us; a very great
	// number where the system does not tell.
	FreeBytes() (uint64, error)
	Close() error
}

// Info is what Stat tells.
type Info struct {
	SizeBytes int64
	ModTime   time.Time
	Mode      fs.FileMode
}

// File is one open file. ReadAt, WriteAt and the syncs may be called from any
// goroutine. There is no cursor: every access names its offset.
type File interface {
	Name() string // base name
	io.ReaderAt   // io.EOF beside a short count, as io.ReaderAt says
	io.WriterAt
	// Sync makes data and metadata durable through the disk's own cache.
	Sync() error
	// SyncData makes data durable, and metadata as far as reading it back
	// needs it (fdatasync; F_FULLFSYNC on darwin; FlushFileBuffers on windows).
	SyncData() error
	// StartWriteback asks the system to begin writing the range to the disk. It
	// promises nothing and may do nothing.
	StartWriteback(offset, length int64) error
	Truncate(sizeBytes int64) error
	Size() (int64, error)
	// Close gives the descriptor back. On a written file its error is a write error.
	Close() error
}

// ErrLocked is a directory that another opener holds.
var ErrLocked = errors.New("directory is locked by another opener")
