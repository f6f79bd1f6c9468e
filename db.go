package varve

import (
	"context"
	"errors"
	"io"
	"iter"
	"sync"
	"sync/atomic"

	"github.com/varvekv/varve/internal/cache"
	"github.com/varvekv/varve/internal/epoch"
	"github.com/varvekv/varve/internal/offheap"
	"github.com/varvekv/varve/manifest"
	"github.com/varvekv/varve/vfs"
	"github.com/varvekv/varve/wal"
)

// DB is an open database. All methods may be called from any goroutine.
//
// Lock order, outermost first: calls, commitMu, work.mu, mu, then the rooms' own
// locks (log, manifest, tables.mu, epochs). None but calls is held across disk
// I/O or over code of the user.
type DB struct {
	// Constant after Open.
	opts     Options
	dir      vfs.Dir
	lock     io.Closer // on the directory
	archive  vfs.Dir   // nil without one
	clock    clock
	log      *wal.Log
	manifest *manifest.Store
	blocks   *cache.Cache
	tables   *tableCache
	arenas   *offheap.Pool
	report   RecoveryReport
	writers  [3]writer // by Durability
	tallies  *readTallies

	// Synchronises itself.
	epochs     epoch.Domain
	readers    sync.Pool // of *reader
	machines   sync.Pool // of *machine
	view       atomic.Pointer[view]
	visible    atomic.Uint64 // greatest sequence that readers see
	flushedSeq atomic.Uint64 // greatest sequence that is in tables, durably
	closed     atomic.Bool   // Close has begun
	hasClosed  atomic.Bool   // every goroutine has ended: what is retired is given back at once
	graves     graveyard
	users      atomic.Int64 // 1 for the DB, 1 per open iterator: the last one frees the cache
	snapshots  snapshotList
	stall      stall
	counters   counters
	work       background

	// calls is held shared by every write and maintenance call, and exclusively
	// by Close, which waits for them. Short reads are waited for through epochs.
	calls sync.RWMutex

	// commitMu guards the order of commits: what follows, and the memtable's
	// single writer. Held over memory only.
	commitMu sync.Mutex
	lastSeq  uint64 // of the newest operation given a sequence
	broken   error  // the log has what the memtable has not: nothing may follow
	turn     uint64 // counts commits; see turnCommits
	lookedAt int64  // size of the memtable when the back-pressure was last looked at

	// The flusher's own, once Open is through.
	torn      []string // set aside by this Open or an earlier one
	tornUntil uint64   // they may go when tables hold up to here

	// mu guards replacing the view. Held over memory only.
	mu sync.Mutex

	// obsoleteMu guards the list of files to delete. Innermost.
	obsoleteMu sync.Mutex
	obsolete   []*tableFile
}

// Writer is the three writing calls at one durability; see DB.With.
type Writer interface {
	Put(key, value []byte) error
	Delete(key []byte) error
	Write(b *Batch) error
}

// Reader is what a DB and a Snapshot have in common.
type Reader interface {
	Get(key []byte) ([]byte, error)
	GetTo(dst, key []byte) ([]byte, error)
	Has(key []byte) (bool, error)
	NewIter(o *IterOptions) *Iterator
	Scan(lo, hi []byte) iter.Seq2[Entry, error]
	ScanPrefix(prefix []byte) iter.Seq2[Entry, error]
}

type writer struct {
	db         *DB
	durability Durability
}

func (w *writer) Put(key, value []byte) error { return w.db.put(key, value, w.durability) }
func (w *writer) Delete(key []byte) error     { return w.db.delete(key, w.durability) }
func (w *writer) Write(b *Batch) error        { return w.db.write(b, w.durability) }

// With is the writing calls at another durability than the database's own. It
// does not allocate. An unknown durability counts as Synced.
func (db *DB) With(d Durability) Writer {
	if int(d) >= len(db.writers) {
		d = Synced
	}
	return &db.writers[d]
}

// Put sets key to value, at the durability of Options. The slices are not kept.
// A nil key is the empty key, which is legal; an empty value is a value.
// Errors: ErrTooLarge, ErrClosed, ErrReadOnly, ErrPoisoned.
func (db *DB) Put(key, value []byte) error { return db.put(key, value, db.opts.Durability) }

// Delete removes key; a key that is not there is no error. Errors as Put.
func (db *DB) Delete(key []byte) error { return db.delete(key, db.opts.Durability) }

// Write applies the batch: all of it or none, in every reader and after every
// crash. It leaves the batch as it was but for Seq; writing it again applies it
// again. Errors as Put; after one, the batch is wholly there or wholly absent
// when the database is opened next, undetermined which.
func (db *DB) Write(b *Batch) error { return db.write(b, db.opts.Durability) }

