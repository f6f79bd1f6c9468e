package tests

import (
	"bytes"
	"errors"

	"github.com/varvekv/varve"
)

// A heldIter is an iterator that stays open while the world goes on, and its
// twin over the model.
type heldIter struct {
	it      *varve.Iterator
	w       walker
	forward bool // of the last move
}

// A heldSnap is a snapshot and the commit it was taken at.
type heldSnap struct {
	s    *varve.Snapshot
	unit int
}

func (w *world) bound() []byte {
	switch w.d.IntN(6) {
	case 0, 1:
		return nil
	case 2:
		return []byte{}
	}
	k := []byte(w.m.keys[w.key()])
	if chance(w.d, 4) && len(k) > 0 {
		k = k[:w.d.IntN(len(k))]
	}
	return k
}

// openIter holds an iterator over the database or a snapshot.
func (w *world) openIter() {
	if len(w.iter) >= 6 {
		w.closeIter()
	}
	lo, hi := w.bound(), w.bound()
	var o *varve.IterOptions
	if lo != nil || hi != nil || chance(w.d, 2) {
		o = &varve.IterOptions{Lower: lo, Upper: hi}
	}
	var r varve.Reader = w.db
	unit := w.m.unit
	if len(w.snap) > 0 && chance(w.d, 3) {
		s := w.snap[w.d.IntN(len(w.snap))]
		r, unit = s.s, s.unit
	}
	from, to := w.m.span(lo, hi)
	w.iter = append(w.iter, &heldIter{r.NewIter(o), walker{m: w.m, unit: unit, from: from, to: to}, chance(w.d, 2)})
	clear(lo) // bounds must not be kept, or be kept as copies
	clear(hi)
}

func (w *world) closeIter() {
	if len(w.iter) == 0 {
		return
	}
	i := w.d.IntN(len(w.iter))
	w.must("close iterator", w.iter[i].it.Close())
	w.iter = append(w.iter[:i], w.iter[i+1:]...)
}

// moveIter moves one held iterator some steps, turning round now and then.
func (w *world) moveIter() {
	w.t.Helper()
	if len(w.iter) == 0 {
		w.openIter()
	}
	h := w.iter[w.d.IntN(len(w.iter))]
	for range 1 + w.d.IntN(12) {
		w.moveOnce(h)
		w.fig.ops++
		w.fig.moves++
	}
}

func (w *world) moveOnce(h *heldIter) {
	w.t.Helper()
	var name string
	var got, want bool
	turn := chance(w.d, 8)
	switch roll := w.d.IntN(40); {
	case roll == 0:
		name, got, want = "First", h.it.First(), h.w.first()
	case roll == 1:
		name, got, want = "Last", h.it.Last(), h.w.last()
	case roll < 5:
		k := w.m.keys[w.key()]
		name, got, want = "SeekGE "+clip(k), h.it.SeekGE([]byte(k)), h.w.seekGE(k)
	case roll < 8:
		k := w.m.keys[w.key()]
		name, got, want = "SeekLT "+clip(k), h.it.SeekLT([]byte(k)), h.w.seekLT(k)
	case h.forward != turn:
		name, got, want = "Next", h.it.Next(), h.w.next()
	default:
		name, got, want = "Prev", h.it.Prev(), h.w.prev()
	}
	if turn {
		h.forward = !h.forward
		w.fig.turns++
	}
	w.compareIter(h, name, got, want)
}

func (w *world) compareIter(h *heldIter, move string, got, want bool) {
	w.t.Helper()
	w.must("iterator "+move, h.it.Err())
	if got != want || h.it.Valid() != want {
		w.fail("%s of iterator as of commit %d: %v, Valid %v, want %v", move, h.w.unit, got, h.it.Valid(), want)
	}
	if !want {
		if h.it.Key() != nil || h.it.Value() != nil {
			w.fail("%s: key and value of an iterator that is not Valid", move)
		}
		return
	}
	key := w.m.keys[h.w.key]
	if string(h.it.Key()) != key {
		w.fail("%s of iterator as of commit %d: key %q, want %q", move, h.w.unit, clip(string(h.it.Key())), clip(key))
	}
	w.compareValue(move, h.w.key, h.w.unit, h.it.Value())
}

// compareValue verifies value against the model as of unit.
func (w *world) compareValue(what string, key, unit int, value []byte) {
	w.t.Helper()
	want := w.m.at(key, unit)
	w.scratch = want.bytes(w.scratch[:0])
	if !bytes.Equal(w.scratch, value) {
		got, _, err := parseStamp(value, nil)
		w.fail("%s: key %q as of commit %d is %v (%v), want %v", what, clip(w.m.keys[key]), unit, got, err, want)
	}
}

func (w *world) openSnap() {
	if len(w.snap) >= 4 {
		w.closeSnap()
	}
	w.snap = append(w.snap, &heldSnap{w.db.Snapshot(), w.m.unit})
	w.fig.snapshots++
}

func (w *world) closeSnap() {
	if len(w.snap) == 0 {
		return
	}
	i := w.d.IntN(len(w.snap))
	w.must("close snapshot", w.snap[i].s.Close())
	w.snap = append(w.snap[:i], w.snap[i+1:]...)
}

// release closes what is held; twice, because that must do no harm.
func (w *world) release() {
	w.t.Helper()
	for _, h := range w.iter {
		w.must("close iterator", h.it.Close())
		w.must("close iterator again", h.it.Close())
	}
	for _, s := range w.snap {
		w.must("close snapshot", s.s.Close())
		w.must("close snapshot again", s.s.Close())
	}
	w.iter, w.snap = nil, nil
}

// expectClosed: after DB.Close everything held answers ErrClosed.
func (w *world) expectClosed() {
	w.t.Helper()
	for _, h := range w.iter {
		if h.it.Next() || !errors.Is(h.it.Err(), varve.ErrClosed) {
			w.fail("an iterator over a closed database: Valid %v, Err %v", h.it.Valid(), h.it.Err())
		}
	}
	for _, s := range w.snap {
		if _, err := s.s.Get([]byte("k")); !errors.Is(err, varve.ErrClosed) {
			w.fail("Get of a snapshot of a closed database: %v", err)
		}
	}
}
