package varve

// An iterator is visible(bound(merge(memtables, level 0 runs, concat(level 1) …
// concat(level n))), sequence). Its machinery is pooled; the view it holds keeps
// everything it walks alive.

import (
	"github.com/varvekv/varve/iterator"
	"github.com/varvekv/varve/memtable"
	"github.com/varvekv/varve/sstable"
)

// IterOptions bounds an iterator. A nil bound is open; an empty upper bound that
// is not nil, or one at or below Lower, is an empty range.
type IterOptions struct {
	Lower []byte // inclusive
	Upper []byte // exclusive
}

// Iterator walks the keys of a database or snapshot in order, both ways, as of
// its making. On a fresh one Next is First and Prev is Last. Past an end it stays
// there until a seek; a move back from there returns the entry at that end. It is
// used by one goroutine at a time and must be closed.
type Iterator struct {
	db     *DB
	m      *machine // nil once closed, or where none could be made
	err    error    // sticky
	lower  []byte
	upper  []byte
	closed bool

	seeks, steps uint64 // for Metrics, once it is closed
}

// machine is the pooled part of an iterator.
type machine struct {
	view     *view
	visible  iterator.Visible
	bound    iterator.Bound
	merge    iterator.Merge
	children []iterator.Cursor
	mems     []*memtable.Cursor
	runs     []runSource
	concats  []iterator.Concat
}

func (db *DB) newIter(o *IterOptions, s *Snapshot) *Iterator {
	it := &Iterator{db: db}
	if o != nil {
		it.lower, it.upper = cloneBound(o.Lower), cloneBound(o.Upper)
	}
	it.m, it.err = db.newMachine(it.lower, it.upper, s)
	return it
}

func cloneBound(p []byte) []byte {
	if p == nil {
		return nil
	}
	return append([]byte{}, p...)
}

// newMachine builds a positioned-nowhere machine; bounds are borrowed until it
// is given back with db.drop.
func (db *DB) newMachine(lower, upper []byte, s *Snapshot) (*machine, error) {
	r := db.enter()
	defer db.exit(r)
	if db.closed.Load() {
		return nil, ErrClosed
	}
	db.users.Add(1)
	if r.counts.scans++; r.counts.scans%turnScans == 0 {
		r.isTurnOver = true
	}
	m := db.machines.Get().(*machine)
	m.view = db.acquire()
	seq := db.visible.Load() // after the view: see find
	if s != nil {
		seq = s.seq
		// A snapshot that was closed before the view was taken no longer keeps
		// what it saw.
		if s.isClosed() {
			return nil, db.giveUp(m)
		}
	}
	m.gather(db, lower, upper)
	m.merge.Init(m.children)
	if lower == nil && upper == nil {
		m.visible.Init(&m.merge, seq)
		return m, nil
	}
	m.bound.Init(&m.merge, lower, upper)
	m.visible.Init(&m.bound, seq)
	return m, nil
}

// giveUp takes back a machine that has a view and nothing else.
func (db *DB) giveUp(m *machine) error {
	db.unref(m.view)
	m.view = nil
	db.machines.Put(m)
	db.releaseUser()
	return ErrClosed
}

// gather collects a cursor for each source that the bounds touch.
func (m *machine) gather(db *DB, lower, upper []byte) {
	m.children = m.children[:0]
	m.addMem(0, m.view.mem)
	for i, im := range m.view.imms {
		m.addMem(i+1, im)
	}
	runs := m.view.ver.runs
	if cap(m.runs) < len(runs) {
		m.runs = make([]runSource, len(runs))
		m.concats = make([]iterator.Concat, len(runs))
	}
	m.runs, m.concats = m.runs[:len(runs)], m.concats[:len(runs)]
	for i := range runs {
		tables := runs[i].overlapping(lower, upper)
		if len(tables) == 0 {
			continue
		}
		m.runs[i] = runSource{tables: tables, cache: db.tables}
		m.concats[i].Init(&m.runs[i])
		m.children = append(m.children, &m.concats[i])
	}
}

