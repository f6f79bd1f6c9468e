package vfs

import (
	"errors"
	"io/fs"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Strict is a file system in memory that knows what a disk would still hold
// after a power cut: what was synced, and of the rest anything between all and
// nothing. CrashImage draws one such outcome as a new file system.
//
// The model:
//   - Unsynced data is lost, kept or torn sector by sector (SectorBytes), in any
//     order; a sector holds one of the versions it went through. Of the sizes a
//     file went through one is found, a truncation only with those before it.
//   - Sync and SyncData make a file's data and size durable, WriteAtSync the
//     written sectors and the size. StartWriteback promises nothing.
//   - A creation, rename, link or removal not followed by Dir.Sync is lost or
//     kept as a whole and on its own, but changes of one name keep their order.
//     A file none of whose names survived is gone, synced or not.
//   - Directories made by OpenDir are durable at once, locks never are.
//   - What a failed sync left (see Fault) no later sync saves.
//
// Without images it is a plain fast file system for tests. Nothing in it
// depends on time: its clock counts calls.
type Strict struct {
	ops  atomic.Uint64
	hook atomic.Pointer[func(Op)]
	ids  atomic.Uint64 // of inodes
	used atomic.Int64  // bytes of all linked files, whole sectors

	// mu guards below, and links of inodes. Data calls hold it shared, so that
	// an image is one instant of all files. It ranks before every inode's mu.
	mu       sync.RWMutex
	own      *rand.Rand // for images asked for without a source
	dirs     map[string]*memDir
	handles  map[*memHandle]struct{}
	locks    map[lockKey]int // holders of a shared lock; -1: an exclusive one
	limits   limits
	readOnly bool
}

// limits of a small disk; zero = none.
type limits struct {
	bytes int64
	files int
}

// NewStrict makes an empty one. The seed drives images drawn without a source.
func NewStrict(seed uint64) *Strict {
	return &Strict{
		own:     rand.New(rand.NewPCG(seed, seed^0x9e3779b97f4a7c15)),
		dirs:    map[string]*memDir{},
		handles: map[*memHandle]struct{}{},
		locks:   map[lockKey]int{},
	}
}

// OpenDir implements FS. Relative and absolute paths are different directories.
func (s *Strict) OpenDir(path string, create bool) (Dir, error) {
	path = filepath.Clean(path)
	s.note(Op{Kind: OpOpenDir, Dir: path})
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.fileInPlaceLocked(path); err != nil {
		return nil, wrap("open directory", path, "", err)
	}
	d := s.dirs[path]
	if d == nil {
		if !create {
			return nil, wrap("open directory", path, "", fs.ErrNotExist)
		}
		if s.readOnly {
			return nil, wrap("make directory", path, "", fs.ErrPermission)
		}
		d = s.makeDirLocked(path)
	}
	return &strictDir{fs: s, d: d, memHandle: s.handleLocked(path, "")}, nil
}

// makeDirLocked makes path and its parents.
func (s *Strict) makeDirLocked(path string) *memDir {
	if d := s.dirs[path]; d != nil {
		return d
	}
	if parent := filepath.Dir(path); parent != path {
		s.makeDirLocked(parent)
	}
	d := &memDir{id: s.ids.Add(1), path: path, now: map[string]*inode{}, disk: map[string]*inode{}}
	s.dirs[path] = d
	return d
}

// fileInPlaceLocked answers a path that leads through, or to, a file.
func (s *Strict) fileInPlaceLocked(path string) error {
	for parent := filepath.Dir(path); parent != path; path, parent = parent, filepath.Dir(parent) {
		if d := s.dirs[parent]; d != nil && d.now[filepath.Base(path)] != nil {
			return syscall.ENOTDIR
		}
	}
	return nil
}

// Ops is the number of calls so far, of every kind.
func (s *Strict) Ops() uint64 { return s.ops.Load() }

// SetHook has f called before the effect of every call, outside all locks: f may
// draw images. nil takes it away. Images have no hook.
func (s *Strict) SetHook(f func(Op)) {
	if f == nil {
		s.hook.Store(nil)
		return
	}
	s.hook.Store(&f)
}

// note counts a call and shows it to the hook.
func (s *Strict) note(op Op) {
	op.Index = s.ops.Add(1) - 1
	if f := s.hook.Load(); f != nil {
		(*f)(op)
	}
}

// SetCapacity makes the disk small: past sizeBytes or files, calls fail with
// ENOSPC, a write after the part that fits. Zero = unlimited. Images inherit it.
func (s *Strict) SetCapacity(sizeBytes int64, files int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limits = limits{bytes: sizeBytes, files: files}
}

// SetReadOnly makes every change fail with fs.ErrPermission, as in a directory
// that may not be written.
func (s *Strict) SetReadOnly(readOnly bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.readOnly = readOnly
}

// Handles names the directories, files and locks that are open, sorted: for
// tests that look for leaks. A directory's path ends in a separator.
func (s *Strict) Handles() []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var names []string
	for h := range s.handles {
		names = append(names, filepath.Join(h.path, h.name))
		if h.name == "" {
			names[len(names)-1] += string(filepath.Separator)
		}
	}
	slices.Sort(names)
	return names
}

// Unsynced is the number of changes that a power cut now could lose.
func (s *Strict) Unsynced() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	count, seen := 0, map[*inode]bool{}
	for _, d := range s.dirs {
		count += len(d.pending)
		for n := range d.inodes() {
			if !seen[n] {
				n.mu.RLock()
				count += len(n.pending)
				n.mu.RUnlock()
			}
			seen[n] = true
		}
	}
	return count
}

// memHandle is something open.
type memHandle struct {
	path, name string
	closed     atomic.Bool
}

func (s *Strict) handleLocked(path, name string) *memHandle {
	h := &memHandle{path: path, name: name}
	s.handles[h] = struct{}{}
	return h
}

// release closes the handle; false: it was closed before.
func (s *Strict) release(h *memHandle) bool {
	if h.closed.Swap(true) {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.handles, h)
	return true
}

// tick is the clock of the model: calls as microseconds since 2000.
func (s *Strict) tick() uint64 { return s.ops.Load() }

func tickTime(ticks uint64) time.Time {
	return time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(ticks) * time.Microsecond)
}

// sortedNames is the names of a directory state in order.
func sortedNames(entries map[string]*inode) []string {
	return slices.Sorted(maps.Keys(entries))
}

var errReadOnlyFile = errors.New("file was opened for reading")
