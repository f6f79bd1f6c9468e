package wal

import (
	"fmt"

	"github.com/varvekv/varve/internal/recordio"
)

// What the commit leader does in its turn: take what was appended and write it.

// takeKind says what is appended behind the data that is taken.
type takeKind uint8

const (
	takePlain takeKind = iota // a mark when one is due, and only beside data
	takeMark                  // a mark when it proves more than the last one
	takeStart                 // a mark in any case: the start of the log has moved
	takeSeal                  // the seal, at the end of the log
)

// markEvery is how old the newest mark's time stamp may get, in nanoseconds.
const markEvery = 1e6

// Free chunks that are kept: while there is a backlog (fresh ones cost page faults),
// and once there has been none for a while.
const (
	poolMax  = pendingMaxBytes / chunkBytes
	poolIdle = 4
)

// writePending takes what was appended and writes it to the segment files, in
// whole blocks. REQUIRES: the lead.
func (l *Log) writePending(how takeKind) error {
	if err := l.Err(); err != nil {
		return err
	}
	t := &l.turn
	end, seq, ok := l.take(how)
	if !ok {
		return l.Err()
	}
	for _, c := range t.chunks {
		if err := l.writeChunk(c); err != nil {
			return l.poisoned(err)
		}
		l.chunkWritten(c)
	}
	clear(t.chunks)
	t.chunks = t.chunks[:0]
	t.target, t.targetSeq = end, seq
	l.written.Store(uint64(end))
	return nil
}

// take moves what was appended into the turn and says up to where it goes; not
// ok when the log has stopped.
func (l *Log) take(how takeKind) (end LSN, seq uint64, ok bool) {
	t := &l.turn
	now := l.options.Clock().UnixNano()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stopped {
		return 0, 0, false
	}
	fresh := len(l.full) > 0 || l.cur.used > l.cur.clean
	proves := l.durable.Load() > uint64(l.lastMark.durable)
	switch {
	case how == takeSeal:
		l.sealLocked(sealClosed)
	case how == takeStart:
		if l.active.room < 0 {
			l.rotateLocked()
		}
		l.markLocked(l.newMarkLocked())
	case how == takeMark && proves, how == takePlain && fresh && (proves || now-l.lastMark.time >= markEvery):
		l.markLocked(l.newMarkLocked())
	}
	if c := l.cur; c.used > c.clean {
		tail := c.used &^ (recordio.BlockBytes - 1)
		l.nextChunkLocked(c.seg, c.offset+int64(tail))
		l.cur.used = copy(l.cur.buf, c.buf[tail:c.used])
		l.cur.clean = l.cur.used
	}
	t.chunks, l.full = l.full, t.chunks[:0]
	return l.end, l.lastSeq, true
}

// chunkWritten makes room: the chunk's bytes are in the file.
func (l *Log) chunkWritten(c *chunk) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stopped {
		return
	}
	l.pending -= int64(c.used - c.clean)
	if len(l.pool) < poolMax {
		l.pool = append(l.pool, c)
	} else {
		l.chunks--
	}
	if l.gate.Load() != 0 {
		l.gateLocked()
		l.room.Broadcast()
	}
}

// trimPool gives memory back once everything is written: half of what is too much,
// as the next backlog may come soon. more: there is something left to trim.
func (l *Log) trimPool() (more bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	extra := len(l.pool) - poolIdle
	if extra <= 0 {
		return false
	}
	if l.pending == 0 {
		keep := poolIdle + extra/2
		l.chunks -= len(l.pool) - keep
		clear(l.pool[keep:])
		l.pool = l.pool[:keep]
	}
	return true
}

// writeChunk writes a chunk, and tells of the segment that begins with it.
func (l *Log) writeChunk(c *chunk) error {
	err := l.writeBlocks(c)
	if f := l.options.Events.Rotated; f != nil && c.offset == 0 && c.clean == 0 && err == nil {
		f(c.seg.number, c.seg.first)
	}
	return err
}

func (l *Log) writeBlocks(c *chunk) error {
	seg := c.seg
	seg.io.Lock()
	defer seg.io.Unlock()
	if seg.gone {
		return nil // released before it was ever needed on disk
	}
	if seg.file == nil {
		if err := l.makeFile(seg); err != nil {
			return err
		}
	}
	padded := (c.used + recordio.BlockBytes - 1) &^ (recordio.BlockBytes - 1)
	clear(c.buf[c.used:padded])
	if _, err := seg.file.WriteAt(c.buf[:padded], c.offset); err != nil {
		return fmt.Errorf("wal: write %s: %w", seg.name, err)
	}
	l.stats.writes.Add(1)
	l.stats.writtenBytes.Add(uint64(padded))
	if !seg.dirty {
		seg.dirty = true
		if t := &l.turn; len(t.unsynced) == 0 || t.unsynced[len(t.unsynced)-1] != seg {
			t.unsynced = append(t.unsynced, seg)
		}
	}
	return nil
}

// makeFile gives a segment its file: one prepared ahead, or a new one.
func (l *Log) makeFile(seg *segment) error {
	if f := l.keeper.claim(seg.number); f != nil {
		seg.file = f
	} else {
		f, err := l.dir.Create(seg.name)
		if err != nil {
			return fmt.Errorf("wal: new segment: %w", err)
		}
		seg.file = f
		l.turn.dirSync = true
	}
	seg.made = true
	l.stats.segments.Add(1)
	l.keeper.kick()
	return nil
}