// addMem adds the machine's i-th memtable cursor, set on im.
func (m *machine) addMem(i int, im *mem) {
	if i == len(m.mems) {
		m.mems = append(m.mems, new(memtable.Cursor))
	}
	m.mems[i].Init(im.Table)
	m.children = append(m.children, m.mems[i])
}

// drop closes a machine and gives back what it held.
func (db *DB) drop(m *machine) error {
	err := m.visible.Close()
	db.unref(m.view)
	m.view = nil
	clear(m.children)
	clear(m.runs)
	db.machines.Put(m)
	db.releaseUser()
	return err
}

// runSource opens the tables of a run for a Concat.
type runSource struct {
	tables []*table
	cache  *tableCache
}

func (r *runSource) Len() int { return len(r.tables) }

func (r *runSource) Bounds(i int) (lower, upper []byte) {
	s := r.tables[i].slice
	return s.Lower, s.Upper
}

func (r *runSource) Open(i int) (iterator.Cursor, error) {
	return r.cache.newCursor(r.tables[i], sstable.AccessScan)
}

// isOver reports whether the iterator has ended for good.
func (it *Iterator) isOver() bool {
	if it.err != nil {
		return true
	}
	if it.m == nil || it.db.closed.Load() {
		it.err = ErrClosed
		return true
	}
	return false
}

// stopped is the false of a move that found nothing, whose error it keeps.
func (it *Iterator) stopped() bool {
	if err := it.m.visible.Err(); err != nil {
		it.err = it.db.noteCorruption(err)
	}
	return false
}

// First moves to the smallest key.
func (it *Iterator) First() bool {
	it.seeks++
	return !it.isOver() && (it.m.visible.First() || it.stopped())
}

// Last moves to the greatest key.
func (it *Iterator) Last() bool {
	it.seeks++
	return !it.isOver() && (it.m.visible.Last() || it.stopped())
}

// Next moves to the next key.
func (it *Iterator) Next() bool {
	it.steps++
	return !it.isOver() && (it.m.visible.Next() || it.stopped())
}

// Prev moves to the previous key.
func (it *Iterator) Prev() bool {
	it.steps++
	return !it.isOver() && (it.m.visible.Prev() || it.stopped())
}

// SeekGE moves to the first key at or after key.
func (it *Iterator) SeekGE(key []byte) bool {
	it.seeks++
	return !it.isOver() && (it.m.visible.SeekGE(key) || it.stopped())
}

// SeekLT moves to the last key before key.
func (it *Iterator) SeekLT(key []byte) bool {
	it.seeks++
	return !it.isOver() && (it.m.visible.SeekLT(key) || it.stopped())
}

// Valid reports whether the iterator stands on an entry.
func (it *Iterator) Valid() bool { return it.err == nil && it.m != nil && it.m.visible.Valid() }

// Key is the key under the iterator, valid until the next move or Close; nil
// when the iterator is not Valid.
func (it *Iterator) Key() []byte {
	if !it.Valid() {
		return nil
	}
	return it.m.visible.Key()
}

// Value is the value under the iterator, valid until the next move or Close; nil
// when the iterator is not Valid.
func (it *Iterator) Value() []byte {
	if !it.Valid() {
		return nil
	}
	return it.m.visible.Value()
}

// Err is the error that ended the iterator, nil at a mere end. It is sticky.
func (it *Iterator) Err() error { return it.err }

// Close gives back what the iterator held. A second Close does no harm.
func (it *Iterator) Close() error {
	if it.closed {
		return nil
	}
	it.closed = true
	m := it.m
	it.m = nil
	if m == nil {
		return nil
	}
	it.db.counters.iterated(it)
	return it.db.drop(m)
}

// prefixEnd is the first key behind all keys with the prefix; nil if there is none.
func prefixEnd(prefix []byte) []byte {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i] != 0xff {
			end := append([]byte{}, prefix[:i+1]...)
			end[i]++
			return end
		}
	}
	return nil
}
