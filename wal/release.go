package wal

import (
	"context"
	"errors"
	"fmt"
)

// Releasing segments that are no longer needed: archive, then recycle or remove.

// Release says that nothing before the position is needed any more. Segments
// wholly before it leave the log; their files are archived where that was asked
// for, then recycled or removed, in the background. Segments that readers hold
// are kept until they let go. After a failure it releases nothing and returns
// the failure. REQUIRES, with Options.StartKept: the caller has durably recorded
// a ReplayFrom at or past before.
func (l *Log) Release(before LSN) error {
	if err := l.Err(); err != nil {
		return err
	}
	l.mu.Lock()
	if before >= l.dataEnd && !l.options.StartKept {
		before = l.end // marks and seals behind the data are not needed either
	}
	l.start = max(l.start, before)
	l.mu.Unlock()
	if err := l.keepStart(before); err != nil {
		return err
	}
	for _, seg := range l.takeReleased(before) {
		l.keeper.addReleased(seg)
	}
	l.keeper.kick()
	return nil
}

// keepStart makes the new start durable before a file goes, where nobody else
// does; and writes what an archive is going to read.
func (l *Log) keepStart(before LSN) error {
	if l.options.StartKept {
		if l.options.Archive.enabled() {
			return l.Commit(before, Written)
		}
		return nil
	}
	l.line.takeLead()
	defer l.handOver()
	if err := l.writePending(takeStart); err != nil {
		return err
	}
	return l.syncAll()
}

// takeReleased takes the segments that are not needed out of the table.
func (l *Log) takeReleased(before LSN) []*segment {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for n < len(l.segments) && l.segments[n] != l.active && l.segments[n].end <= before {
		l.segments[n].released = true
		n++
	}
	gone := append([]*segment(nil), l.segments[:n]...)
	l.segments = append(l.segments[:0], l.segments[n:]...)
	return gone
}

func (k *keeper) addReleased(seg *segment) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.released = append(k.released, seg)
}

// dispose deals with every released segment that no reader holds.
func (k *keeper) dispose(ctx context.Context) error {
	var errs []error
	free := k.takeUnpinned()
	for i, seg := range free {
		if ctx.Err() != nil {
			k.putBack(seg)
			errs = append(errs, ctx.Err())
			continue
		}
		if k.log.Err() != nil {
			return k.log.Err() // nothing is deleted or recycled any more
		}
		if err := k.disposeOne(ctx, seg, len(free)-i); err != nil {
			errs = append(errs, err)
			k.putBack(seg)
		}
	}
	errs = append(errs, k.dropTorn())
	return errors.Join(errs...)
}

// dropTorn removes what recovery set aside, once nothing from before this
// opening is needed any more.
func (k *keeper) dropTorn() error {
	k.log.mu.Lock()
	over := k.log.start >= k.log.recovery.Next && k.log.start > k.log.recovery.Start
	k.log.mu.Unlock()
	if !over {
		return nil
	}
	k.mu.Lock()
	torn := k.torn
	k.torn = nil
	k.mu.Unlock()
	for i, name := range torn {
		if err := k.log.dir.Remove(name); err != nil {
			k.mu.Lock()
			k.torn = append(k.torn, torn[i:]...)
			k.mu.Unlock()
			return fmt.Errorf("wal: remove what was set aside: %w", err)
		}
	}
	return nil
}

func (k *keeper) takeUnpinned() []*segment {
	k.mu.Lock()
	released := k.released
	k.released = nil
	k.mu.Unlock()
	k.log.mu.Lock()
	defer k.log.mu.Unlock()
	var free, held []*segment
	for _, seg := range released {
		if seg.pins > 0 {
			held = append(held, seg)
		} else {
			free = append(free, seg)
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.released = append(held, k.released...)
	return free
}

func (k *keeper) putBack(seg *segment) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.released = append(k.released, seg)
}

// disposeOne deals with one released segment; waiting is how many there are, from
// this one, the oldest, to the newest.
func (k *keeper) disposeOne(ctx context.Context, seg *segment, waiting int) error {
	if err := k.archive(ctx, seg, waiting); err != nil {
		return err
	}
	if err := k.log.Err(); err != nil {
		return err // the archive may have taken long: see dispose
	}
	exists, err := k.detach(seg)
	if err != nil {
		k.log.noteCloseError(err)
	}
	if exists {
		if err := k.reuseOrRemove(seg); err != nil {
			return err
		}
	}
	if f := k.log.options.Events.Released; f != nil {
		f(seg.number)
	}
	return nil
}

// detach closes the descriptor; from then on the leader drops what it still has
// for the segment. exists tells whether there is a file: the segment's, or one that
// was prepared for it and never written. Both are settled under the lock of its file,
// or the leader would make a second file of the name in between.
func (k *keeper) detach(s *segment) (exists bool, err error) {
	s.io.Lock()
	defer s.io.Unlock()
	s.gone = true
	if spare := k.claim(s.number); spare != nil {
		s.file, s.made = spare, true
	}
	if s.file != nil {
		err = s.file.Close()
		s.file = nil
	}
	return s.made, err
}

// reuseOrRemove keeps the file for recycling where a later segment can have it.
func (k *keeper) reuseOrRemove(seg *segment) error {
	size, keep := k.reusableSize(seg)
	if !keep {
		if err := k.log.dir.Remove(seg.name); err != nil {
			return fmt.Errorf("wal: remove a released segment: %w", err)
		}
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.reusable = append(k.reusable, reusable{seg.name, size})
	k.kick()
	return nil
}

func (k *keeper) reusableSize(seg *segment) (int64, bool) {
	info, err := k.log.dir.Stat(seg.name)
	if err != nil || !k.synced.Load() || info.SizeBytes != k.log.options.SegmentBytes {
		return 0, false
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return info.SizeBytes, len(k.spares)+len(k.reusable) < sparesMax
}
