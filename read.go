package varve

// Where a Get looks, in order: memtable, immutables, level 0 newest first, then
// one table per run. The first version at or below the snapshot wins.

import (
	"github.com/varvekv/varve/internal/hash"
	"github.com/varvekv/varve/internal/ikey"
)

func (db *DB) get(key []byte, s *Snapshot) ([]byte, error) {
	v, err := db.getTo(nil, key, s)
	if err == nil && v == nil {
		v = []byte{} // an empty value is a value
	}
	return v, err
}

func (db *DB) getTo(dst, key []byte, s *Snapshot) ([]byte, error) {
	r := db.enter()
	value, err := db.find(r, key, s)
	if err == nil {
		dst = append(dst, value...)
	}
	db.exit(r)
	return dst, err
}

func (db *DB) has(key []byte, s *Snapshot) (bool, error) {
	r := db.enter()
	_, err := db.find(r, key, s)
	db.exit(r)
	if err == ErrNotFound {
		return false, nil
	}
	return err == nil, err
}

// find is the value of key, borrowed until the reader exits.
func (db *DB) find(r *reader, key []byte, s *Snapshot) ([]byte, error) {
	v, seq, err := db.vantage(s)
	if err != nil {
		return nil, err
	}
	if r.counts.gets++; r.counts.gets%turnGets == 0 {
		r.isTurnOver = true
	}
	tr, value, err := db.search(v, r, key, seq)
	if err != nil {
		r.counts.failures++
		return nil, err
	}
	if tr.Kind() != ikey.KindPut {
		return nil, ErrNotFound
	}
	r.counts.hits++
	return value, nil
}

// vantage is what a short read looks at: a view, and up to which sequence.
// REQUIRES: inside an epoch slot.
func (db *DB) vantage(s *Snapshot) (v *view, seq uint64, err error) {
	// The view first, then the sequence: the other order can miss a key whose
	// older version a compaction dropped in between. A snapshot that was closed
	// before the view was taken no longer keeps what it saw.
	v, seq = db.view.Load(), db.visible.Load()
	if s != nil {
		seq = s.seq
	}
	if db.closed.Load() || s != nil && s.isClosed() {
		return nil, 0, ErrClosed
	}
	return v, seq, nil
}

// search is the newest version of key at or below seq; a zero trailer means none.
func (db *DB) search(v *view, r *reader, key []byte, seq uint64) (ikey.Trailer, []byte, error) {
	h := hash.Sum(key)
	if value, tr, ok := v.mem.Get(key, h, seq); ok {
		r.counts.fromMem++
		return tr, value, nil
	}
	for _, m := range v.imms {
		if value, tr, ok := m.Get(key, h, seq); ok {
			r.counts.fromImmutables++
			return tr, value, nil
		}
	}
	for i := range v.ver.runs {
		t := v.ver.runs[i].find(key)
		if t == nil {
			continue
		}
		reader, err := db.tables.get(t)
		if err != nil {
			return 0, nil, db.noteCorruption(err)
		}
		tr, value, ok, err := reader.Get(key, h, seq, &r.scratch)
		if err != nil {
			return 0, nil, db.noteCorruption(err)
		}
		if ok {
			r.counts.fromLevels[v.ver.runs[i].level]++
			return tr, value, nil
		}
	}
	return 0, nil, nil
}
