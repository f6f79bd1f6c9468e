package varve

// Every goroutine of the engine has its owner here: one that flushes, one that
// chooses compactions, one per running compaction, and one that deletes files
// and gives back memory whose last reader has left.

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/varvekv/varve/compaction"
	"github.com/varvekv/varve/internal/filename"
	"github.com/varvekv/varve/manifest"
)

// Retries of background work back off between these.
const (
	backoffMin = 100 * time.Millisecond
	backoffMax = 10 * time.Second
)

// idleAfter is how long nobody must have written before compactions run that
// only help readers.
const idleAfter = 500 * time.Millisecond

// background owns the goroutines.
type background struct {
	ctx    context.Context // ends at Close
	cancel context.CancelFunc
	wg     sync.WaitGroup

	flush   chan struct{} // capacity 1: there may be something to flush
	compact chan struct{} // capacity 1: there may be something to compact
	clean   chan struct{} // capacity 1: there may be something to delete or give back

	mu         sync.Mutex // guards what follows
	busy       map[*compaction.Plan]struct{}
	manual     int                // Compact calls that wait for their turn
	damaged    []*compaction.Plan // stand-ins for slices that no plan may take
	damage     error              // that made the last of them
	changed    chan struct{}      // closed and renewed when a flush or compaction ends
	flushes    attempts
	compacting attempts
}

// attempts is how often a kind of work failed of late.
type attempts struct {
	count   uint64 // that ended, either way
	failed  error  // of the last one; nil where it succeeded
	backoff time.Duration
}

// ended notes the end of one attempt and returns how long to wait before the next.
func (a *attempts) ended(err error) time.Duration {
	a.count++
	a.failed = err
	if err == nil {
		a.backoff = 0
	} else {
		a.backoff = min(max(2*a.backoff, backoffMin), backoffMax)
	}
	return a.backoff
}

func (w *background) init() {
	w.ctx, w.cancel = context.WithCancel(context.Background())
	w.flush = make(chan struct{}, 1)
	w.compact = make(chan struct{}, 1)
	w.clean = make(chan struct{}, 1)
	w.busy = make(map[*compaction.Plan]struct{})
	w.changed = make(chan struct{})
}

// stop tells every goroutine to end; join waits until they have.
func (w *background) stop() { w.cancel() }
func (w *background) join() { w.wg.Wait() }

func kick(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// startBackground begins the goroutines; a read-only database needs the cleaner only.
func (db *DB) startBackground() {
	db.work.wg.Go(db.cleanLoop)
	if db.opts.ReadOnly {
		return
	}
	db.work.wg.Go(db.flushLoop)
	db.work.wg.Go(db.compactLoop)
	kick(db.work.flush)
	kick(db.work.compact)
}

// flushLoop turns immutables into tables, oldest first.
func (db *DB) flushLoop() {
	for db.work.wait(db.work.flush) {
		for db.log.Err() == nil && db.work.ctx.Err() == nil && len(db.view.Load().imms) > 0 {
			err := db.flushOldest(db.work.ctx)
			if db.work.ctx.Err() != nil {
				return
			}
			pause := db.work.ended(&db.work.flushes, err)
			db.updateStall()
			if err != nil {
				db.backgroundError("flush", err)
				db.work.sleep(pause)
			}
		}
	}
}

// compactLoop starts compactions while there is something to do and a place free.
func (db *DB) compactLoop() {
	var seen uint64 // operations when the last round began
	var debt readDebt
	for db.work.waitOr(db.work.compact, idleAfter) {
		ops := db.counters.operations.Load()
		isIdle := ops == seen
		seen = ops
		isPaid := db.isTidyingPaid(&debt)
		for db.work.ctx.Err() == nil {
			plan := db.nextPlan(isIdle, isPaid)
			if plan == nil {
				break
			}
			db.work.wg.Go(func() {
				db.runAutomatic(plan)
				kick(db.work.compact)
			})
		}
	}
}

// runAutomatic carries out a plan. A failed one keeps its tables busy while it
// backs off, so that they are not chosen again at once.
func (db *DB) runAutomatic(plan *compaction.Plan) {
	w := &db.work
	err := db.runPlan(w.ctx, plan)
	if w.ctx.Err() == nil {
		pause := w.ended(&w.compacting, err)
		db.updateStall()
		if err != nil {
			db.backgroundError("compaction", err)
			w.quarantine(plan, err)
			w.sleep(pause)
		}
	}
	w.release(plan)
}

// quarantine keeps what is damaged out of later plans, which would only fail
// again and keep every other compaction from its turn. Reopening forgets it.
func (w *background) quarantine(plan *compaction.Plan, err error) {
	var damage *CorruptionError
	if !errors.As(err, &damage) {
		return
	}
	var named []compaction.Input
	for _, in := range plan.Inputs {
		for _, s := range in.Slices {
			if filename.Make(filename.Table, s.File) == damage.File {
				named = append(named, compaction.Input{Level: in.Level, Run: in.Run, Slices: []*manifest.Slice{s}})
			}
		}
	}
	if len(named) == 0 {
		named = plan.Inputs // the sums of all inputs together do not fit
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.damage = err
	w.damaged = append(w.damaged, &compaction.Plan{Reason: plan.Reason, Inputs: named})
}

// cleanLoop deletes obsolete files and gives back retired memory.
func (db *DB) cleanLoop() {
	for db.work.wait(db.work.clean) {
		for db.reap() > 0 && db.work.ctx.Err() == nil {
			db.work.sleep(time.Millisecond)
		}
		db.deleteObsolete()
	}
}

// wait is false when the engine stops.
func (w *background) wait(c chan struct{}) bool {
	select {
	case <-c:
		return true
	case <-w.ctx.Done():
		return false
	}
}

// waitOr is wait that also returns after d.
func (w *background) waitOr(c chan struct{}, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-c:
		return true
	case <-t.C:
		return true
	case <-w.ctx.Done():
		return false
	}
}

func (w *background) sleep(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-w.ctx.Done():
	}
}

