package tests

import (
	"context"
	"errors"

	"github.com/varvekv/varve"
)

// A step is one thing that may happen, and how often, in 100,000.
type step struct {
	weight int
	do     func(*world)
}

// steps are ordered by harmlessness: a source that shrinks chooses early ones.
var steps = []step{
	{18000, (*world).put},
	{20000, (*world).get},
	{5000, (*world).has},
	{6000, (*world).getTo},
	{10000, (*world).batch},
	{22000, (*world).moveIter},
	{1500, (*world).scan},
	{1500, (*world).scanPrefix},
	{5000, (*world).snapGet},
	{700, (*world).openIter},
	{500, (*world).closeIter},
	{400, (*world).openSnap},
	{300, (*world).closeSnap},
	{200, (*world).sync},
	{400, (*world).askDurable},
	{60, (*world).waitDurable},
	{100, (*world).metrics},
	{40, (*world).flush},
	{12, (*world).compact},
	{10, (*world).check},
	{16, (*world).reopen},
	{20, (*world).crash},
}

var stepWeights = func() (sum int) {
	for _, s := range steps {
		sum += s.weight
	}
	return sum
}()

// step does one of steps.
func (w *world) step() {
	roll := w.d.IntN(stepWeights)
	for _, s := range steps {
		if roll -= s.weight; roll < 0 {
			s.do(w)
			return
		}
	}
}

func (w *world) put() { w.write([]change{w.change(100_000)}) }

// batch writes several operations, some to the same key; a few batches are
// larger than the memtable.
func (w *world) batch() {
	n := 2 + w.d.IntN(12)
	if chance(w.d, 60) {
		n = 200 + w.d.IntN(400)
	}
	unit := make([]change, n)
	for i := range unit {
		unit[i] = w.change(2000)
	}
	w.write(unit)
}

// reader is the database, or a snapshot of it.
func (w *world) reader(snapshot bool) (varve.Reader, int) {
	if snapshot && len(w.snap) > 0 {
		s := w.snap[w.d.IntN(len(w.snap))]
		return s.s, s.unit
	}
	return w.db, w.m.unit
}

func (w *world) get()     { w.getFrom(w.reader(false)) }
func (w *world) snapGet() { w.getFrom(w.reader(true)) }

func (w *world) getFrom(r varve.Reader, unit int) {
	w.t.Helper()
	w.fig.ops++
	k := w.key()
	v, err := r.Get([]byte(w.m.keys[k]))
	if w.m.at(k, unit) == absent {
		if !errors.Is(err, varve.ErrNotFound) || v != nil {
			w.fail("Get %q as of commit %d: %d B, %v, want ErrNotFound", clip(w.m.keys[k]), unit, len(v), err)
		}
		return
	}
	w.must("Get "+clip(w.m.keys[k]), err)
	w.compareValue("Get", k, unit, v)
	clear(v) // it is ours
}

func (w *world) has() {
	w.fig.ops++
	r, unit := w.reader(chance(w.d, 4))
	k := w.key()
	got, err := r.Has([]byte(w.m.keys[k]))
	w.must("Has", err)
	if want := w.m.at(k, unit) != absent; got != want {
		w.fail("Has %q as of commit %d: %v", clip(w.m.keys[k]), unit, got)
	}
}

func (w *world) getTo() {
	w.fig.ops++
	r, unit := w.reader(chance(w.d, 4))
	k := w.key()
	dst := append(make([]byte, 0, 3+w.d.IntN(200)), "dst"...)
	got, err := r.GetTo(dst, []byte(w.m.keys[k]))
	if string(got[:3]) != "dst" {
		w.fail("GetTo lost what stood in dst")
	}
	if w.m.at(k, unit) == absent {
		if !errors.Is(err, varve.ErrNotFound) || len(got) != 3 {
			w.fail("GetTo %q as of commit %d: %d B, %v, want ErrNotFound", clip(w.m.keys[k]), unit, len(got)-3, err)
		}
		return
	}
	w.must("GetTo", err)
	w.compareValue("GetTo", k, unit, got[3:])
}

