package wal

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"github.com/varvekv/varve/internal/filename"
	"github.com/varvekv/varve/vfs"
)

// A Log has three parties. Appenders assign positions and copy into memory under
// mu. The commit leader, one goroutine at a time, holds the turn: it alone writes
// and syncs segment files (commit.go). The background writes what is buffered,
// prepares segments ahead and archives released ones (background.go, keeper.go).

// Log is an open log. Its methods may be called from any goroutine.
type Log struct {
	// Constant after Open.
	dir      vfs.Dir
	options  Options
	identity uint64
	epoch    uint64
	recovery Recovery
	closers  []io.Closer // what Open(path) holds: directory and lock

	// Synchronise themselves.
	written    atomic.Uint64 // position up to which data is in the files
	durable    atomic.Uint64 // … is on stable storage
	durableSeq atomic.Uint64
	failed     atomic.Pointer[stickyError]
	edit       atomic.Uint64 // last durable manifest edit
	gate       atomic.Uint32 // 0: WaitRoom has nothing to do. Written under mu
	lastTime   atomic.Int64  // newest time stamp given out; never goes back
	stats      stats
	line       line   // commits waiting, and who leads
	keeper     keeper // segments prepared ahead, released and archived
	flusher    flusher

	// mu guards the order of the log: positions, memory not yet written, and the
	// table of segments. Never held across disk I/O. Rank: after line.mu, before keeper.mu.
	mu       sync.Mutex
	end      LSN        // of the last frame
	dataEnd  LSN        // of the last frame that is no mark or seal
	lastSeq  uint64     // of the last operation
	start    LSN        // the oldest position still needed
	segments []*segment // live ones, oldest first; the last one takes appends
	active   *segment
	cur      *chunk   // takes appends
	full     []*chunk // before cur, waiting to be written
	pool     []*chunk // free
	chunks   int      // all there are: cur, full, pool and those being written
	pending  int64    // bytes appended and not written
	lastMark mark     // the newest mark appended
	stopped  bool     // poisoned or closed: appends go nowhere
	closed   bool

	room sync.Cond // pending has shrunk, or the log has stopped; L is &mu

	turn turn // the leader's own: touched by whoever leads
}

// stickyError is the error that ends a log: poison, or ErrClosed.
type stickyError struct{ err error }

// Open opens the log in the directory dir, which is made when missing, and takes
// the directory's lock (shared when read-only). The Recovery is filled in even
// beside an error. A nil o means the defaults.
func Open(dir string, o *Options) (*Log, *Recovery, error) {
	var fs vfs.FS = vfs.OS
	readOnly := o != nil && o.ReadOnly
	if o != nil && o.FS != nil {
		fs = o.FS
	}
	d, err := fs.OpenDir(dir, !readOnly)
	if err != nil {
		return nil, &Recovery{}, fmt.Errorf("wal: open: %w", err)
	}
	lock, err := d.Lock(filename.LockName, readOnly)
	if err != nil {
		return nil, &Recovery{}, errors.Join(fmt.Errorf("wal: open: %w", err), d.Close())
	}
	l, r, err := OpenDir(d, o)
	if err != nil {
		return nil, r, errors.Join(err, lock.Close(), d.Close())
	}
	l.closers = []io.Closer{lock, d}
	return l, r, nil
}

// OpenDir opens the log in d. The caller holds the directory's lock and closes d
// after the log.
func OpenDir(d vfs.Dir, o *Options) (*Log, *Recovery, error) {
	l := &Log{dir: d, options: o.withDefaults()}
	l.room.L = &l.mu
	r := &recoverer{log: l, dir: d, options: &l.options, report: &l.recovery}
	err := r.run()
	report := l.recovery
	if err != nil {
		return nil, &report, err
	}
	if !l.options.ReadOnly {
		l.startBackground()
	}
	return l, &report, nil
}

// Err is the error that ended the log: poison or ErrClosed; nil while it lives.
func (l *Log) Err() error {
	if s := l.failed.Load(); s != nil {
		return s.err
	}
	return nil
}

