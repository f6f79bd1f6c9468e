package wal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
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

// archive does what was asked for with a released segment; nil when it may go. Of
// more that wait than the backlog holds, the oldest is given up when it fails.
func (k *keeper) archive(ctx context.Context, seg *segment, waiting int) error {
	a := &k.log.options.Archive
	if !a.enabled() || !seg.onDisk() {
		return nil
	}
	begin := k.log.options.Clock()
	s, err := k.archiveOne(ctx, a, seg)
	if err == nil {
		took := k.log.options.Clock().Sub(begin)
		k.log.stats.noteArchived(s.SizeBytes, took)
		if f := k.log.options.Events.Archived; f != nil {
			f(s, took)
		}
		return nil
	}
	dropped := ctx.Err() == nil && waiting > a.MaxBacklog
	k.log.stats.archiveFails.Add(1)
	if dropped {
		k.log.stats.archiveDropped.Add(1)
	}
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
		if err := hand(ctx, a.Handler, s); err != nil {
			return s, fmt.Errorf("wal: archive handler for %s: %w", seg.name, err)
		}
	}
	if a.Dir != nil {
		return s, k.retain(a)
	}
	return s, nil
}

// handlerGrace is how much longer than its context a Handler may take.
const handlerGrace = time.Second

// hand gives a segment to a Handler. One that goes on though its context has ended
// is left alone: Close must not hang on it.
func hand(ctx context.Context, handler func(context.Context, ArchivedSegment) error, s ArchivedSegment) error {
	done := make(chan error, 1)
	go func() { done <- handler(ctx, s) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	grace := time.NewTimer(handlerGrace)
	defer grace.Stop()
	select {
	case err := <-done:
		return err
	case <-grace.C:
		return fmt.Errorf("it goes on though its context has ended: %w", ctx.Err())
	}
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
		return fmt.Errorf("wal: archive: %w", stopped(seg.name, s))
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
	// The identity keeps two logs apart that were given one directory.
	temp := filename.MakeTemp(fmt.Sprintf("%s.%016x", s.Name, s.Identity))
	if err := a.Dir.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := k.copyTo(ctx, a.Dir, temp, seg, s); err != nil {
		return err
	}
	if _, err := a.Dir.Stat(s.Name); !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(err, k.sameSegment(a, seg, s), a.Dir.Remove(temp)) // another log was quicker
	}
	if err := a.Dir.Rename(temp, s.Name); err != nil {
		return err
	}
	delete(k.ownCopies, s.Name)
	return a.Dir.Sync()
}

// sameSegment makes sure that the copy that is there is of this segment, whole.
func (k *keeper) sameSegment(a *Archive, seg *segment, s ArchivedSegment) (err error) {
	r, err := s.Open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	h, err := readArchivedHeader(r, s.Name)
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