// Get is a copy of the value of key; the caller owns it. ErrNotFound if there is none.
func (db *DB) Get(key []byte) ([]byte, error) { return db.get(key, nil) }

// GetTo appends the value of key to dst and returns the result; it does not
// allocate where dst has room. On an error dst comes back unchanged.
func (db *DB) GetTo(dst, key []byte) ([]byte, error) { return db.getTo(dst, key, nil) }

// Has reports whether key is there.
func (db *DB) Has(key []byte) (bool, error) { return db.has(key, nil) }

// NewIter is an iterator over the database as of the call; it must be closed.
// nil options mean everything.
func (db *DB) NewIter(o *IterOptions) *Iterator { return db.newIter(o, nil) }

// Scan ranges over lo <= key < hi in order; nil is an open end. The snapshot is
// taken when the range begins, so that it cannot leak. The caller owns the bytes.
// An error comes as the last step.
func (db *DB) Scan(lo, hi []byte) iter.Seq2[Entry, error] { return db.scan(lo, hi, nil) }

// ScanPrefix is Scan over the keys that begin with prefix.
func (db *DB) ScanPrefix(prefix []byte) iter.Seq2[Entry, error] {
	return db.scan(prefix, prefixEnd(prefix), nil)
}

// Close waits for running calls, writes out what the log still buffers, syncs it
// and gives everything back. It does not wait for iterators: their next move is
// false with ErrClosed, and they keep their memory until they are closed. A
// second Close is ErrClosed. An error means the last writes may not be durable.
func (db *DB) Close() error {
	if db.closed.Swap(true) {
		return ErrClosed
	}
	db.work.stop()
	db.stall.wakeAll()
	db.calls.Lock() // drains: calls that begin from now on see that it is closed
	db.calls.Unlock()
	db.work.join()
	db.hasClosed.Store(true)
	db.waitForReaders()
	err := db.closeFiles()
	db.releaseUser()
	return err
}

// waitForReaders returns once every short read that began before has left.
func (db *DB) waitForReaders() {
	left := make(chan struct{})
	db.epochs.Retire(func() { close(left) })
	db.awaitRetired(left)
	db.reap()
}

// closeFiles gives back the view first, while the log still says whether files
// that nobody reads any more may be deleted, and the lock last.
func (db *DB) closeFiles() error {
	if v := db.view.Swap(nil); v != nil {
		db.unref(v)
	}
	db.deleteObsolete()
	errs := []error{db.log.Close(), db.manifest.Close(), db.arenas.Close()}
	if db.archive != nil {
		errs = append(errs, db.archive.Close())
	}
	return errors.Join(append(errs, db.lock.Close(), db.dir.Close())...)
}

// releaseUser drops one user of memory that iterators may share with the DB.
func (db *DB) releaseUser() {
	if db.users.Add(-1) != 0 {
		return
	}
	db.retire(func() {
		if err := db.blocks.Close(); err != nil {
			db.backgroundError("free block cache", err)
		}
	})
}

// begin enters a maintenance call; end leaves it.
func (db *DB) begin() error {
	// Only Close takes it exclusively. A call that comes out of a callback must
	// not queue behind a Close that waits for the caller of that callback.
	if !db.calls.TryRLock() {
		return ErrClosed
	}
	if db.closed.Load() {
		db.calls.RUnlock()
		return ErrClosed
	}
	return nil
}

func (db *DB) end() { db.calls.RUnlock() }

// beginWrite is begin for calls that change something.
func (db *DB) beginWrite() error {
	if err := db.begin(); err != nil {
		return err
	}
	if db.opts.ReadOnly {
		db.end()
		return ErrReadOnly
	}
	return nil
}

// Sync returns once everything acknowledged before the call is on stable storage.
func (db *DB) Sync() error {
	if err := db.beginWrite(); err != nil {
		return err
	}
	defer db.end()
	return db.log.Sync()
}

// DurableSeq is the sequence up to which every operation survives a power cut.
// It never falls; after ErrPoisoned it stays where it was. Of a database opened
// ReadOnly it is what recovery proved.
func (db *DB) DurableSeq() uint64 {
	return max(db.log.DurableSeq(), db.flushedSeq.Load())
}

// WaitDurable returns once DurableSeq has reached seq, syncing the log if nobody
// else does; ReadOnly, where nothing can be synced, ErrReadOnly stands for what is
// not durable. A sequence that no operation has had yet is an error at once.
func (db *DB) WaitDurable(ctx context.Context, seq uint64) error {
	if err := db.begin(); err != nil {
		return err
	}
	defer db.end()
	return db.waitDurable(ctx, seq)
}
