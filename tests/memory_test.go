package tests

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"unsafe"

	"github.com/varvekv/varve"
	"github.com/varvekv/varve/vfs"
)

// What API.md says under "Memory": who owns which bytes, and for how long.

var memoryKeys = []string{"a", "b", "ba", "bb", "c"}

// TestCallersOwnWhatTheyGet scribbles over every result and reads again.
func TestCallersOwnWhatTheyGet(t *testing.T) {
	everywhere(t, fillWith(memoryKeys...), func(t *testing.T, r varve.Reader) {
		for round := range 3 {
			for _, key := range memoryKeys {
				v, err := r.Get([]byte(key))
				if err != nil || string(v) != key {
					t.Fatalf("round %d: Get %q: %q, %v", round, key, v, err)
				}
				scribble(v[:cap(v)])
				v, err = r.GetTo(make([]byte, 0, 1), []byte(key))
				if err != nil || string(v) != key {
					t.Fatalf("round %d: GetTo %q: %q, %v", round, key, v, err)
				}
				scribble(v[:cap(v)])
			}
			for name, seq := range map[string]func(func(varve.Entry, error) bool){
				"Scan": r.Scan(nil, nil), "ScanPrefix": r.ScanPrefix([]byte("b")),
			} {
				var kept []varve.Entry
				for e, err := range seq {
					must(t, name, err)
					if string(e.Key) != string(e.Value) {
						t.Fatalf("round %d: %s: %q = %q", round, name, e.Key, e.Value)
					}
					kept = append(kept, varve.Entry{Key: bytes.Clone(e.Key), Value: e.Value})
					scribble(e.Key[:cap(e.Key)])
				}
				for _, e := range kept { // the value outlives the step, whatever became of the key
					if string(e.Key) != string(e.Value) {
						t.Fatalf("round %d: %s: value of %q became %q", round, name, e.Key, e.Value)
					}
					scribble(e.Value[:cap(e.Value)])
				}
			}
		}
	})
}

func scribble(b []byte) {
	for i := range b {
		b[i] ^= 0xa5
	}
}

// TestScannedKeysOutliveTheScan keeps keys and values until it is over.
func TestScannedKeysOutliveTheScan(t *testing.T) {
	fill := func(w varve.Writer) error {
		for i := range 3000 {
			if err := w.Put(fmt.Appendf(nil, "%05d", i), fmt.Appendf(nil, "%05d", i)); err != nil {
				return err
			}
		}
		return nil
	}
	everywhere(t, fill, func(t *testing.T, r varve.Reader) {
		var kept []varve.Entry
		for e, err := range r.Scan(nil, nil) {
			must(t, "Scan", err)
			kept = append(kept, e)
		}
		for i, e := range kept {
			if want := fmt.Sprintf("%05d", i); string(e.Key) != want || string(e.Value) != want {
				t.Fatalf("entry %d became %q = %q", i, e.Key, e.Value)
			}
		}
		if len(kept) != 3000 {
			t.Fatalf("%d entries", len(kept))
		}
	})
}

// TestNoTwoResultsShareMemory: not even the spare room behind them.
func TestNoTwoResultsShareMemory(t *testing.T) {
	everywhere(t, fillWith(memoryKeys...), func(t *testing.T, r varve.Reader) {
		var results [][]byte
		for range 3 {
			for _, key := range memoryKeys {
				v, err := r.Get([]byte(key))
				must(t, "Get", err)
				results = append(results, v)
			}
		}
		for i, a := range results {
			for _, b := range results[:i] {
				if overlap(a[:cap(a)], b[:cap(b)]) {
					t.Fatalf("two results of Get share memory: %q, %q", a, b)
				}
			}
		}
	})
}

func overlap(a, b []byte) bool {
	from, to := uintptr(unsafe.Pointer(unsafe.SliceData(a))), uintptr(unsafe.Pointer(unsafe.SliceData(b)))
	return from < to+uintptr(len(b)) && to < from+uintptr(len(a))
}

// TestIteratorBytesHoldUntilTheNextMove reads key and value many times, beside
// writes, before it moves.
func TestIteratorBytesHoldUntilTheNextMove(t *testing.T) {
	guard(t)
	fs := vfs.NewStrict(1)
	db := mustOpen(t, fs, 64<<10)
	must(t, "fill", fillWith(memoryKeys...)(db))
	must(t, "Flush", db.Flush())
	it := db.NewIter(nil)
	for it.Next() {
		key, value := it.Key(), it.Value()
		want := string(key)
		for i := range 200 {
			must(t, "Put", db.With(varve.Buffered).Put([]byte(want), make([]byte, i*20)))
		}
		must(t, "Flush", db.Flush())
		if string(key) != want || string(value) != want || &key[0] != &it.Key()[0] {
			t.Errorf("while it did not move, %q became %q = %q", want, key, value)
		}
	}
	must(t, "iterate", it.Err())
	must(t, "close", it.Close())
	mustClose(t, fs, db)
}

