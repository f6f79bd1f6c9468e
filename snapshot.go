package varve

import (
	"iter"
	"slices"
	"sync"
	"sync/atomic"
)

// Snapshot is the database as of one moment: it never changes until it is
// closed. While it is open, versions that it sees are kept. All methods may be
// called from any goroutine; after Close, or DB.Close, they return ErrClosed.
type Snapshot struct {
	db     *DB
	seq    uint64
	closed atomic.Bool
}

// snapshotList is the sequences that open snapshots need, under the mutex from
// which flushes and compactions read them.
type snapshotList struct {
	mu   sync.Mutex
	seqs []uint64 // ascending, one per snapshot
}

// Snapshot is a snapshot of what is readable now; it must be closed. It may hold
// writes that a power cut removes: DurableSeq tells.
func (db *DB) Snapshot() *Snapshot {
	l := &db.snapshots
	l.mu.Lock()
	defer l.mu.Unlock()
	s := &Snapshot{db: db, seq: db.visible.Load()}
	l.seqs = append(l.seqs, s.seq) // visible never falls, so this keeps the order
	return s
}

// drop takes one snapshot at seq out of the list.
func (l *snapshotList) drop(seq uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if i, ok := slices.BinarySearch(l.seqs, seq); ok {
		l.seqs = slices.Delete(l.seqs, i, i+1)
	}
}

// held is the sequences that must stay readable: every open snapshot's, and
// horizon, what a reader that begins now sees.
func (l *snapshotList) held(visible *atomic.Uint64) (seqs []uint64, horizon uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Compact(slices.Clone(l.seqs)), visible.Load()
}

func (l *snapshotList) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.seqs)
}

func (s *Snapshot) isClosed() bool { return s.closed.Load() }

// Seq is the sequence of the newest operation that the snapshot sees.
func (s *Snapshot) Seq() uint64 { return s.seq }

// Close gives the snapshot up. A second Close does no harm.
func (s *Snapshot) Close() error {
	if !s.closed.Swap(true) {
		s.db.snapshots.drop(s.seq)
	}
	return nil
}

// Get is DB.Get as of the snapshot.
func (s *Snapshot) Get(key []byte) ([]byte, error) { return s.db.get(key, s) }

// GetTo is DB.GetTo as of the snapshot.
func (s *Snapshot) GetTo(dst, key []byte) ([]byte, error) { return s.db.getTo(dst, key, s) }

// Has is DB.Has as of the snapshot.
func (s *Snapshot) Has(key []byte) (bool, error) { return s.db.has(key, s) }

// NewIter is DB.NewIter as of the snapshot; the iterator may outlive it.
func (s *Snapshot) NewIter(o *IterOptions) *Iterator { return s.db.newIter(o, s) }

// Scan is DB.Scan as of the snapshot.
func (s *Snapshot) Scan(lo, hi []byte) iter.Seq2[Entry, error] { return s.db.scan(lo, hi, s) }

// ScanPrefix is DB.ScanPrefix as of the snapshot.
func (s *Snapshot) ScanPrefix(prefix []byte) iter.Seq2[Entry, error] {
	return s.db.scan(prefix, prefixEnd(prefix), s)
}
