package varve

// Compactions: which one is next, carrying it out, and making it count. What is
// chosen and how entries are merged is package compaction's business.

import (
	"context"
	"runtime"
	"time"

	"github.com/varvekv/varve/compaction"
	"github.com/varvekv/varve/internal/corruption"
	"github.com/varvekv/varve/internal/filename"
	"github.com/varvekv/varve/iterator"
	"github.com/varvekv/varve/manifest"
	"github.com/varvekv/varve/sstable"
)

type cursor = iterator.Cursor

const (
	// blockBytes is the target of a stored data block: what one Get reads.
	blockBytes = 4096
	// tableBytesMax is where tables are split at the default memtable size;
	// smaller memtables make smaller tables, so that the tree has a shape.
	tableBytesMax = 32 << 20
)

// yield gives readers and writers a turn: with as many clients as cores, work
// that computes for long at a stretch is their tail latency.
func yield() { runtime.Gosched() }

// giveWay is yield for background work: it tells how long that took.
func (db *DB) giveWay() time.Duration {
	begin := db.now()
	yield()
	return db.now() - begin
}

// shape is what the tree is to look like.
func (db *DB) shape() compaction.Shape {
	return compaction.Shape{
		MemtableBytes: db.opts.MemtableBytes,
		TableBytes:    min(max(db.opts.MemtableBytes/2, 16<<10), tableBytesMax),
	}
}

// nextPlan claims the most urgent compaction, if there is one and a place free.
func (db *DB) nextPlan(isIdle, isPaid bool) *compaction.Plan {
	if db.log.Err() != nil {
		return nil
	}
	w := &db.work
	w.mu.Lock()
	defer w.mu.Unlock()
	v := db.readable()
	if len(w.busy) >= db.opts.Compactions || w.manual > 0 && len(v.Levels[0].Runs) <= level0RunsSoft {
		return nil
	}
	s := db.pickStateLocked()
	s.Idle, s.ReadersPaid = isIdle, isPaid
	plan := compaction.Pick(v, s)
	if plan != nil {
		w.busy[plan] = struct{}{}
	}
	return plan
}

// readable is the version that readers see. Plans are made from it, and not from
// the manifest's, which may be an edit ahead: a plan's tables must be found in a
// view, and its slices stay busy until the view without them is installed.
func (db *DB) readable() *manifest.Version { return db.view.Load().ver.Version }

// pickStateLocked is what Pick must know. REQUIRES: db.work.mu held.
func (db *DB) pickStateLocked() compaction.State {
	seqs, horizon := db.snapshots.held(&db.visible)
	s := compaction.State{Shape: db.shape(), Floor: compaction.Readers{Snapshots: seqs, Horizon: horizon}.Floor()}
	s.Running = append(s.Running, db.work.damaged...)
	for p := range db.work.busy {
		s.Running = append(s.Running, p)
	}
	return s
}

// runPlan carries a claimed plan out and makes it count.
func (db *DB) runPlan(ctx context.Context, plan *compaction.Plan) (err error) {
	v := db.acquire()
	defer db.unref(v)
	begin := db.now()
	info := CompactionInfo{
		Job: db.counters.jobs.Add(1), Reason: plan.Reason.String(), FromLevel: plan.Inputs[0].Level, ToLevel: plan.Level,
		TablesIn: len(plan.Slices()), BytesIn: plan.InputBytes(), IsMove: plan.Move,
	}
	db.tellCompactionBegin(info)
	defer func() {
		info.Duration, info.Err = db.now()-begin, err
		if !plan.Move || err != nil {
			db.counters.compactions.ended(info.Duration, err)
		}
		db.tellCompactionEnd(info)
	}()
	result, err := compaction.Run(ctx, plan, db.env(v.ver))
	if err != nil {
		return err
	}
	if err := db.edit(result.Edit, nil); err != nil {
		return err
	}
	info.TablesOut, info.BytesOut = len(result.Edit.Added), result.WrittenBytes
	info.EntriesIn, info.EntriesOut = result.In.Entries, result.Out.Entries
	db.counters.compacted(plan, result)
	if !plan.Move {
		db.tellCreated(info.Job, result.Edit.Added)
	}
	return nil
}

// openInput is a cursor over one input of a compaction, for one pass.
func (db *DB) openInput(ver *version, s *manifest.Slice) (cursor, error) {
	for _, t := range ver.tables {
		if t.slice == s {
			return db.tables.newCursor(t, sstable.AccessBulk)
		}
	}
	return nil, corruption.New(filename.Make(filename.Table, s.File), -1, "table of a plan is not in the version it was made for")
}

// Compact merges lo <= key < hi (nil is an open end) down to the last level, so
// that deleted and overwritten entries no longer take space, as far as snapshots
// allow. It flushes first, and returns when all is done or ctx ends.
func (db *DB) Compact(ctx context.Context, lo, hi []byte) error {
	if err := db.beginWrite(); err != nil {
		return err
	}
	defer db.end()
	if err := db.flushAll(ctx); err != nil {
		return err
	}
	db.work.beginManual()
	defer db.endManual()
	m := compaction.NewManual(db.readable(), lo, hi)
	for {
		plan, changed, isDone, err := db.nextManual(m)
		switch {
		case err != nil:
			return err
		case isDone:
			return nil
		case plan == nil:
			if err := db.work.awaitChange(ctx, changed); err != nil {
				return err
			}
			continue
		}
		err = db.runManual(ctx, plan)
		db.work.release(plan)
		if err != nil {
			return err
		}
	}
}

// runManual carries out one plan of a Compact; Close ends it too.
func (db *DB) runManual(ctx context.Context, plan *compaction.Plan) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(db.work.ctx, cancel)()
	err := db.runPlan(ctx, plan)
	if err != nil && db.closed.Load() {
		return ErrClosed
	}
	return err
}

// nextManual claims the next plan of a Compact. Without one and not done, the
// caller waits on changed. What only damaged tables keep from being done is an error.
func (db *DB) nextManual(m *compaction.Manual) (plan *compaction.Plan, changed <-chan struct{}, isDone bool, err error) {
	if err := db.log.Err(); err != nil {
		return nil, nil, false, err
	}
	w := &db.work
	w.mu.Lock()
	defer w.mu.Unlock()
	plan, isDone = m.Next(db.readable(), db.pickStateLocked())
	switch {
	case plan != nil:
		w.busy[plan] = struct{}{}
	case !isDone && len(w.busy) == 0 && len(w.damaged) > 0:
		err = w.damage
	}
	return plan, w.changed, isDone, err
}

// beginManual keeps automatic compactions from starting, so that a manual one is
// not always a step behind; those that run go on, and so does what writers would
// otherwise be held back for.
func (w *background) beginManual() {
	w.mu.Lock()
	w.manual++
	w.mu.Unlock()
}

func (db *DB) endManual() {
	db.work.mu.Lock()
	db.work.manual--
	db.work.mu.Unlock()
	kick(db.work.compact)
}

// awaitChange waits for the end of some flush or compaction.
func (w *background) awaitChange(ctx context.Context, changed <-chan struct{}) error {
	select {
	case <-changed:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-w.ctx.Done():
		return ErrClosed
	}
}
