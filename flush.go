package varve

// A memtable becomes tables in three steps whose order is the proof:
//
//  1. write and sync the tables, and their directory;
//  2. sync the manifest edit {tables, last sequence in them, oldest log needed};
//  3. release the log segments.
//
// A crash before 2 leaves orphans and the whole log; after it, replay skips what
// the edit says is in tables. Edits commit the oldest memtable first.

import (
	"context"
	"fmt"

	"github.com/varvekv/varve/compaction"
	"github.com/varvekv/varve/manifest"
	"github.com/varvekv/varve/wal"
)

// Flush turns what is in memory into tables, and releases the log segments that
// held it (to the archive, where there is one). It returns when that is durable.
func (db *DB) Flush() error {
	if err := db.beginWrite(); err != nil {
		return err
	}
	defer db.end()
	return db.flushAll(context.Background())
}

// flushAll rotates the active memtable, unless it is empty, and waits until it
// and all before it are tables.
func (db *DB) flushAll(ctx context.Context) error {
	last, err := db.rotateForFlush()
	if err != nil {
		return err
	}
	_, before := db.work.watch()
	for {
		changed, flushes := db.work.watch()
		switch {
		case db.flushedSeq.Load() >= last:
			return nil
		case db.log.Err() != nil:
			return db.log.Err()
		case flushes.failed != nil && flushes.count > before.count:
			return flushes.failed
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		case <-db.work.ctx.Done():
			return ErrClosed
		}
	}
}

// rotateForFlush returns the last sequence that the flush must reach.
func (db *DB) rotateForFlush() (uint64, error) {
	for {
		db.commitMu.Lock()
		if err := db.log.Err(); err != nil {
			db.commitMu.Unlock()
			return 0, err
		}
		last := db.lastSeq
		done := db.view.Load().mem.Entries() == 0
		var rotated *RotateInfo
		var err error
		if !done {
			rotated, err = db.rotateLocked()
		}
		db.commitMu.Unlock()
		db.tellRotated(rotated)
		if done || rotated != nil || err != nil {
			return last, err
		}
		if err := db.waitForFlush(); err != nil {
			return 0, err
		}
	}
}

// flushOldest is the three steps for the memtable that has waited longest.
func (db *DB) flushOldest(ctx context.Context) (err error) {
	v := db.acquire()
	defer db.unref(v)
	m, next := v.oldest()
	begin := db.now()
	info := FlushInfo{Job: db.counters.jobs.Add(1), Entries: uint64(m.Entries()), MemtableBytes: m.SizeBytes()}
	db.tellFlushBegin(info)
	defer func() {
		info.Duration, info.Err = db.now()-begin, err
		db.counters.flushes.ended(info.Duration, err)
		db.tellFlushEnd(info)
	}()
	if err := db.log.Err(); err != nil {
		return err
	}
	result, err := db.writeTables(ctx, m, v)
	if err != nil {
		return err
	}
	db.counters.flushedTables(result.WrittenBytes)
	if err := db.commitFlush(result.Edit, m, next); err != nil {
		return err
	}
	info.Tables, info.Bytes = len(result.Edit.Added), result.WrittenBytes
	db.tellCreated(info.Job, result.Edit.Added)
	db.stall.flushed(m.SizeBytes(), db.now()-begin)
	kick(db.work.compact)
	return nil
}

// oldest is the memtable to flush next and the one behind it.
func (v *view) oldest() (m, next *mem) {
	n := len(v.imms)
	m, next = v.imms[n-1], v.mem
	if n > 1 {
		next = v.imms[n-2]
	}
	return m, next
}

// writeTables is step 1.
func (db *DB) writeTables(ctx context.Context, m *mem, v *view) (*compaction.Result, error) {
	cur := m.NewCursor()
	want := compaction.Sum{Entries: uint64(m.Entries()), Hash: m.sum}
	// A run's id orders level 0: file numbers grow with every flush.
	run, err := db.manifest.NextFileNumber()
	if err != nil {
		db.log.Poison(err)
		return nil, err
	}
	env := db.env(v.ver)
	env.Parallel = 1
	result, err := compaction.Flush(ctx, cur, compaction.Memtable{Run: run, Want: want, TimeMin: m.timeMin, TimeMax: max(m.timeMin, db.clock.nanos())}, env)
	if cerr := cur.Close(); err == nil {
		err = cerr
	}
	return result, err
}

// commitFlush is steps 2 and 3.
func (db *DB) commitFlush(e *manifest.Edit, m, next *mem) error {
	e.LastSeq = m.lastSeq
	e.LogFrom = &manifest.LogPoint{Segment: next.segment, LSN: uint64(next.logStart)}
	if err := db.edit(e, m); err != nil {
		return fmt.Errorf("varve: commit flush: %w", err)
	}
	if err := db.log.Err(); err != nil {
		return err
	}
	db.flushedSeq.Store(m.lastSeq)
	db.dropTorn()
	return db.log.Release(wal.LSN(next.logStart))
}
