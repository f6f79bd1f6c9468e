package tests

import (
	"slices"
	"sort"
	"strings"
)

// A model is what the database should hold: every version of every key that a
// snapshot or a crash may still ask for. Units are commits, numbered from 1.
type model struct {
	keys     []string
	versions [][]version // by key, oldest first
	unit     int         // newest commit
	floor    int         // newest commit known to be on stable storage
	since    ledger      // commits above floor
}

type version struct {
	unit int
	to   stamp
}

func newModel(keys []string) *model {
	return &model{keys: keys, versions: make([][]version, len(keys)), since: *newLedger(keys)}
}

// commit makes unit the newest state.
func (m *model) commit(unit []change, durable bool) {
	m.unit++
	for _, c := range unit {
		m.set(c.key, version{m.unit, c.to})
	}
	m.since.units = append(m.since.units, unit)
	if durable {
		m.settleAt(m.unit)
	}
}

func (m *model) set(key int, v version) {
	vs := m.versions[key]
	if n := len(vs); n > 0 && vs[n-1].unit == v.unit {
		vs[n-1] = v // a later operation of the same commit
		return
	}
	m.versions[key] = append(vs, v)
}

// settleAt notes that everything up to unit is on stable storage.
func (m *model) settleAt(unit int) {
	if unit <= m.floor {
		return
	}
	n := unit - m.floor
	for _, u := range m.since.units[:n] {
		for _, c := range u {
			m.since.base[c.key] = c.to
		}
	}
	m.since.units = slices.Clone(m.since.units[n:])
	m.floor = unit
}

// rollBack forgets all commits behind unit: a crash lost them.
func (m *model) rollBack(unit int) {
	for i, vs := range m.versions {
		for len(vs) > 0 && vs[len(vs)-1].unit > unit {
			vs = vs[:len(vs)-1]
		}
		m.versions[i] = vs
	}
	m.since.units = m.since.units[:unit-m.floor]
	m.unit = unit
	m.settleAt(unit)
}

// at is what a reader as of unit finds.
func (m *model) at(key, unit int) stamp {
	vs := m.versions[key]
	for i := len(vs) - 1; i >= 0; i-- {
		if vs[i].unit <= unit {
			return vs[i].to
		}
	}
	return absent
}

// prune forgets versions that nobody as of oldest or later can see.
func (m *model) prune(key, oldest int) {
	vs := m.versions[key]
	if len(vs) < 8 {
		return
	}
	oldest = min(oldest, m.floor)
	first := 0
	for first+1 < len(vs) && vs[first+1].unit <= oldest {
		first++
	}
	m.versions[key] = slices.Delete(vs, 0, first)
}

// find is the index of the first key at or after key.
func (m *model) find(key string) int { return sort.SearchStrings(m.keys, key) }

// span is the half-open range of keys between two bounds; nil is open, an
// empty upper bound is an empty range.
func (m *model) span(lo, hi []byte) (from, to int) {
	from, to = m.find(string(lo)), len(m.keys)
	if hi != nil {
		to = m.find(string(hi))
	}
	return from, max(from, to)
}

// prefixed is the range of keys with the prefix.
func (m *model) prefixed(prefix string) (from, to int) {
	from = m.find(prefix)
	n := sort.Search(len(m.keys)-from, func(i int) bool {
		return !strings.HasPrefix(m.keys[from+i], prefix)
	})
	return from, from + n
}

// A walker is an iterator over the model, with the contract's own rules for
// the ends.
type walker struct {
	m        *model
	unit     int
	from, to int
	place    place
	key      int // REQUIRES: place == onEntry
}

type place uint8

const (
	fresh place = iota
	beforeAll
	onEntry
	afterAll
)

func (w *walker) forward(from int) bool {
	for i := max(from, w.from); i < w.to; i++ {
		if w.m.at(i, w.unit) != absent {
			w.place, w.key = onEntry, i
			return true
		}
	}
	w.place = afterAll
	return false
}

func (w *walker) backward(from int) bool {
	for i := min(from, w.to-1); i >= w.from; i-- {
		if w.m.at(i, w.unit) != absent {
			w.place, w.key = onEntry, i
			return true
		}
	}
	w.place = beforeAll
	return false
}

func (w *walker) first() bool            { return w.forward(w.from) }
func (w *walker) last() bool             { return w.backward(w.to - 1) }
func (w *walker) seekGE(key string) bool { return w.forward(w.m.find(key)) }
func (w *walker) seekLT(key string) bool { return w.backward(w.m.find(key) - 1) }

func (w *walker) next() bool {
	switch w.place {
	case onEntry:
		return w.forward(w.key + 1)
	case afterAll:
		return false
	}
	return w.first()
}

func (w *walker) prev() bool {
	switch w.place {
	case onEntry:
		return w.backward(w.key - 1)
	case beforeAll:
		return false
	}
	return w.last()
}
