// Package iterator is the cursor contract over versioned keys, and the
// combinators that build a scan from it: merge, concatenate, bound, make visible.
//
// It promises order and sticky errors; it never reads a file itself, never
// takes a lock and never keeps a key or value past the next move.
package iterator

import "github.com/varvekv/varve/internal/ikey"

// Cursor walks versioned keys in ikey order, in both directions. It is used by
// one goroutine at a time.
//
// A fresh cursor is not positioned: Valid is false, and Next or Prev must not be
// called before First, Last or a seek. Each move reports Valid. Past an end the
// cursor is not valid; Prev after running off the back, and Next after running
// off the front, are not defined at this level: seek again.
//
// An error makes the cursor invalid and stays in Err until a seek succeeds in
// leaving it behind; the end of the data is never an error.
type Cursor interface {
	First() bool
	Last() bool
	// SeekGE moves to the first version at or after k.
	SeekGE(k ikey.Key) bool
	// SeekLT moves to the last version before k.
	SeekLT(k ikey.Key) bool
	Next() bool
	Prev() bool
	Valid() bool
	// Key is the version under the cursor; its bytes are valid until the next
	// move. REQUIRES: Valid.
	Key() ikey.Key
	// Value is valid until the next move. REQUIRES: Valid.
	Value() []byte
	Err() error
	// Close releases what the cursor holds. A second Close does no harm.
	Close() error
}
