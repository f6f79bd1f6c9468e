package wal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/varvekv/varve/internal/filename"
	"github.com/varvekv/varve/internal/recordio"
	"github.com/varvekv/varve/vfs"
)

// The archive: copies of released segments. Each is copied up to its seal,
// verified on the way, synced and renamed; only then is the original recycled. So
// it works across devices, and doing it again does no harm. A failure never
// poisons the log: the segment waits and is tried again, until so many wait that
// the oldest is given up, with an event.

// ArchivedSegment is a released segment, in the archive or on its way there.
type ArchivedSegment struct {
	Number   uint64
	First    LSN
	End      LSN
	FirstSeq uint64 // sequence of the first operation it may hold
	Identity uint64 // of the log
	Epoch    uint64
	Created  time.Time
	Name     string // in the archive's directory; the segment's own without one
	// SizeBytes is the segment's length, uncompressed.
	SizeBytes int64

	dir        vfs.Dir
	compressed bool
}

// Open reads the segment's bytes, uncompressed: a header block and frames. It
// may be called while a Handler has the segment, and later where a Dir keeps it.
func (s ArchivedSegment) Open() (io.ReadCloser, error) {
	return openArchived(s.dir, s.Name, s.compressed)
}

// archive does what was asked for with a released segment; nil when it may go.
func (k *keeper) archive(ctx context.Context, seg *segment) error {
	a := &k.log.options.Archive
	if !a.enabled() || !seg.onDisk() {
		return nil
	}
	s, err := k.archiveOne(ctx, a, seg)
	if err == nil {
		k.log.stats.archived.Add(1)
		if f := k.log.options.Events.Archived; f != nil {
			f(s)
		}
		return nil
	}
	if ctx.Err() != nil {
		return err
	}
	k.mu.Lock()
	dropped := len(k.released) >= a.MaxBacklog
	k.mu.Unlock()
	k.log.stats.archiveFails.Add(1)
	if f := k.log.options.Events.ArchiveFailed; f != nil {
		f(seg.number, err, dropped)
	}
	if dropped {
		return nil
	}
	return err
}

func (s *segment) onDisk() bool {
	s.io.Lock()
	defer s.io.Unlock()
	return s.file != nil || s.made
}

func (k *keeper) archiveOne(ctx context.Context, a *Archive, seg *segment) (ArchivedSegment, error) {
	s := ArchivedSegment{
		Number: seg.number, First: seg.first, End: seg.end, FirstSeq: seg.header.firstSeq,
		Identity: seg.header.identity, Epoch: seg.header.epoch, Created: time.Unix(0, seg.header.created),
		Name: seg.name, SizeBytes: seg.offsetOf(seg.end), dir: k.log.dir,
	}
	if err := k.verify(seg); err != nil {
		return s, err
	}
	if a.Dir != nil {
		s.dir, s.compressed = a.Dir, a.Compress
		if a.Compress {
			s.Name += compressedSuffix
		}
		if err := k.copyOnce(ctx, a, seg, s); err != nil {
			return s, fmt.Errorf("wal: archive %s: %w", seg.name, err)
		}
	}
	if a.Handler != nil {
		if err := a.Handler(ctx, s); err != nil {
			return s, fmt.Errorf("wal: archive handler for %s: %w", seg.name, err)
		}
	}
	if a.Dir != nil {
		return s, k.retain(a)
	}
	return s, nil
}

// verify reads the segment before it is copied: damage must not enter an archive
// as if it were data.
func (k *keeper) verify(seg *segment) (err error) {
	f, err := k.log.dir.Open(seg.name)
	if err != nil {
		return fmt.Errorf("wal: archive: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	s := recordio.NewScanner(f, seg.region(seg.end))
	for s.Next() {
	}
	if s.Err() != nil {
		return fmt.Errorf("wal: archive: read %s: %w", seg.name, s.Err())
	}
	if LSN(s.LSN()) != seg.end {
		return fmt.Errorf("wal: archive: %w", corruptAt(seg.name, s.Offset(), s.Stop()))
	}
	return nil
}

// copyOnce copies the segment, unless an earlier life did.
func (k *keeper) copyOnce(ctx context.Context, a *Archive, seg *segment, s ArchivedSegment) error {
	if _, err := a.Dir.Stat(s.Name); err == nil {
		return k.sameSegment(a, seg, s)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	temp := filename.MakeTemp(s.Name)
	if err := a.Dir.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := k.copyTo(ctx, a.Dir, temp, seg, s); err != nil {
		return err
	}
	if err := a.Dir.Rename(temp, s.Name); err != nil {
		return err
	}
	return a.Dir.Sync()
}

// sameSegment makes sure that the copy that is there is of this segment, whole.
func (k *keeper) sameSegment(a *Archive, seg *segment, s ArchivedSegment) (err error) {
	r, err := s.Open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	block := make([]byte, headerBytes)
	if _, err := io.ReadFull(r, block); err != nil {
		return fmt.Errorf("read %s in the archive: %w", s.Name, err)
	}
	h, _, err := parseHeader(block)
	if err != nil {
		return err
	}
	rest, err := io.Copy(io.Discard, r)
	if err != nil {
		return fmt.Errorf("read %s in the archive: %w", s.Name, err)
	}
	if h.identity != seg.header.identity || h.number != seg.number || headerBytes+rest != s.SizeBytes {
		return fmt.Errorf("%s in the archive is of another log: %w", s.Name, fs.ErrExist)
	}
	return a.Dir.Sync() // the rename may not have been durable
}

func (k *keeper) copyTo(ctx context.Context, d vfs.Dir, temp string, seg *segment, s ArchivedSegment) (err error) {
	src, err := k.log.dir.Open(seg.name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	dst, err := d.Create(temp)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dst.Close()) }()
	w := newArchiveWriter(dst, s.compressed)
	buf := make([]byte, archiveBlockBytes)
	for at := int64(0); at < s.SizeBytes; {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		p := buf[:min(int64(len(buf)), s.SizeBytes-at)]
		if n, err := src.ReadAt(p, at); n < len(p) {
			return fmt.Errorf("read %s: %w", seg.name, err)
		}
		if err := w.block(p); err != nil {
			return err
		}
		at += int64(len(p))
	}
	if err := w.finish(); err != nil {
		return err
	}
	return dst.Sync()
}

// retain removes the oldest copies beyond the archive's bounds.
func (k *keeper) retain(a *Archive) error {
	if a.MaxBytes <= 0 && a.MaxAge <= 0 {
		return nil
	}
	names, err := a.Dir.List()
	if err != nil {
		return fmt.Errorf("wal: archive: %w", err)
	}
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
		total -= c.sizeBytes
	}
	return nil
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
