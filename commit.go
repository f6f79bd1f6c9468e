package varve

// How a write travels: sequence, log, memtable, publish, then wait for its
// durability. One short mutex orders it all; no disk is touched under it.

import (
	"context"
	"fmt"
	"sync"

	"github.com/varvekv/varve/internal/crc"
	"github.com/varvekv/varve/internal/hash"
	"github.com/varvekv/varve/internal/ikey"
	"github.com/varvekv/varve/wal"
)

// scratchBytesMax is the largest encoding buffer that goes back to the pool.
const scratchBytesMax = 64 << 10

var scratchPool = sync.Pool{New: func() any { return new([]byte) }}

func (db *DB) put(key, value []byte, d Durability) error {
	if err := checkSizes(key, value); err != nil {
		return err
	}
	buf := scratchPool.Get().(*[]byte)
	*buf = wal.AppendPut((*buf)[:0], key, value)
	_, err := db.commit(*buf, 1, d)
	giveScratch(buf)
	return err
}

func (db *DB) delete(key []byte, d Durability) error {
	if err := checkSizes(key, nil); err != nil {
		return err
	}
	buf := scratchPool.Get().(*[]byte)
	*buf = wal.AppendDelete((*buf)[:0], key)
	_, err := db.commit(*buf, 1, d)
	giveScratch(buf)
	return err
}

func giveScratch(buf *[]byte) {
	if cap(*buf) <= scratchBytesMax {
		scratchPool.Put(buf)
	}
}

func (db *DB) write(b *Batch, d Durability) error {
	if b.err != nil {
		return b.err
	}
	if b.count == 0 {
		return db.commitNothing(d)
	}
	seq, err := db.commit(b.ops, b.count, d)
	if seq != 0 {
		b.seq = seq
	}
	return err
}

// commitNothing is the write of an empty batch: only its durability counts.
func (db *DB) commitNothing(d Durability) error {
	if err := db.beginWrite(); err != nil {
		return err
	}
	defer db.end()
	if d == Synced {
		return db.log.Sync()
	}
	return db.log.Err()
}

// commit makes count encoded operations one atomic unit and returns the first
// one's sequence (0 if none was given).
func (db *DB) commit(ops []byte, count int, d Durability) (uint64, error) {
	if err := db.beginWrite(); err != nil {
		return 0, err
	}
	seq, at, err := db.commitRunning(ops, count, d)
	db.end()
	// Events are told when nothing is held: they may call back.
	db.tellRotated(at.rotated)
	if at.isStallDue {
		db.updateStall()
	}
	if at.isTurnOver {
		yield()
	}
	return seq, err
}

// commitRunning is commit inside the call's bracket.
func (db *DB) commitRunning(ops []byte, count int, d Durability) (uint64, place, error) {
	sum := crc.Sum(ops)
	if err := db.stall.pace(db, len(ops)); err != nil {
		return 0, place{}, err
	}
	seq, at, err := db.sequence(ops, sum, count)
	if at.isBroken {
		db.log.Poison(err) // here, where no lock is held while Events are told
	}
	if err != nil {
		return seq, at, err
	}
	return seq, at, db.log.Commit(at.End, d) // Buffered only arms the log's own interval
}

// sequence gives the unit its place in the order: in the log's buffer, in the
// memtable, and in what readers see.
func (db *DB) sequence(ops []byte, sum uint32, count int) (seq uint64, at place, err error) {
	db.commitMu.Lock()
	defer db.commitMu.Unlock()
	if db.broken != nil {
		return 0, at, db.broken
	}
	if at.rotated, err = db.roomLocked(len(ops), count); err != nil {
		return 0, at, err
	}
	seq = db.lastSeq + 1
	last := db.lastSeq + uint64(count)
	if last > ikey.MaxSeq {
		return 0, at, fmt.Errorf("varve: write: sequence numbers are used up at %d", db.lastSeq)
	}
	at.Ticket = db.log.AppendOps(ops, sum, seq, uint32(count))
	if err := db.log.Err(); err != nil {
		return 0, at, err // a log that has stopped takes nothing, and nor does memory
	}
	db.lastSeq = last
	m := db.view.Load().mem
	if _, err := addOps(m, ops, seq); err != nil {
		// The log has what memory has not: nothing may follow it, and what
		// memory has of it stays unpublished.
		db.broken, at.isBroken = err, true
		return seq, at, err
	}
	db.visible.Store(last)
	db.counters.committedLocked(len(ops), count)
	at.isStallDue = db.isStallDueLocked(m.SizeBytes())
	db.turn++
	at.isTurnOver = db.turn%turnCommits == 0
	return seq, at, nil
}

