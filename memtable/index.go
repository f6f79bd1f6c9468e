package memtable

import (
	"errors"
	"fmt"
	"math/bits"
	"sync/atomic"
)

// The hash index leads from a user key to its node without entering the tree.
//
// It is an open-addressed table of 8-byte words (upper half: tag, the hash's
// upper 32 bits; lower half: the node's ref; 0 = free), probed linearly. One
// writer stores words, never changes one, and readers load them without a lock.
//
// A word's home position is its tag's top bits, so words stand nearly in tag
// order: growing walks the old table from front to back and writes the new one
// from front to back, without a hash, a key or a random access. The new table is
// published whole; the old one stays mapped until free, because a reader may be
// inside it, and what such a reader misses was added after its Get began.
type index struct {
	table  atomic.Pointer[indexTable]
	memory memory
	count  int   // words in use; writer only
	mapped int64 // bytes of all tables, old ones included; writer only
	tables [][]byte
}

type indexTable struct {
	words []uint64
	shift uint // a hash's home is hash >> shift
	limit int  // words in use at which the table must grow
}

const (
	indexWordsMin = 512 // a page
	// indexBytesPerWord is how much arena one word of the first table stands for,
	// or up to twice that, for powers of two: 64 MiB get 512 Ki words, 4 MiB, which
	// grow only where an entry takes less than 160 bytes of arena and tree.
	indexBytesPerWord = 96
)

// start maps the first table, sized for an arena of arenaBytes.
func (x *index) start(arenaBytes int64) error {
	words := uint64(max(arenaBytes/indexBytesPerWord, indexWordsMin))
	return x.publish(1<<(bits.Len64(words-1)-1), nil)
}

// publish maps a table of size words, takes over the words of old and shows it
// to readers. REQUIRES: size is a power of two and has room for them.
func (x *index) publish(size int, old []uint64) error {
	size = max(size, indexWordsMin)
	mem, err := x.memory.alloc(size * wordBytes)
	if err != nil {
		return fmt.Errorf("memtable: map an index of %d words: %w", size, err)
	}
	x.tables = append(x.tables, mem)
	x.mapped += int64(len(mem))
	t := &indexTable{
		words: wordsOf(mem)[:size],
		shift: uint(64 - bits.Len(uint(size)-1)),
		limit: size / 4 * 3, // a miss then looks at 8 words on average, a cache line
	}
	t.take(old)
	x.table.Store(t)
	return nil
}

// take inserts the words of another table. REQUIRES: t is not yet published.
func (t *indexTable) take(words []uint64) {
	mask := len(t.words) - 1
	for _, w := range words {
		if w == 0 {
			continue
		}
		i := int(w >> t.shift)
		for t.words[i] != 0 {
			i = (i + 1) & mask
		}
		t.words[i] = w
	}
}

// find returns the node of key, or 0. It may run beside add.
func (x *index) find(s *space, key []byte, hash uint64) ref {
	t := x.table.Load()
	words, i := t.words, hash>>t.shift
	mask := uint64(len(words) - 1)
	for {
		w := atomic.LoadUint64(&words[i&mask])
		if w == 0 {
			return 0
		}
		if w>>32 == hash>>32 && s.keyIs(ref(w), key) {
			return ref(w)
		}
		i++
	}
}

// prefetch loads what find and a push on the chain will look at first.
func (x *index) prefetch(s *space, hash uint64) {
	t := x.table.Load()
	w := atomic.LoadUint64(&t.words[hash>>t.shift])
	if w>>32 == hash>>32 {
		s.head(ref(w))
	}
}

// reserve makes sure that the next add finds room.
func (x *index) reserve() error {
	t := x.table.Load()
	if x.count < t.limit {
		return nil
	}
	return x.publish(2*len(t.words), t.words)
}

// add publishes node n, whose key is not yet in the index.
// REQUIRES: reserve has succeeded since the last add; the caller is the writer.
func (x *index) add(n ref, hash uint64) {
	t := x.table.Load()
	words, i := t.words, hash>>t.shift
	mask := uint64(len(words) - 1)
	for atomic.LoadUint64(&words[i&mask]) != 0 {
		i++
	}
	atomic.StoreUint64(&words[i&mask], hash>>32<<32|uint64(n))
	x.count++
}

// free unmaps every table. A second free does nothing.
func (x *index) free() error {
	x.table.Store(nil)
	var errs []error
	for _, mem := range x.tables {
		errs = append(errs, x.memory.free(mem))
	}
	x.tables, x.mapped, x.count = nil, 0, 0
	return errors.Join(errs...)
}