func (w *world) scan() {
	r, unit := w.reader(chance(w.d, 3))
	lo, hi := w.bound(), w.bound()
	from, to := w.m.span(lo, hi)
	w.compareScan("Scan", r.Scan(lo, hi), walker{m: w.m, unit: unit, from: from, to: to})
}

func (w *world) scanPrefix() {
	r, unit := w.reader(chance(w.d, 3))
	k := w.m.keys[w.key()]
	prefix := k[:w.d.IntN(len(k)+1)]
	from, to := w.m.prefixed(prefix)
	w.compareScan("ScanPrefix", r.ScanPrefix([]byte(prefix)), walker{m: w.m, unit: unit, from: from, to: to})
}

// compareScan ranges over some or all of seq; entries are the caller's.
func (w *world) compareScan(what string, seq func(func(varve.Entry, error) bool), twin walker) {
	w.t.Helper()
	w.fig.scans++
	left := 1 + w.d.IntN(60)
	if chance(w.d, 50) {
		left = 1 << 30
	}
	for e, err := range seq {
		w.must(what, err)
		w.fig.ops++
		if !twin.next() {
			w.fail("%s: key %q past the end", what, clip(string(e.Key)))
		}
		if string(e.Key) != w.m.keys[twin.key] {
			w.fail("%s as of commit %d: key %q, want %q", what, twin.unit, clip(string(e.Key)), clip(w.m.keys[twin.key]))
		}
		w.compareValue(what, twin.key, twin.unit, e.Value)
		clear(e.Key)
		clear(e.Value)
		if left--; left == 0 {
			return
		}
	}
	if twin.next() {
		w.fail("%s as of commit %d ended before %q", what, twin.unit, clip(w.m.keys[twin.key]))
	}
}

func (w *world) sync() {
	w.fig.ops++
	w.must("Sync", w.db.Sync())
	w.m.settleAt(w.m.unit)
	if seq := w.db.DurableSeq(); seq < w.lastSeq {
		w.fail("DurableSeq %d after Sync, though %d was written", seq, w.lastSeq)
	}
}

func (w *world) askDurable() {
	w.fig.ops++
	w.durable()
}

func (w *world) waitDurable() {
	w.fig.ops++
	ctx, cancel := patience()
	defer cancel()
	w.must("WaitDurable", w.db.WaitDurable(ctx, w.lastSeq))
	if seq := w.db.DurableSeq(); seq < w.lastSeq {
		w.fail("DurableSeq %d after WaitDurable %d", seq, w.lastSeq)
	}
	w.durable()
}

func (w *world) metrics() {
	w.fig.ops++
	m := w.db.Metrics()
	if m.LastSeq < w.lastSeq || m.DurableSeq > m.LastSeq || m.Snapshots != len(w.snap) {
		w.fail("metrics: LastSeq %d (want >= %d), DurableSeq %d, %d snapshots (want %d)", m.LastSeq, w.lastSeq, m.DurableSeq, m.Snapshots, len(w.snap))
	}
	w.lastSeq = m.LastSeq
	if m.Corruptions != 0 || m.BackgroundError != nil || m.Poisoned != nil {
		w.fail("metrics: %d corruptions, background error %v, poison %v", m.Corruptions, m.BackgroundError, m.Poisoned)
	}
	w.fig.levels = max(w.fig.levels, levelsInUse(m))
}

func (w *world) flush() {
	w.fig.ops++
	w.fig.flushed++
	w.fig.heldOverFlush += len(w.iter) + len(w.snap)
	w.must("Flush", w.db.Flush())
	w.m.settleAt(w.m.unit)
}

func (w *world) compact() {
	w.fig.ops++
	w.fig.compacted++
	w.fig.heldOverFlush += len(w.iter) + len(w.snap)
	ctx, cancel := patience()
	defer cancel()
	w.must("Compact", w.db.Compact(ctx, w.bound(), w.bound()))
}

func (w *world) check() {
	w.fig.ops++
	w.fig.checks++
	w.must("Check", w.db.Check(context.Background()))
}
