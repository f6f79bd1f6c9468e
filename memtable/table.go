// Package memtable keeps recent versions in memory, sorted, until they are
// flushed to a table file.
//
// A Table has one writer at a time and any number of readers, none of which
// waits for it: Get is lock-free (hash index, node, chain of versions), and a
// scan copies the next few dozen keys under a short lock. Keys and values lie in
// an arena outside Go's heap; a tree node holds no pointer the collector follows.
// docs/adr/0002-memtable-read-protocol.md says why, with figures.
//
// It promises that a version is found, by Get and by cursors, as soon as the Add
// that brought it has returned. It does not know which sequence is visible, does
// no I/O, starts no goroutine, and never gives memory back before Free: who
// still reads a table is its owner's business.
//
//	t, err := memtable.New(memtable.Options{})
//	err = t.Add(key, ikey.MakeTrailer(seq, ikey.KindPut), value)
//	value, tr, ok := t.Get(key, hash.Sum(key), seq)
package memtable

import (
	"errors"
	"fmt"
	"math"
	"sync/atomic"

	"github.com/varvekv/varve/internal/hash"
	"github.com/varvekv/varve/internal/ikey"
	"github.com/varvekv/varve/internal/invariants"
	"github.com/varvekv/varve/internal/offheap"
	"github.com/varvekv/varve/iterator"
)

// Limits of one entry, in bytes.
const (
	KeyBytesMax   = 64 << 10
	ValueBytesMax = 1 << 30
)

var (
	errTooLarge = errors.New("past the memtable's limit")
	errFrozen   = errors.New("memtable: add to a frozen table")
)

// Options of a Table. The zero value is usable.
type Options struct {
	// ArenaBytes is the size of the first chunk, mapped by New; a table that
	// outgrows it maps more. Pages cost memory only once they are touched.
	// Default: 64 MiB. Ignored where Pool is set.
	ArenaBytes int64

	// Pool, when set, gives the first chunk and takes it back in Free. Whoever
	// owns the pool touches its buffers ahead of need.
	Pool *offheap.Pool

	memory *memory // tests only
}

const arenaBytesDefault = 64 << 20

// Table is a sorted set of versions in memory.
//
// Add, Freeze and the statistics but SizeBytes and MappedBytes belong to the
// writer, or to anyone after Freeze; everything else may be called beside it.
type Table struct {
	// Synchronise themselves: one writer, readers beside it.
	arena arena
	index index
	tree  tree

	sizeBytes   atomic.Int64
	mappedBytes atomic.Int64

	// The writer's own.
	entries, tombstones int64
	seqMin, seqMax      uint64
	accounted           int64 // the size last published
}

// New maps an empty table.
func New(o Options) (*Table, error) {
	t := &Table{seqMin: math.MaxUint64}
	t.arena.memory = offheapMemory
	if o.memory != nil {
		t.arena.memory = *o.memory
	}
	t.index.memory = t.arena.memory
	first, err := t.firstChunk(o)
	if err != nil {
		return nil, err
	}
	t.arena.start(first)
	if err := t.index.start(int64(len(first))); err != nil {
		return nil, errors.Join(err, t.arena.free())
	}
	t.tree.start(&t.arena.space)
	t.account()
	return t, nil
}

func (t *Table) firstChunk(o Options) ([]byte, error) {
	if o.Pool != nil {
		t.arena.recycle = o.Pool.Put
		return o.Pool.Get()
	}
	n := o.ArenaBytes
	if n == 0 {
		n = arenaBytesDefault
	}
	if n > granuleBytes*granuleCount {
		return nil, errFull
	}
	return t.arena.memory.alloc(int(n))
}

// Add adds a version; key and value are copied. nil is the empty key.
// On an error (a limit, no memory) the table is as it was.
//
// REQUIRES: one Add at a time; among the versions of one key, sequences ascend.
func (t *Table) Add(key []byte, tr ikey.Trailer, value []byte) error {
	if err := t.admit(key, value); err != nil {
		return err
	}
	h := hash.Sum(key)
	var err error
	if n := t.index.find(&t.arena.space, key, h); n != 0 {
		t.checkNewer(n, tr)
		err = t.arena.addVersion(n, tr, value)
	} else {
		err = t.addKey(key, h, tr, value)
	}
	if err != nil {
		return err
	}
	t.count(tr)
	t.account()
	return nil
}

// checkNewer is dear: the newest version is one more cache miss.
func (t *Table) checkNewer(n ref, tr ikey.Trailer) {
	if invariants.Enabled {
		newest := t.arena.trailer(t.arena.head(n)).Seq()
		invariants.Check(newest < tr.Seq(), "memtable: %q: sequence %d after %d", t.arena.key(n), tr.Seq(), newest)
	}
}

