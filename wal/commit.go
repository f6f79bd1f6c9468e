package wal

import (
	"runtime"
	"slices"
	"sync"
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
	synced  int       // of the queue, how many want Synced
	enter   []*waiter // want the lead itself: served first
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
	err := l.runGroup(self.d == Synced)
	l.handOver()
	return err
}

// runGroup commits for all in line, and syncs where one of them or the caller
// wants it. REQUIRES: the lead.
func (l *Log) runGroup(wantSync bool) error {
	t := &l.turn
	if t.expect > 1 && (wantSync || l.line.waiting() > 0) {
		l.gather(wantSync)
	}
	t.group = l.line.take(t.group[:0])
	own := 0
	if wantSync {
		own = 1
	}
	for _, w := range t.group {
		wantSync = wantSync || w.d == Synced
	}
	err := l.Err()
	if err == nil {
		err = l.commitGroup(wantSync, own)
	}
	l.wakeGroup(err)
	return err
}

// leadForOthers is a leader's turn by a goroutine that waits for nothing itself:
// the background's, for async commits and buffered data.
func (l *Log) leadForOthers() {
	l.line.takeLead()
	l.runGroup(false)
	l.handOver()
}

// commitGroup writes, and syncs where that is wanted; own is the leader's own commits.
func (l *Log) commitGroup(wantSync bool, own int) error {
	if err := l.writePending(takePlain); err != nil {
		return err
	}
	t := &l.turn
	if !wantSync {
		if len(t.unsynced) > unsyncedMax {
			t.unsynced = slices.DeleteFunc(t.unsynced, (*segment).isGone) // no need to sync for those
		}
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
	if err == nil {
		l.stats.noteGroup(own + len(kept))
	}
	t.expect = 1 + len(kept) + l.line.waiting()
	l.keeper.synced.Store(true)
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
func (l *Log) gather(selfSynced bool) {
	t := &l.turn
	missing := t.expect
	if selfSynced {
		missing--
	}
	begin := l.options.Clock()
	limit := t.flush * 3 / 10
	for l.line.waiting() < missing && l.options.Clock().Sub(begin) < limit {
		runtime.Gosched()
	}
}

func (q *line) waiting() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.synced
}

// take empties the line into dst.
func (q *line) take(dst []*waiter) []*waiter {
	q.mu.Lock()
	defer q.mu.Unlock()
	dst = append(dst, q.queue...)
	clear(q.queue)
	q.queue, q.synced = q.queue[:0], 0
	return dst
}

// handOver ends a turn, and tells of the syncs in it: what Events are told may
// commit, and so must not come from who leads.
func (l *Log) handOver() {
	told := l.turn.told
	l.turn.told = nil
	l.passLead()
	for _, s := range told {
		l.options.Events.Synced(s.took, s.bytes)
	}
}

// passLead makes the first in line the leader, or nobody. An async waiter has no
// goroutine: the background leads for it.
func (l *Log) passLead() {
	q := &l.line
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.enter) > 0 {
		w := q.enter[0]
		q.enter = q.enter[1:]
		w.done <- struct{}{}
		return
	}
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
	if len(q.queue) > 0 {
		l.flusher.kick()
	}
}

// takeLead waits for the lead, for what is done in a leader's place without
// standing in line. handOver gives it back.
func (q *line) takeLead() {
	q.mu.Lock()
	if !q.leading {
		q.leading = true
		q.mu.Unlock()
		return
	}
	w := waiters.Get().(*waiter)
	q.enter = append(q.enter, w)
	q.mu.Unlock()
	<-w.done
	waiters.Put(w)
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
