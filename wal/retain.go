package wal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/varvekv/varve/internal/corruption"
	"github.com/varvekv/varve/internal/filename"
	"github.com/varvekv/varve/vfs"
)

// What may be removed from an archive's directory: copies of this log, and nothing
// else, whoever else was given the same directory.

// checkArchive refuses an archive in a directory that a database lives in: its
// segments have the names, and perhaps the identity, of copies.
func checkArchive(a vfs.Dir, own string) error {
	if a.Path() == own {
		return fmt.Errorf("wal: archive %s: it is the log's own directory: %w", own, fs.ErrExist)
	}
	for _, name := range []string{filename.LockName, filename.CurrentName} {
		if _, err := a.Stat(name); !errors.Is(err, fs.ErrNotExist) {
			return errors.Join(fmt.Errorf("wal: archive %s: it holds %s: an archive needs a directory of its own", a.Path(), name), err)
		}
	}
	return nil
}

// retain removes the oldest copies of this log beyond the archive's bounds. What
// else lies there is neither counted nor touched.
func (k *keeper) retain(a *Archive) error {
	if a.MaxBytes <= 0 && a.MaxAge <= 0 {
		return nil
	}
	if err := checkArchive(a.Dir, k.log.dir.Path()); err != nil {
		return err
	}
	names, err := a.Dir.List()
	if err != nil {
		return fmt.Errorf("wal: archive: %w", err)
	}
	names = slices.DeleteFunc(names, func(name string) bool { return !k.isOwnCopy(a.Dir, name) })
	copies, total, err := archivedCopies(a.Dir, names)
	if err != nil {
		return err
	}
	oldest := k.log.options.Clock().Add(-a.MaxAge)
	for _, c := range copies {
		over := a.MaxBytes > 0 && total > a.MaxBytes
		aged := a.MaxAge > 0 && c.modified.Before(oldest)
		if !over && !aged {
			break
		}
		if err := a.Dir.Remove(c.name); err != nil {
			return fmt.Errorf("wal: archive: %w", err)
		}
		delete(k.ownCopies, c.name)
		total -= c.sizeBytes
	}
	return nil
}

// isOwnCopy reports whether a file in the archive is a copy of this log's, by the
// header inside. What cannot be read is not.
func (k *keeper) isOwnCopy(d vfs.Dir, name string) bool {
	own, known := k.ownCopies[name]
	if known {
		return own
	}
	plain, compressed := strings.CutSuffix(name, compressedSuffix)
	kind, number := filename.Parse(plain)
	if kind != filename.Log {
		return false
	}
	h, err := archivedHeader(d, name, compressed)
	if err != nil {
		return false // perhaps only for now
	}
	if k.ownCopies == nil {
		k.ownCopies = map[string]bool{}
	}
	own = h.identity == k.log.identity && h.number == number
	k.ownCopies[name] = own
	return own
}

// archivedHeader is the header of the segment in a copy.
func archivedHeader(d vfs.Dir, name string, compressed bool) (h segmentHeader, err error) {
	r, err := openArchived(d, name, compressed)
	if err != nil {
		return h, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	return readArchivedHeader(r, name)
}

func readArchivedHeader(r io.Reader, name string) (segmentHeader, error) {
	block := make([]byte, headerBytes)
	if _, err := io.ReadFull(r, block); err != nil {
		return segmentHeader{}, fmt.Errorf("read %s in the archive: %w", name, err)
	}
	h, damage, err := parseHeader(block)
	switch {
	case err != nil:
		return h, unsupported(name, 0, "%v", err)
	case !damage.usable:
		return h, corruption.New(name, damage.offset, "%s", damage.reason)
	}
	return h, nil
}

type archivedCopy struct {
	name      string
	number    uint64
	sizeBytes int64
	modified  time.Time
}

// archivedCopies is what lies in an archive, the oldest first.
func archivedCopies(d vfs.Dir, names []string) (copies []archivedCopy, total int64, err error) {
	for _, name := range names {
		kind, number := filename.Parse(strings.TrimSuffix(name, compressedSuffix))
		if kind != filename.Log {
			continue
		}
		info, err := d.Stat(name)
		if err != nil {
			return nil, 0, fmt.Errorf("wal: archive: %w", err)
		}
		copies = append(copies, archivedCopy{name, number, info.SizeBytes, info.ModTime})
		total += info.SizeBytes
	}
	slices.SortFunc(copies, func(a, b archivedCopy) int {
		if a.number < b.number {
			return -1
		}
		return 1
	})
	return copies, total, nil
}
