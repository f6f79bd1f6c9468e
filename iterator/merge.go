package iterator

import (
	"errors"
	"math"

	"github.com/varvekv/varve/internal/ikey"
)

// Galloper is a Cursor that can tell how far it may go without being compared.
type Galloper interface {
	Cursor
	// Ahead is a number of Next moves that all succeed and all end before
	// limit; 0 when that is not known cheaply (one compare with the last key of
	// a block is the idea). REQUIRES: Valid.
	Ahead(limit ikey.Key) int
}

const (
	// gallopWins is how often in a row a child must win before it is asked how
	// far it may gallop; gallopPause is how many wins a refusal costs.
	gallopWins  = 4
	gallopPause = 16
	// linearMax is the number of children up to which a loser is sunk by linear
	// search: one badly predicted branch, where a tree has one per level.
	linearMax = 8
	// tiesMax is how many ties of words make the merge choose a new base.
	tiesMax = 32
)

// Merge is the sorted union of several cursors. Where two children hold the
// very same version, both are given, the earlier child's first.
//
// The heads stand in a sorted array, the winner first: a child that keeps
// winning costs one compare a step, and few children are re-sorted faster than
// by a heap. Compares are of 8-byte words (see word.go) but for ties.
//
// The first error of any child ends the merge: what the other children hold is
// not given out of order, nor as if it were everything.
type Merge struct {
	heads []head
	order []place // live children in merge order
	words words
	key   ikey.Key // of the winner
	top   Cursor   // the winner; nil when not valid
	free  int      // moves of the winner that need no compare
	wins  int      // of the winner in a row; below zero it is not asked
	ties  int      // of words, since the base was chosen
	back  bool     // moving backwards: order and words are reversed
	err   error
}

// head is a child and the version under it.
type head struct {
	cur    Cursor
	gallop Galloper // cur, when it can
	key    ikey.Key // valid until cur moves; stale for the winner
	live   bool     // cur is valid
}

// place is a live child's place in the merge order.
type place struct {
	word  uint64
	index int // in heads
}

var _ Cursor = (*Merge)(nil)

// NewMerge merges children, which it owns from then on: Close closes them.
func NewMerge(children ...Cursor) *Merge {
	m := new(Merge)
	m.Init(children)
	return m
}

// Init makes m a fresh merge of children, reusing its memory. The slice is not
// kept. Children that m held before are forgotten, not closed.
func (m *Merge) Init(children []Cursor) {
	*m = Merge{heads: m.heads[:0], order: m.order[:0], words: m.words}
	for _, c := range children {
		g, _ := c.(Galloper)
		m.heads = append(m.heads, head{cur: c, gallop: g})
	}
}

// First implements Cursor.
func (m *Merge) First() bool {
	for i := range m.heads {
		m.heads[i].live = m.heads[i].cur.First()
	}
	return m.gather(false)
}

// Last implements Cursor.
func (m *Merge) Last() bool {
	for i := range m.heads {
		m.heads[i].live = m.heads[i].cur.Last()
	}
	return m.gather(true)
}

// SeekGE implements Cursor.
func (m *Merge) SeekGE(k ikey.Key) bool {
	for i := range m.heads {
		m.heads[i].live = m.heads[i].cur.SeekGE(k)
	}
	return m.gather(false)
}

// SeekLT implements Cursor.
func (m *Merge) SeekLT(k ikey.Key) bool {
	for i := range m.heads {
		m.heads[i].live = m.heads[i].cur.SeekLT(k)
	}
	return m.gather(true)
}

// Next implements Cursor.
func (m *Merge) Next() bool {
	if m.top == nil || m.back {
		return m.turn(false)
	}
	if !m.top.Next() {
		return m.drop()
	}
	m.key = m.top.Key()
	if m.free > 0 {
		m.free--
		return true
	}
	return m.settle()
}

// Prev implements Cursor.
func (m *Merge) Prev() bool {
	if m.top == nil || !m.back {
		return m.turn(true)
	}
	if !m.top.Prev() {
		return m.drop()
	}
	m.key = m.top.Key()
	if m.free > 0 {
		m.free--
		return true
	}
	return m.settle()
}

// Valid implements Cursor.
func (m *Merge) Valid() bool { return m.top != nil }

// Key implements Cursor.
func (m *Merge) Key() ikey.Key { return m.key }

// Value implements Cursor.
func (m *Merge) Value() []byte { return m.top.Value() }

// Err implements Cursor.
func (m *Merge) Err() error { return m.err }

// Close closes every child.
func (m *Merge) Close() error {
	var errs []error
	for i := range m.heads {
		if err := m.heads[i].cur.Close(); err != nil {
			errs = append(errs, err)
		}
	}
	m.top, m.key, m.order = nil, ikey.Key{}, m.order[:0]
	return errors.Join(errs...)
}