func (t *Table) admit(key, value []byte) error {
	switch {
	case len(key) > KeyBytesMax:
		return fmt.Errorf("memtable: key of %d bytes: %w of %d", len(key), errTooLarge, KeyBytesMax)
	case len(value) > ValueBytesMax:
		return fmt.Errorf("memtable: value of %d bytes: %w of %d", len(value), errTooLarge, ValueBytesMax)
	case t.tree.frozen.Load():
		return errFrozen
	}
	return nil
}

// addKey adds the first version of a key. What can fail comes first.
func (t *Table) addKey(key []byte, h uint64, tr ikey.Trailer, value []byte) error {
	if err := t.index.reserve(); err != nil {
		return err
	}
	n, err := t.arena.addNode(key, tr, value)
	if err != nil {
		return err
	}
	t.tree.insert(makeItem(key, n))
	t.index.add(n, h)
	return nil
}

func (t *Table) count(tr ikey.Trailer) {
	t.entries++
	if tr.Kind() == ikey.KindDelete {
		t.tombstones++
	}
	t.seqMin, t.seqMax = min(t.seqMin, tr.Seq()), max(t.seqMax, tr.Seq())
}

// account publishes what the table takes, when it has moved by a page: an atomic
// store waits for all stores before it, and the arena's are cache misses.
func (t *Table) account() {
	size := t.arena.used + t.index.mapped + t.tree.sizeBytes()
	if size-t.accounted < pageBytes {
		return
	}
	t.accounted = size
	t.sizeBytes.Store(size)
	t.mappedBytes.Store(t.arena.mapped + t.index.mapped)
}

// Get returns the newest version of key at or below seq; ok is false when there
// is none. A tombstone is a version: look at tr.Kind. The value is the arena's
// own memory, valid as long as the caller keeps the table from being freed.
// REQUIRES: h == hash.Sum(key).
func (t *Table) Get(key []byte, h, seq uint64) (value []byte, tr ikey.Trailer, ok bool) {
	if invariants.Enabled {
		invariants.Check(h == hash.Sum(key), "memtable: %x is not the hash of %q", h, key)
	}
	s := &t.arena.space
	n := t.index.find(s, key, h)
	if n == 0 {
		return nil, 0, false
	}
	v := s.visible(s.head(n), seq)
	if v == 0 {
		return nil, 0, false
	}
	return s.value(v), s.trailer(v), true
}

// Prefetch brings what Get and Add of a key look at first into this core's cache
// and changes nothing: a cold index word and a cold node are a miss of 100 ns or
// more each, and a writer that prefetches its keys before it takes the writers'
// lock has the misses of a batch overlap, and none of them under the lock.
// h is the key's hash.Sum.
func (t *Table) Prefetch(h uint64) { t.index.prefetch(&t.arena.space, h) }

// NewCursor returns a cursor over every version; see Cursor for what it shows.
func (t *Table) NewCursor() iterator.Cursor {
	c := new(Cursor)
	c.Init(t)
	return c
}

// Freeze says that no Add will follow: cursors, those already open included,
// stop taking the lock. A second Freeze does nothing.
func (t *Table) Freeze() {
	invariants.Check(t.tree.bulk == nil, "memtable: frozen within a bulk load")
	t.tree.frozen.Store(true)
}

// SizeBytes is the memory in use: arena handed out, index, and an estimate of
// the tree's nodes on Go's heap; to within 4 KiB. May be called at any time.
func (t *Table) SizeBytes() int64 { return t.sizeBytes.Load() }

// MappedBytes is the memory mapped outside Go's heap, used or not. May be called
// at any time.
func (t *Table) MappedBytes() int64 { return t.mappedBytes.Load() }

// Entries is the number of versions, tombstones included.
func (t *Table) Entries() int64 { return t.entries }

// Tombstones is the number of versions that are deletes.
func (t *Table) Tombstones() int64 { return t.tombstones }

// SeqMin is the smallest sequence; 2^64-1 in an empty table.
func (t *Table) SeqMin() uint64 { return t.seqMin }

// SeqMax is the greatest sequence; 0 in an empty table.
func (t *Table) SeqMax() uint64 { return t.seqMax }

// Free gives all memory back. A second Free does nothing.
// REQUIRES: no reader, cursor, or borrowed key or value is left.
func (t *Table) Free() error {
	t.tree.bulk = nil // of a load that was given up
	t.Freeze()
	t.tree.drop()
	err := errors.Join(t.index.free(), t.arena.free())
	t.sizeBytes.Store(0)
	t.mappedBytes.Store(0)
	return err
}
