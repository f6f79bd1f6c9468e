package wal

import (
	"fmt"

	"github.com/varvekv/varve/internal/crc"
	"github.com/varvekv/varve/internal/recordio"
)

// The log as a primitive: records of bytes.

// Append appends a record and returns once it is Written. An error means that
// the record is wholly there or wholly absent after the next Open.
func (l *Log) Append(record []byte) (LSN, error) { return l.append(record, Written) }

// AppendSync appends a record and returns once it and all before it are Synced.
func (l *Log) AppendSync(record []byte) (LSN, error) { return l.append(record, Synced) }

func (l *Log) append(record []byte, d Durability) (LSN, error) {
	t, err := l.appendRecord(record)
	if err != nil {
		return 0, err
	}
	return t.LSN, l.Commit(t.End, d)
}

// AppendBatch appends records and returns the first one's position once they are
// Written. After a crash all of them are there or none. An empty batch appends
// nothing and returns the end of the log.
func (l *Log) AppendBatch(records [][]byte) (LSN, error) {
	if err := l.Err(); err != nil {
		return 0, err
	}
	if len(records) == 0 {
		return l.End(), nil
	}
	var bytes int64
	for _, r := range records {
		if err := l.checkSize(r); err != nil {
			return 0, err
		}
		bytes += int64(FramedBytes(len(r)))
	}
	if bytes > maxUnitBytes {
		return 0, fmt.Errorf("wal: batch of %d bytes: %w: the limit is %d", bytes, ErrTooLarge, int64(maxUnitBytes))
	}
	t, err := l.appendUnit(bytes, records...)
	if err != nil {
		return 0, err
	}
	return t.LSN, l.Commit(t.End, Written)
}

// maxUnitBytes bounds one atomic unit.
const maxUnitBytes = 4 << 30

func (l *Log) checkSize(record []byte) error {
	if int64(len(record)) > l.options.MaxRecordBytes {
		return fmt.Errorf("wal: record of %d bytes: %w: the limit is %d", len(record), ErrTooLarge, l.options.MaxRecordBytes)
	}
	return nil
}

func (l *Log) appendRecord(record []byte) (Ticket, error) {
	if err := l.WaitRoom(); err != nil {
		return Ticket{}, err
	}
	if err := l.checkSize(record); err != nil {
		return Ticket{}, err
	}
	if len(record) > recordio.MaxFrameBytes {
		return l.appendUnit(int64(FramedBytes(len(record))), record)
	}
	h := recordio.Header{
		PayloadCRC: crc.Sum(record), Length: uint32(len(record)), Kind: recordio.KindRecord,
		Flags: recordio.FlagWhole, Count: 1,
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.makeRoomLocked(int64(recordio.HeaderBytes + len(record))) {
		return Ticket{}, l.Err()
	}
	t := Ticket{LSN: l.end}
	l.frameLocked(h, record)
	t.End = l.unitDoneLocked()
	return t, nil
}

// appendUnit appends records as one chain of frames: each begins a frame, and
// continues over several when it is long.
func (l *Log) appendUnit(bytes int64, records ...[]byte) (Ticket, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return Ticket{}, fmt.Errorf("wal: append: %w", ErrClosed)
	}
	if !l.makeRoomLocked(bytes) {
		return Ticket{}, l.Err()
	}
	t := Ticket{LSN: l.end}
	h := recordio.Header{Kind: recordio.KindRecord, Count: uint32(len(records)), Flags: recordio.FlagFirst}
	for i, record := range records {
		for more := true; more; {
			n := min(len(record), recordio.MaxFrameBytes)
			part := record[:n]
			record = record[n:]
			more = len(record) > 0
			if more {
				h.Flags |= recordio.FlagContinues
			} else if i == len(records)-1 {
				h.Flags |= recordio.FlagLast
			}
			h.Length, h.PayloadCRC = uint32(n), crc.Sum(part)
			l.frameLocked(h, part)
			h.Flags = 0
		}
	}
	t.End = l.unitDoneLocked()
	return t, nil
}

func (l *Log) unitDoneLocked() LSN {
	l.active.units++
	l.dataEnd = l.end
	return l.end
}

// Sync makes everything appended before the call durable. Concurrent calls share
// one flush.
func (l *Log) Sync() error { return l.Commit(l.End(), Synced) }

// Commit is an append under way. Many may be.
type Commit struct {
	lsn  LSN
	w    *waiter
	done <-chan struct{}
	err  error
}

var closedChan = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

// AppendAsync appends a record and returns at once, but for back-pressure while
// too much is waiting to be written. The record's bytes are copied.
func (l *Log) AppendAsync(record []byte, d Durability) Commit {
	t, err := l.appendRecord(record)
	if err != nil {
		return Commit{done: closedChan, err: err}
	}
	if l.reached(t.End, d) {
		return Commit{lsn: t.LSN, done: closedChan, err: l.Err()}
	}
	w := &waiter{end: t.End, d: d, done: make(chan struct{}), async: true}
	l.line.joinAsync(w)
	l.flusher.kick()
	if err := l.Err(); err != nil {
		l.line.fail(err) // it may have come too late to be told
	}
	return Commit{lsn: t.LSN, w: w, done: w.done}
}

func (q *line) joinAsync(w *waiter) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.queue = append(q.queue, w)
	if w.d == Synced {
		q.synced++
	}
}

// LSN is the record's position; it is known at once.
func (c Commit) LSN() LSN { return c.lsn }

// Done is closed once the record is as durable as was asked for, or failed.
func (c Commit) Done() <-chan struct{} { return c.done }

// Wait waits for Done and returns the append's error.
func (c Commit) Wait() error {
	<-c.done
	if c.w != nil {
		return c.w.err
	}
	return c.err
}