// gather sorts the heads after all children moved, in direction back.
func (m *Merge) gather(back bool) bool {
	m.back, m.err, m.top, m.order = back, nil, nil, m.order[:0]
	for i := range m.heads {
		h := &m.heads[i]
		if !h.live {
			if err := h.cur.Err(); err != nil {
				return m.fail(err)
			}
			continue
		}
		h.key = h.cur.Key()
		m.order = append(m.order, place{index: i})
	}
	m.rebase()
	for i := len(m.order) - 2; i >= 0; i-- {
		if o := m.order[i:]; m.before(o[1], o[0]) {
			m.sink(o)
		}
	}
	return m.crown()
}

// crown makes the first in order the winner.
func (m *Merge) crown() bool {
	m.free, m.wins = 0, 0
	if len(m.order) == 0 {
		m.top, m.key = nil, ikey.Key{}
		return false
	}
	h := &m.heads[m.order[0].index]
	m.top, m.key = h.cur, h.key
	return true
}

// settle finds the winner after the old one moved on to m.key.
func (m *Merge) settle() bool {
	o := m.order
	if len(o) == 1 {
		m.free = math.MaxInt
		return true
	}
	h := &m.heads[o[0].index]
	h.key = m.key
	o[0].word = m.words.of(m.key.User, m.back)
	if m.before(o[0], o[1]) {
		if m.wins++; m.wins >= gallopWins {
			m.gallop(h)
		}
		return true
	}
	m.sink(o)
	if m.ties > tiesMax {
		m.rebase()
	}
	return m.crown()
}

// gallop asks the winner how far it may go without being compared.
func (m *Merge) gallop(h *head) {
	m.wins = 0
	if h.gallop == nil || m.back {
		return
	}
	if m.free = h.gallop.Ahead(m.heads[m.order[1].index].key); m.free == 0 {
		m.wins = -gallopPause
	}
}

// sink moves the first of o to its place among the others, which are sorted.
// REQUIRES: the second stands before it.
func (m *Merge) sink(o []place) {
	x, n := o[0], 2
	o[0] = o[1]
	if len(o) <= linearMax {
		for ; n < len(o) && m.before(o[n], x); n++ {
			o[n-1] = o[n]
		}
		o[n-1] = x
		return
	}
	end := len(o)
	for n < end {
		if mid := int(uint(n+end) >> 1); m.before(o[mid], x) {
			n = mid + 1
		} else {
			end = mid
		}
	}
	copy(o[1:], o[2:n])
	o[n-1] = x
}

// before is the merge order in the present direction.
func (m *Merge) before(a, b place) bool {
	if a.word != b.word {
		return a.word < b.word
	}
	return m.beforeTied(a.index, b.index)
}

func (m *Merge) beforeTied(a, b int) bool {
	m.ties++
	c := ikey.Compare(m.heads[a].key, m.heads[b].key)
	if c == 0 {
		c = a - b
	}
	return (c < 0) != m.back
}

// drop takes the winner, which came to its end or failed, out of the merge.
func (m *Merge) drop() bool {
	if err := m.top.Err(); err != nil {
		return m.fail(err)
	}
	m.heads[m.order[0].index].live = false
	m.order = m.order[:copy(m.order, m.order[1:])]
	return m.crown()
}

func (m *Merge) fail(err error) bool {
	m.order = m.order[:0]
	m.crown()
	m.err = err
	return false
}

// turn changes direction and makes the move: one step of each child, no seek.
// A child stands at its first version behind the winner, so that the version
// before it is before the winner, but for what was inserted meanwhile.
func (m *Merge) turn(back bool) bool {
	if m.top == nil {
		return false
	}
	win := m.order[0].index
	for i := range m.heads {
		if i != win {
			m.across(i, win, back)
		}
	}
	h := &m.heads[win] // last: m.key is its memory
	if back {
		h.live = h.cur.Prev()
	} else {
		h.live = h.cur.Next()
	}
	return m.gather(back)
}

// across takes child i to the other side of the winner's head.
func (m *Merge) across(i, win int, back bool) {
	h := &m.heads[i]
	switch {
	case back && h.live:
		h.live = h.cur.Prev()
	case back:
		h.live = h.cur.Last()
	case h.live:
		h.live = h.cur.Next()
	default:
		h.live = h.cur.First()
	}
	if !h.live {
		return
	}
	c := ikey.Compare(h.cur.Key(), m.key)
	if c == 0 {
		c = i - win
	}
	if (c < 0) == back {
		return
	}
	if back {
		h.live = h.cur.SeekLT(m.key)
	} else {
		h.live = h.cur.SeekGE(ikey.Key{User: m.key.User, Trailer: m.key.Trailer - 1})
	}
}

// rebase chooses a base from the present heads. The order stays as it is: old
// and new words agree with it.
func (m *Merge) rebase() {
	m.ties = 0
	if len(m.order) == 0 {
		return
	}
	first := m.heads[m.order[0].index].key.User
	common := len(first)
	for _, p := range m.order[1:] {
		common = commonPrefix(first[:common], m.heads[p.index].key.User)
	}
	m.words.setBase(first[:common])
	for i, p := range m.order {
		m.order[i].word = m.words.of(m.heads[p.index].key.User, m.back)
	}
}
