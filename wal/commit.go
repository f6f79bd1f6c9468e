package wal

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"
)

// Group commit. Whoever finds nobody leading becomes the leader and writes and
// syncs inline, for all who stand in line by then; the others wait. An inline
// leader beat a writer goroutine (86-91 µs against 95-99 a flush). Before a sync
// the leader gathers: it waits until as many commits stand in line as were in
// flight at the last sync, at most 0.3 of a flush; a lone writer waits for nobody.

// waiter is one commit in line.
type waiter struct {
	end   LSN
	d     Durability
	done  chan struct{} // gets one value, or is closed when async
	lead  bool          // woken to lead, not because it is done
	async bool
	err   error
}

var waiters = sync.Pool{New: func() any { return &waiter{done: make(chan struct{}, 1)} }}

// line is the commits that wait.
type line struct {
	mu      sync.Mutex // guards below; never held across I/O. Rank: before Log.mu
	leading bool
	queue   []*waiter
	err     error     // the log has stopped
	idle    sync.Cond // nobody leads; L is &mu
	synced  int       // of the queue, how many want Synced
}

// Commit waits until everything before end is as durable as d says. Commits
// share writes and syncs. A Synced one returns after a sync that began after its
// bytes were written. REQUIRES: end comes from an append that returned.
func (l *Log) Commit(end LSN, d Durability) error {
	if err := l.Err(); err != nil {
		return err
	}
	if l.reached(end, d) {
		return nil
	}
	w := waiters.Get().(*waiter)
	w.end, w.d, w.lead, w.err = end, d, false, nil
	if !l.line.join(w) {
		<-w.done
		if !w.lead {
			err := w.err
			waiters.Put(w)
			return err
		}
	}
	err := l.lead(w)
	waiters.Put(w)
	return err
}

// reached reports whether nothing has to be waited for.
func (l *Log) reached(end LSN, d Durability) bool {
	switch d {
	case Synced:
		return l.durable.Load() >= uint64(end)
	case Written:
		return l.written.Load() >= uint64(end)
	}
	if l.written.Load() < uint64(end) {
		l.flusher.arm()
	}
	return true
}

// join stands in line; true means that nobody leads and the caller must.
func (q *line) join(w *waiter) (lead bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.leading {
		q.leading = true
		return true
	}
	q.queue = append(q.queue, w)
	if w.d == Synced {
		q.synced++
	}
	return false
}

// lead commits for self and all in line, then hands the lead on.
func (l *Log) lead(self *waiter) error {
	t := &l.turn
	wantSync := self.d == Synced
	if wantSync || t.expect > 1 && l.line.wantSync() {
		l.gather(self)
	}
	t.group = l.line.take(t.group[:0])
	for _, w := range t.group {
		wantSync = wantSync || w.d == Synced
	}
	err := l.Err()
	if err == nil {
		err = l.commitGroup(wantSync)
	}
	l.wakeGroup(err)
	l.handOver()
	return err
}

func (l *Log) commitGroup(wantSync bool) error {
	if err := l.writePending(takePlain); err != nil {
		return err
	}
	t := &l.turn
	if !wantSync {
		if len(t.unsynced) > unsyncedMax {
			return l.syncAll()
		}
		return nil
	}
	// Written ones need not wait for the sync.
	kept := t.group[:0]
	for _, w := range t.group {
		if w.d == Written {
			w.finish(nil)
		} else {
			kept = append(kept, w)
		}
	}
	t.group = kept
	err := l.syncAll()
	t.expect = 1 + len(kept) + l.line.waiting()
	return err
}

func (l *Log) wakeGroup(err error) {
	for i, w := range l.turn.group {
		w.finish(err)
		l.turn.group[i] = nil
	}
	l.turn.group = l.turn.group[:0]
}

func (w *waiter) finish(err error) {
	w.err = err
	if w.async {
		close(w.done)
	} else {
		w.done <- struct{}{}
	}
}

// gather gives the commits that were in flight at the last sync the chance to
// come along. It yields instead of sleeping: no timer is short enough.
func (l *Log) gather(self *waiter) {
	t := &l.turn
	if t.expect <= 1 || t.flush <= 0 {
		return
	}
	begin := l.options.Clock()
	limit := t.flush * 3 / 10
	for l.line.waiting()+1 < t.expect && l.options.Clock().Sub(begin) < limit {
		runtime.Gosched()
	}
}

func (q *line) waiting() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.synced
}

func (q *line) wantSync() bool { return q.waiting() > 0 }

// take empties the line into dst.
func (q *line) take(dst []*waiter) []*waiter {
	q.mu.Lock()
	defer q.mu.Unlock()
	dst = append(dst, q.queue...)
	clear(q.queue)
	q.queue, q.synced = q.queue[:0], 0
	return dst
}

// handOver makes the first in line the leader, or nobody. An async waiter has no
// goroutine: the background leads for it.
func (l *Log) handOver() {
	q := &l.line
	q.mu.Lock()
	defer q.mu.Unlock()
	for i, w := range q.queue {
		if w.async {
			continue
		}
		q.queue = append(q.queue[:i], q.queue[i+1:]...)
		if w.d == Synced {
			q.synced--
		}
		w.lead = true
		w.done <- struct{}{}
		return
	}
	q.leading = false
	q.idle.Broadcast()
	if len(q.queue) > 0 {
		l.flusher.kick()
	}
}

// enter waits for the lead; leave gives it back. For what is done in a leader's
// place without standing in line.
func (q *line) enter() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.idle.L == nil {
		q.idle.L = &q.mu
	}
	for q.leading {
		q.idle.Wait()
	}
	q.leading = true
}

// tryEnter takes the lead where nobody has it.
func (q *line) tryEnter() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.leading {
		return false
	}
	q.leading = true
	return true
}

// fail ends the wait of everybody in line.
func (q *line) fail(err error) {
	q.mu.Lock()
	queue := q.queue
	q.queue, q.synced = nil, 0
	q.mu.Unlock()
	for _, w := range queue {
		w.finish(err)
	}
}

// turn is what only the leader touches.
type turn struct {
	group    []*waiter
	chunks   []*chunk // being written
	done     []*chunk // written: back to the pool at the next take
	unsynced []*segment
	dirSync  bool // a directory entry is not durable yet

	target    LSN    // written up to here
	targetSeq uint64 // and this sequence
	lastSync  time.Time
	flush     time.Duration // how long a sync takes, smoothed
	expect    int           // commits that were in flight at the last sync
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
	if l.durable.Load() >= uint64(t.target) && len(t.unsynced) == 0 {
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
	l.keeper.noteSynced()
	l.flusher.arm()
	if f := l.options.Events.Synced; f != nil {
		f(took, bytes)
	}
}

// poisoned ends the log with an error of its own files and returns the sticky one.
func (l *Log) poisoned(err error) error {
	l.Poison(err)
	return l.Err()
}