// Poison ends the log with a failure from outside (the manifest's): every waiter
// and every later call gets it. The first cause stays.
func (l *Log) Poison(cause error) {
	err := error(&poisonError{cause})
	if !l.failed.CompareAndSwap(nil, &stickyError{err}) {
		return
	}
	l.stop()
	l.line.fail(err)
	if f := l.options.Events.Poisoned; f != nil {
		f(err)
	}
}

// stop makes appends go nowhere, forgets what can no longer be written and wakes
// who waits for room.
func (l *Log) stop() {
	l.mu.Lock()
	l.stopped = true
	l.full, l.pool, l.cur, l.pending, l.chunks = nil, nil, nil, 0, 0
	l.gateLocked()
	l.room.Broadcast()
	l.mu.Unlock()
}

// Reasons for WaitRoom to look closer.
const (
	gateCrowded = 1 << iota // too much is pending
	gateStopped             // there is an error to return
)

// gateLocked says whether WaitRoom has anything to do.
func (l *Log) gateLocked() {
	var gate uint32
	if l.pending > pendingMaxBytes {
		gate |= gateCrowded
	}
	if l.stopped {
		gate |= gateStopped
	}
	if gate != l.gate.Load() {
		l.gate.Store(gate)
	}
}

// Durable is the position up to which the log is on stable storage.
func (l *Log) Durable() LSN { return LSN(l.durable.Load()) }

// DurableSeq is the greatest sequence of which it and all before it are on
// stable storage. It is frozen after a failure.
func (l *Log) DurableSeq() uint64 { return l.durableSeq.Load() }

// Written is the position up to which the log is in the operating system's hands.
func (l *Log) Written() LSN { return LSN(l.written.Load()) }

// End is the position behind the last append, durable or not.
func (l *Log) End() LSN {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.dataEnd
}

// Start is the oldest position that was not released.
func (l *Log) Start() LSN {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.start
}

// Identity is the log's random identity; with the epoch and an LSN it names a
// position for ever.
func (l *Log) Identity() uint64 { return l.identity }

// Epoch grows with every open after a crash.
func (l *Log) Epoch() uint64 { return l.epoch }

// SetManifestEdit notes the number of the last durable manifest edit, for the
// headers of later segments.
func (l *Log) SetManifestEdit(n uint64) {
	for {
		old := l.edit.Load()
		if n <= old || l.edit.CompareAndSwap(old, n) {
			return
		}
	}
}

// Close makes everything appended durable, seals the last segment, waits for the
// background, which archives what was released (for some seconds: what the archive
// does not take by then it is given by the next opening), and gives back what Open
// took. Calls that are running end first or
// get ErrClosed. A second Close does nothing. After a failure it returns that
// failure and leaves the files as they are.
func (l *Log) Close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil
	}
	l.closed = true
	l.mu.Unlock()
	if l.options.ReadOnly {
		l.failed.Store(&stickyError{fmt.Errorf("wal: %w", ErrClosed)})
		return l.closeAll(nil)
	}
	l.stopBackground()
	l.line.takeLead()
	err := l.finish()
	l.failed.Store(&stickyError{fmt.Errorf("wal: %w", ErrClosed)})
	l.stop()
	err = l.closeAll(err)
	l.handOver()
	l.line.fail(l.Err())
	return err
}

// closeAll closes the descriptors and what Open took. REQUIRES: the lead.
func (l *Log) closeAll(err error) error {
	errs := []error{err, l.closeFiles(), l.keeper.closeFiles()}
	for _, c := range l.closers {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

// finish writes and syncs what was appended, then the seal that says so.
// REQUIRES: the lead.
func (l *Log) finish() error {
	t := &l.turn
	t.group = l.line.take(t.group[:0]) // who waits is told of the sync, not of the close
	err := l.writeAndSync(takePlain)
	l.wakeGroup(err)
	if err != nil {
		return err
	}
	return l.writeAndSync(takeSeal)
}
