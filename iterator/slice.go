package iterator

import (
	"sort"

	"github.com/varvekv/varve/internal/ikey"
)

// Entry is a version of a user key with its value.
type Entry struct {
	Key   ikey.Key
	Value []byte
}

// Slice is a cursor over entries in memory, for tests and small sets.
type Slice struct {
	entries []Entry
	index   int
	valid   bool
	failAt  int
	fault   error
	err     error
}

var _ Galloper = (*Slice)(nil)

// NewSlice makes a cursor over entries, which it borrows. REQUIRES: they are
// ascending in ikey order.
func NewSlice(entries []Entry) *Slice { return &Slice{entries: entries, failAt: -1} }

// FailAt makes every move onto entry i fail with err, and returns s.
func (s *Slice) FailAt(i int, err error) *Slice {
	s.failAt, s.fault = i, err
	return s
}

// First implements Cursor.
func (s *Slice) First() bool { return s.seek(0) }

// Last implements Cursor.
func (s *Slice) Last() bool { return s.seek(len(s.entries) - 1) }

// SeekGE implements Cursor.
func (s *Slice) SeekGE(k ikey.Key) bool { return s.seek(s.search(k)) }

// SeekLT implements Cursor.
func (s *Slice) SeekLT(k ikey.Key) bool { return s.seek(s.search(k) - 1) }

// Next implements Cursor.
func (s *Slice) Next() bool { return s.valid && s.seek(s.index+1) }

// Prev implements Cursor.
func (s *Slice) Prev() bool { return s.valid && s.seek(s.index-1) }

// Valid implements Cursor.
func (s *Slice) Valid() bool { return s.valid }

// Key implements Cursor. The bytes are those handed to NewSlice.
func (s *Slice) Key() ikey.Key { return s.entries[s.index].Key }

// Value implements Cursor. The bytes are those handed to NewSlice.
func (s *Slice) Value() []byte { return s.entries[s.index].Value }

// Err implements Cursor.
func (s *Slice) Err() error { return s.err }

// Close implements Cursor.
func (s *Slice) Close() error {
	s.valid = false
	return nil
}

// Ahead implements Galloper by searching.
func (s *Slice) Ahead(limit ikey.Key) int {
	n := s.search(limit)
	if s.fault != nil && s.failAt < n {
		n = max(s.failAt, s.index+1)
	}
	return max(0, n-1-s.index)
}

func (s *Slice) search(k ikey.Key) int {
	return sort.Search(len(s.entries), func(i int) bool { return ikey.Compare(s.entries[i].Key, k) >= 0 })
}

func (s *Slice) seek(i int) bool {
	s.index, s.err = i, nil
	s.valid = i >= 0 && i < len(s.entries)
	if s.valid && s.fault != nil && i == s.failAt {
		s.valid, s.err = false, s.fault
	}
	return s.valid
}
