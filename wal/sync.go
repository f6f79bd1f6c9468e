package wal

import (
	"errors"
	"fmt"
	"time"
)

// What the commit leader does in its turn: sync. Writing is in write.go.

// turn is what only the leader touches.
type turn struct {
	group    []*waiter
	chunks   []*chunk // being written
	unsynced []*segment
	dirSync  bool // a directory entry is not durable yet

	target    LSN    // written up to here
	targetSeq uint64 // and this sequence
	lastSync  time.Time
	flush     time.Duration // how long a sync takes, smoothed
	expect    int           // commits that were in flight at the last sync
	told      []synced      // syncs of this turn that Events hear of at its end
}

// synced is what Events are told of a sync.
type synced struct {
	took  time.Duration
	bytes int64
}

// unsyncedMax bounds the segments that wait for a sync, and with them the open
// descriptors, where nobody ever asks for Synced.
const unsyncedMax = 32

func (l *Log) writeAndSync(how takeKind) error {
	if err := l.writePending(how); err != nil {
		return err
	}
	return l.syncAll()
}

// syncAll syncs every written segment, the oldest first, each through the
// descriptor that wrote it, and moves the durable position.
func (l *Log) syncAll() error {
	t := &l.turn
	if l.durable.Load() >= uint64(t.target) {
		return nil
	}
	begin := l.options.Clock()
	bytes := int64(t.target) - int64(l.durable.Load())
	for _, seg := range t.unsynced {
		if err := l.syncSegment(seg); err != nil {
			return l.poisoned(err)
		}
	}
	if t.dirSync {
		if err := l.dir.Sync(); err != nil {
			return l.poisoned(err)
		}
		t.dirSync = false
	}
	if err := l.Err(); err != nil {
		return err
	}
	t.unsynced = l.stillWritten(t.unsynced)
	l.durableSeq.Store(t.targetSeq)
	l.durable.Store(uint64(t.target))
	t.lastSync = l.options.Clock()
	l.noteSync(t.lastSync.Sub(begin), bytes)
	return nil
}

func (l *Log) syncSegment(seg *segment) error {
	seg.io.Lock()
	defer seg.io.Unlock()
	if seg.gone || !seg.dirty {
		return nil
	}
	if err := seg.file.SyncData(); err != nil {
		return fmt.Errorf("wal: sync %s: %w", seg.name, err)
	}
	seg.dirty = false
	return nil
}

// stillWritten keeps the segment that goes on being written, and closes the rest.
func (l *Log) stillWritten(segs []*segment) []*segment {
	kept := segs[:0]
	for _, seg := range segs {
		l.mu.Lock()
		over := seg.sealed && l.written.Load() >= uint64(seg.end)
		l.mu.Unlock()
		if !over {
			kept = append(kept, seg)
			continue
		}
		if err := seg.closeFile(); err != nil {
			l.noteCloseError(err)
		}
	}
	clear(segs[len(kept):])
	return kept
}

func (seg *segment) closeFile() error {
	seg.io.Lock()
	defer seg.io.Unlock()
	if seg.file == nil {
		return nil
	}
	err := seg.file.Close()
	seg.file = nil
	return err
}

// closeFiles closes every descriptor, at the end.
func (l *Log) closeFiles() error {
	l.mu.Lock()
	segs := append([]*segment(nil), l.segments...)
	l.mu.Unlock()
	var errs []error
	for _, seg := range append(segs, l.turn.unsynced...) {
		errs = append(errs, seg.closeFile())
	}
	return errors.Join(errs...)
}

// noteSync keeps the figures of a sync.
func (l *Log) noteSync(took time.Duration, bytes int64) {
	t := &l.turn
	if t.flush == 0 {
		t.flush = took
	}
	t.flush += (took - t.flush) / 8
	l.stats.noteSync(took)
	l.flusher.arm()
	if l.options.Events.Synced != nil {
		t.told = append(t.told, synced{took, bytes})
	}
}

// poisoned ends the log with an error of its own files and returns the sticky one.
func (l *Log) poisoned(err error) error {
	l.Poison(err)
	return l.Err()
}
