package memtable

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/varvekv/varve/internal/hash"
	"github.com/varvekv/varve/internal/ikey"
)

// history is a list of operations; the one at index i has sequence i+1, and its
// value is that sequence.
type history struct {
	keys    [][]byte            // of operation i
	history map[string][]uint64 // each key's sequences, ascending
	sorted  []string
}

// makeHistory mixes random new keys, ascending ones and overwrites.
func makeHistory(r *rand.Rand, n int) *history {
	h := &history{history: map[string][]uint64{}}
	for i := range n {
		var key []byte
		switch r.Intn(4) {
		case 0:
			key = fmt.Appendf(nil, "z%08d-and-more-than-a-prefix", i)
		case 1:
			key = fmt.Appendf(nil, "hot%d", r.Intn(10))
		default:
			key = fmt.Appendf(nil, "user0123456789abcdef%06d", r.Intn(n))
		}
		h.keys = append(h.keys, key)
		h.history[string(key)] = append(h.history[string(key)], uint64(i+1))
	}
	for k := range h.history {
		h.sorted = append(h.sorted, k)
	}
	slices.Sort(h.sorted)
	return h
}

// at is the newest sequence of key at or below seq, or 0.
func (h *history) at(key string, seq uint64) uint64 {
	seqs := h.history[key]
	i, _ := slices.BinarySearch(seqs, seq+1)
	if i == 0 {
		return 0
	}
	return seqs[i-1]
}

func (h *history) write(t *testing.T, tab *Table, visible *atomic.Uint64) {
	for i, key := range h.keys {
		seq := uint64(i + 1)
		value := binary.BigEndian.AppendUint64(nil, seq)
		if err := tab.Add(key, ikey.MakeTrailer(seq, ikey.KindPut), value); err != nil {
			t.Error(err)
			return
		}
		visible.Store(seq)
	}
}

// TestReadersBesideAWriter runs on mapped memory and on the heap, where the race
// detector sees every access.
func TestReadersBesideAWriter(t *testing.T) {
	for name, mem := range map[string]*memory{"offheap": nil, "heap": heapMemory()} {
		t.Run(name, func(t *testing.T) {
			h := makeHistory(rand.New(rand.NewSource(6)), 20_000)
			tab := newTable(t, Options{ArenaBytes: 1 << 14, memory: mem})
			var visible atomic.Uint64
			var readers sync.WaitGroup
			done := make(chan struct{})
			for i := range 4 {
				read := []func(*testing.T, *Table, *history, uint64, *rand.Rand){getAtRandom, scanUp, getAtRandom, scanDown}[i]
				readers.Go(func() {
					r := rand.New(rand.NewSource(int64(i)))
					for !t.Failed() {
						read(t, tab, h, visible.Load(), r)
						select {
						case <-done:
							return
						default:
						}
					}
				})
			}
			h.write(t, tab, &visible)
			tab.Freeze()
			close(done)
			readers.Wait()
			r := rand.New(rand.NewSource(7))
			for _, seq := range []uint64{0, 1, 9999, 20_000} {
				getAtRandom(t, tab, h, seq, r)
				scanUp(t, tab, h, seq, r)
				scanDown(t, tab, h, seq, r)
			}
		})
	}
}

func getAtRandom(t *testing.T, tab *Table, h *history, seq uint64, r *rand.Rand) {
	for range 100 {
		key := h.sorted[r.Intn(len(h.sorted))]
		value, tr, ok := tab.Get([]byte(key), hash.Sum([]byte(key)), seq)
		want := h.at(key, seq)
		if ok != (want != 0) || ok && (tr.Seq() != want || binary.BigEndian.Uint64(value) != want) {
			t.Errorf("Get(%q, %d) = version %d, %v; want %d", key, seq, tr.Seq(), ok, want)
			return
		}
	}
}