// ended notes the end of a flush or compaction, wakes who waits for one, and
// returns how long to back off.
func (w *background) ended(a *attempts, err error) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	pause := a.ended(err)
	w.wakeLocked()
	return pause
}

// wake lets everybody who waits for work look again.
func (w *background) wake() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wakeLocked()
}

func (w *background) wakeLocked() {
	close(w.changed)
	w.changed = make(chan struct{})
}

// watch is a channel that is closed when the next flush or compaction ends, and
// how flushes went so far.
func (w *background) watch() (<-chan struct{}, attempts) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.changed, w.flushes
}

// release takes a plan out of the busy set.
func (w *background) release(p *compaction.Plan) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.busy, p)
	w.wakeLocked()
}

// waitForFlush returns when there may be room for another memtable. A flush that
// fails meanwhile is the caller's error.
func (db *DB) waitForFlush() error {
	defer db.stall.waited(StallMemtables, db.now())
	_, before := db.work.watch()
	for {
		changed, flushes := db.work.watch()
		switch {
		case len(db.view.Load().imms) < immutablesMax:
			return nil
		case db.closed.Load():
			return ErrClosed
		case db.log.Err() != nil:
			return db.log.Err()
		case flushes.failed != nil && flushes.count > before.count:
			return flushes.failed
		}
		select {
		case <-changed:
		case <-db.work.ctx.Done():
		}
	}
}

// awaitRetired collects until done is closed: the last reader leaves in
// microseconds.
func (db *DB) awaitRetired(done <-chan struct{}) {
	for {
		db.epochs.Collect()
		t := time.NewTimer(50 * time.Microsecond)
		select {
		case <-done:
			t.Stop()
			return
		case <-t.C:
		}
	}
}

// edit applies one edit and installs the view that follows from it. drop, if
// not nil, is the immutable that the edit's tables replace.
func (db *DB) edit(e *manifest.Edit, drop *mem) error {
	if err := db.log.Err(); err != nil {
		return err // DurableSeq stays where it was
	}
	e.DurableLSN = uint64(db.log.Durable())
	if _, err := db.manifest.Apply(e); err != nil {
		db.log.Poison(err)
		return err
	}
	db.log.SetManifestEdit(e.Number)
	db.mu.Lock()
	defer db.mu.Unlock()
	mv := db.manifest.Version() // another edit may have been installed or applied since
	now := db.view.Load()
	imms := now.imms
	if drop != nil {
		imms = without(imms, drop)
	}
	ver := db.newVersionLocked(mv)
	db.markObsoleteLocked(now.ver, ver)
	db.installLocked(newView(now.mem, imms, ver))
	db.unrefVersion(ver) // the view holds it now
	return nil
}

func without(imms []*mem, drop *mem) []*mem {
	var kept []*mem
	for _, m := range imms {
		if m != drop {
			kept = append(kept, m)
		}
	}
	return kept
}
