package varve

import "iter"

// Entry is a key and its value; the caller owns both.
type Entry struct{ Key, Value []byte }

// Copies for the caller are cut from chunks: small ones at first, so that a
// short scan wastes little, larger ones as it goes on.
const (
	chunkBytesMin = 1 << 10
	chunkBytesMax = 64 << 10
)

// chunk hands out copies that share an allocation but never overlap.
type chunk struct {
	free []byte
	size int
}

func (c *chunk) copy(p []byte) []byte {
	if len(p) > len(c.free) {
		c.size = min(max(2*c.size, chunkBytesMin), chunkBytesMax)
		if len(p) > c.size/4 {
			return append(make([]byte, 0, len(p)), p...)
		}
		c.free = make([]byte, c.size)
	}
	n := copy(c.free, p)
	out := c.free[:n:n]
	c.free = c.free[n:]
	return out
}

func (db *DB) scan(lo, hi []byte, s *Snapshot) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		it := db.newIter(&IterOptions{Lower: lo, Upper: hi}, s)
		defer it.Close() //nolint:errcheck // a read cursor's Close has nothing to lose; Err tells of the walk
		var c chunk
		for it.Next() {
			v := &it.m.visible
			if !yield(Entry{c.copy(v.Key()), c.copy(v.Value())}, nil) {
				return
			}
		}
		if err := it.Err(); err != nil {
			yield(Entry{}, err)
		}
	}
}