// scanUp walks from somewhere and compares all versions at or below seq.
func scanUp(t *testing.T, tab *Table, h *history, seq uint64, r *rand.Rand) {
	c := tab.NewCursor()
	defer c.Close()
	at := r.Intn(len(h.sorted))
	ok := c.SeekGE(ikey.Seek([]byte(h.sorted[at]), seq))
	for _, key := range h.sorted[at:] {
		for want := h.at(key, seq); want != 0; want = h.at(key, want-1) {
			for ok && c.Key().Trailer.Seq() > seq {
				ok = c.Next()
			}
			if !ok || string(c.Key().User) != key || binary.BigEndian.Uint64(c.Value()) != want {
				t.Errorf("scan up at %d: valid %v, want %q#%d", seq, ok, key, want)
				return
			}
			ok = c.Next()
		}
	}
}

// scanDown is scanUp the other way.
func scanDown(t *testing.T, tab *Table, h *history, seq uint64, r *rand.Rand) {
	c := tab.NewCursor()
	defer c.Close()
	at := r.Intn(len(h.sorted))
	ok := c.SeekLT(ikey.First([]byte(h.sorted[at])))
	for i := at - 1; i >= 0; i-- {
		key := h.sorted[i]
		for _, want := range h.history[key] {
			if want > seq {
				break
			}
			for ok && c.Key().Trailer.Seq() > seq {
				ok = c.Prev()
			}
			if !ok || string(c.Key().User) != key || binary.BigEndian.Uint64(c.Value()) != want {
				t.Errorf("scan down at %d: valid %v, want %q#%d", seq, ok, key, want)
				return
			}
			ok = c.Prev()
		}
	}
}

// TestCursorIsStableUnderWrites adds between moves, close to the cursor, and
// wants all that was there before, in order, whatever else is shown.
func TestCursorIsStableUnderWrites(t *testing.T) {
	for _, forward := range []bool{true, false} {
		for seed := range int64(20) {
			r := rand.New(rand.NewSource(seed))
			tab := newTable(t, Options{ArenaBytes: 1 << 12})
			before := randomTable(t, tab, r, 600, int(seed%3)*30, keyShapes["short"])
			c, seq := tab.NewCursor(), uint64(len(before))
			start, move, at := c.First, c.Next, 0
			if !forward {
				start, move, at = c.Last, c.Prev, len(before)-1
			}
			var previous ikey.Key
			for ok := start(); ok; ok = move() {
				k := c.Key().Clone()
				if previous.User != nil && (ikey.Compare(previous, k) < 0) != forward {
					t.Fatalf("%v after %v", k, previous)
				}
				previous = ikey.Key{User: append(make([]byte, 0, 1), k.User...), Trailer: k.Trailer}
				if at >= 0 && at < len(before) && ikey.Compare(k, before[at].key) == 0 {
					if !bytes.Equal(c.Value(), before[at].value) {
						t.Fatalf("%v has another value", k)
					}
					at += map[bool]int{true: 1, false: -1}[forward]
				} else if k.Trailer.Seq() <= uint64(len(before)) {
					t.Fatalf("%v was there before, and is shown out of turn", k)
				}
				for range r.Intn(3) {
					seq++
					key := append(bytes.Clone(k.User), randomBytes(r, r.Intn(2), 3)...)
					if seq < 3000 {
						add(t, tab, string(key[:min(len(key), 20)]), seq, "new")
					}
				}
			}
			if at != -1 && at != len(before) {
				t.Fatalf("stopped at entry %d of %d", at, len(before))
			}
		}
	}
}

// TestManySeeksAtOnce uses more long-key seeks than there are pivots.
func TestManySeeksAtOnce(t *testing.T) {
	tab := newTable(t, Options{ArenaBytes: 1 << 16})
	key := func(i int) string { return fmt.Sprintf("a-prefix-of-more-than-16-bytes%05d", i) }
	for _, i := range rand.New(rand.NewSource(8)).Perm(1000) {
		add(t, tab, key(i), uint64(i+1), "")
	}
	var seekers sync.WaitGroup
	for range 2 * len(pivots{}) {
		seekers.Go(func() {
			c := tab.NewCursor()
			for i := range 1000 {
				if !c.SeekGE(ikey.First([]byte(key(i)))) || string(c.Key().User) != key(i) {
					t.Errorf("key %d is not found", i)
					return
				}
			}
		})
	}
	seekers.Wait()
}