// TestWritesKeepNoSlices overwrites the caller's slices at once after each call.
func TestWritesKeepNoSlices(t *testing.T) {
	guard(t)
	for d := varve.Synced; d <= varve.Buffered; d++ {
		for _, size := range []int{3, 200_000, 1_500_000} { // large ones may be borrowed, while the call lasts
			if testing.Short() && size > 1<<20 && d != varve.Synced {
				continue
			}
			fs := vfs.NewStrict(1)
			db := mustOpen(t, fs, 0)
			w := db.With(d)
			key, value := []byte("put"), bytes.Repeat([]byte("v"), size)
			must(t, "Put", w.Put(key, value))
			scribble(key)
			scribble(value)
			key, value = []byte("bat"), bytes.Repeat([]byte("b"), size)
			var b varve.Batch
			b.Put(key, value)
			scribble(key)
			scribble(value)
			must(t, "Write", w.Write(&b))
			b.Reset()
			b.Put([]byte("xxx"), bytes.Repeat([]byte("x"), size)) // over the memory of the first
			lo, hi := []byte("put"), []byte("puz")
			it := db.NewIter(&varve.IterOptions{Lower: lo, Upper: hi})
			scribble(lo)
			scribble(hi)
			if !it.First() || string(it.Key()) != "put" || it.Next() {
				t.Errorf("the iterator kept its caller's bounds")
			}
			must(t, "close", it.Close())
			must(t, "Delete", w.Delete(key))
			must(t, "Close", db.Close())
			db = mustOpen(t, fs, 0)
			for key, value := range map[string]byte{"put": 'v', "bat": 'b'} {
				if v, err := db.Get([]byte(key)); err != nil || !bytes.Equal(v, bytes.Repeat([]byte{value}, size)) {
					t.Errorf("durability %d, %d B: %q: %d B, %v", d, size, key, len(v), err)
				}
			}
			mustClose(t, fs, db)
		}
	}
}

// TestGetToLeavesDstOnErrors: unchanged in every case that is not a hit.
func TestGetToLeavesDstOnErrors(t *testing.T) {
	everywhere(t, fillWith(memoryKeys...), func(t *testing.T, r varve.Reader) {
		dst := append(make([]byte, 0, 64), "before"...)
		got, err := r.GetTo(dst, []byte("none"))
		if !errors.Is(err, varve.ErrNotFound) || string(got) != "before" || &got[0] != &dst[0] || cap(got) != cap(dst) {
			t.Errorf("GetTo of no key: %q, %v", got, err)
		}
		if got, err = r.GetTo(nil, []byte("none")); got != nil || !errors.Is(err, varve.ErrNotFound) {
			t.Errorf("GetTo(nil) of no key: %q, %v", got, err)
		}
		got, err = r.GetTo(dst, []byte("ba"))
		if err != nil || string(got) != "beforeba" || &got[0] != &dst[0] {
			t.Errorf("GetTo with room: %q, %v", got, err)
		}
		got, err = r.GetTo(dst[:6:6], []byte("ba"))
		if err != nil || string(got) != "beforeba" || &got[0] == &dst[0] {
			t.Errorf("GetTo without room: %q, %v", got, err)
		}
	})
}

// TestHotCallsDoNotAllocate: GetTo with room, and With.
func TestHotCallsDoNotAllocate(t *testing.T) {
	if raceFactor > 1 {
		t.Skip("the race detector allocates")
	}
	everywhere(t, fillWith(memoryKeys...), func(t *testing.T, r varve.Reader) {
		dst, key := make([]byte, 0, 64), []byte("ba")
		if n := testing.AllocsPerRun(2000, func() { r.GetTo(dst, key) }); n >= 1 {
			t.Errorf("GetTo allocates %v times", n)
		}
		if db, ok := r.(*varve.DB); ok {
			if n := testing.AllocsPerRun(2000, func() { db.With(varve.Buffered) }); n > 0 {
				t.Errorf("With allocates %v times", n)
			}
		}
	})
}