// turnCommits is after how many commits, whoever made them, a writer gives way
// (about every 1.2 ms). Writers that never wait would otherwise run for Go's time
// slice of 10 to 20 ms each, and with more of them than cores that is the tail of
// everybody else: see docs/adr/0007.
const turnCommits = 2048

// place is where a unit stands in the log.
type place struct {
	wal.Ticket
	isBroken   bool        // the log must be poisoned
	isTurnOver bool        // the writer has had its turn: others may wait for a core
	isStallDue bool        // the back-pressure should be looked at anew
	rotated    *RotateInfo // a memtable was exchanged on the way; nil mostly
}

// isStallDueLocked is true once for each 64th of a memtable that fills up.
// REQUIRES: db.commitMu held.
func (db *DB) isStallDueLocked(sizeBytes int64) bool {
	if d := sizeBytes - db.lookedAt; d >= 0 && d < db.opts.MemtableBytes/64 {
		return false
	}
	db.lookedAt = sizeBytes
	return true
}

// addOps inserts encoded operations into a memtable, the first at seq, and
// returns how many there were.
func addOps(m *mem, ops []byte, seq uint64) (count uint64, err error) {
	for d := wal.DecodeOps(ops); ; count++ {
		if !d.Next() {
			return count, d.Err()
		}
		if d.Op.Skip {
			continue // of a later version, which says that it may be skipped
		}
		tr := ikey.MakeTrailer(seq+count, ikey.Kind(d.Op.Kind))
		if err := m.Add(d.Op.Key, tr, d.Op.Value); err != nil {
			return count, fmt.Errorf("varve: memtable: %w", err)
		}
		m.sum += hash.Entry(d.Op.Key, uint64(tr), d.Op.Value)
	}
}

// roomLocked makes room for a unit in the memtable: a unit that does not fit
// begins a fresh one; one larger than any memtable has one to itself.
// REQUIRES: db.commitMu held; it is released and retaken while a full pipeline is
// waited for.
func (db *DB) roomLocked(sizeBytes, count int) (rotated *RotateInfo, err error) {
	for !db.fits(db.view.Load().mem, sizeBytes, count) {
		info, err := db.rotateLocked()
		if err != nil {
			return rotated, err
		}
		if info != nil {
			rotated = info
			continue
		}
		db.commitMu.Unlock()
		err = db.waitForFlush()
		db.commitMu.Lock()
		if err != nil {
			return rotated, err
		}
	}
	return rotated, nil
}

// fits reports whether a unit may go into m: there is room, or it is the first.
func (db *DB) fits(m *mem, sizeBytes, count int) bool {
	need := int64(sizeBytes) + int64(count)*memtableEntryBytes
	return m.SizeBytes()+need <= db.opts.MemtableBytes || m.Entries() == 0
}

// memtableEntryBytes is what an entry takes in a memtable beside key and value,
// at most: record headers, tree item and index word.
const memtableEntryBytes = 96

// waitDurable syncs the log when what is wanted is not durable yet.
func (db *DB) waitDurable(ctx context.Context, seq uint64) error {
	if seq <= db.DurableSeq() {
		return nil
	}
	if last := db.visible.Load(); seq > last {
		return fmt.Errorf("varve: wait for sequence %d: the newest is %d", seq, last)
	}
	if db.opts.ReadOnly {
		return ErrReadOnly
	}
	done := make(chan error, 1)
	db.work.wg.Go(func() { done <- db.log.Sync() })
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
