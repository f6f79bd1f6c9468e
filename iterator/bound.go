package iterator

import (
	"bytes"

	"github.com/varvekv/varve/internal/ikey"
)

// Bound is the part of a cursor between two user keys. An empty range never
// touches the cursor below.
type Bound struct {
	cur          Cursor
	lower, upper []byte
	empty        bool
	valid        bool
	err          error
}

var _ Cursor = (*Bound)(nil)

// NewBound restricts cur, which it owns, to lower <= user key < upper. A nil
// bound is open; an empty upper bound that is not nil, or one at or below lower,
// makes an empty range. The bounds are borrowed until Close.
func NewBound(cur Cursor, lower, upper []byte) *Bound {
	b := new(Bound)
	b.Init(cur, lower, upper)
	return b
}

// Init makes b what NewBound returns.
func (b *Bound) Init(cur Cursor, lower, upper []byte) {
	empty := upper != nil && bytes.Compare(lower, upper) >= 0
	*b = Bound{cur: cur, lower: lower, upper: upper, empty: empty}
}

// First implements Cursor.
func (b *Bound) First() bool {
	switch {
	case b.empty:
		return b.end()
	case len(b.lower) == 0:
		return b.checkUpper(b.cur.First())
	}
	return b.checkUpper(b.cur.SeekGE(ikey.First(b.lower)))
}

// Last implements Cursor.
func (b *Bound) Last() bool {
	switch {
	case b.empty:
		return b.end()
	case b.upper == nil:
		return b.checkLower(b.cur.Last())
	}
	return b.checkLower(b.cur.SeekLT(ikey.First(b.upper)))
}

// SeekGE implements Cursor.
func (b *Bound) SeekGE(k ikey.Key) bool {
	switch {
	case b.empty || b.upper != nil && bytes.Compare(k.User, b.upper) >= 0:
		return b.end()
	case bytes.Compare(k.User, b.lower) < 0:
		return b.First()
	}
	return b.checkUpper(b.cur.SeekGE(k))
}

// SeekLT implements Cursor.
func (b *Bound) SeekLT(k ikey.Key) bool {
	switch {
	case b.empty || bytes.Compare(k.User, b.lower) < 0:
		return b.end()
	case b.upper != nil && bytes.Compare(k.User, b.upper) >= 0:
		return b.Last()
	}
	return b.checkLower(b.cur.SeekLT(k))
}

// Next implements Cursor.
func (b *Bound) Next() bool { return b.valid && b.checkUpper(b.cur.Next()) }

// Prev implements Cursor.
func (b *Bound) Prev() bool { return b.valid && b.checkLower(b.cur.Prev()) }

// Valid implements Cursor.
func (b *Bound) Valid() bool { return b.valid }

// Key implements Cursor.
func (b *Bound) Key() ikey.Key { return b.cur.Key() }

// Value implements Cursor.
func (b *Bound) Value() []byte { return b.cur.Value() }

// Err implements Cursor.
func (b *Bound) Err() error { return b.err }

// Close closes the cursor below.
func (b *Bound) Close() error {
	b.valid = false
	return b.cur.Close()
}

// checkUpper ends the range at upper, after a forward move that returned ok.
func (b *Bound) checkUpper(ok bool) bool {
	if !ok {
		return b.stop()
	}
	b.err = nil
	b.valid = b.upper == nil || bytes.Compare(b.cur.Key().User, b.upper) < 0
	return b.valid
}

// checkLower ends the range at lower, after a backward move that returned ok.
func (b *Bound) checkLower(ok bool) bool {
	if !ok {
		return b.stop()
	}
	b.err = nil
	b.valid = len(b.lower) == 0 || bytes.Compare(b.cur.Key().User, b.lower) >= 0
	return b.valid
}

// stop is the end of the cursor below, or its error.
func (b *Bound) stop() bool {
	b.valid, b.err = false, b.cur.Err()
	return false
}

// end is a seek that needs no look below.
func (b *Bound) end() bool {
	b.valid, b.err = false, nil
	return false
}
