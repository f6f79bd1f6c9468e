package tests

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/varvekv/varve"
	"github.com/varvekv/varve/vfs"
)

// What API.md says under "Closing".

// everyCall is each call of a database, with the error it came to.
func everyCall(db *varve.DB) map[string]func() error {
	iterate := func(it *varve.Iterator, move func() bool) error {
		ok := move()
		err := it.Err()
		if closed := it.Close(); closed != nil {
			return closed
		}
		if ok && err != nil {
			return fmt.Errorf("valid, with the error %w", err)
		}
		return err
	}
	return map[string]func() error{
		"Put":         func() error { return db.Put([]byte("k"), []byte("v")) },
		"Delete":      func() error { return db.Delete([]byte("none")) },
		"Write":       func() error { return db.Write(aBatch("k")) },
		"empty Write": func() error { return db.Write(new(varve.Batch)) },
		"With":        func() error { return db.With(varve.Buffered).Put([]byte("k"), nil) },
		"Get":         func() error { _, err := db.Get([]byte("k")); return ignore(err, varve.ErrNotFound) },
		"GetTo":       func() error { _, err := db.GetTo(nil, []byte("k")); return ignore(err, varve.ErrNotFound) },
		"Has":         func() error { _, err := db.Has([]byte("k")); return err },
		"Iterator":    func() error { it := db.NewIter(nil); return iterate(it, it.Next) },
		"Scan":        func() error { return firstError(db.Scan(nil, nil)) },
		"ScanPrefix":  func() error { return firstError(db.ScanPrefix(nil)) },
		"Snapshot": func() error {
			s := db.Snapshot()
			_, err := s.Get([]byte("k"))
			return errors.Join(ignore(err, varve.ErrNotFound), s.Close())
		},
		"Sync":        db.Sync,
		"Flush":       db.Flush,
		"Compact":     func() error { return db.Compact(context.Background(), nil, nil) },
		"Check":       func() error { return db.Check(context.Background()) },
		"WaitDurable": func() error { return db.WaitDurable(context.Background(), 1) },
	}
}

func firstError(seq func(func(varve.Entry, error) bool)) error {
	for _, err := range seq {
		if err != nil {
			return err
		}
	}
	return nil
}

// TestEveryCallAfterClose is ErrClosed, and never a panic.
func TestEveryCallAfterClose(t *testing.T) {
	guard(t)
	fs := vfs.NewStrict(1)
	db := mustOpen(t, fs, 0)
	must(t, "fill", fillWith("b", "d")(db))
	for name, call := range everyCall(db) {
		must(t, name+" before Close", call())
	}
	fresh, moved, snapshot := db.NewIter(nil), db.NewIter(nil), db.Snapshot()
	scan, writer := db.Scan(nil, nil), db.With(varve.Synced)
	play(t, moved, "F=b")
	seq := db.DurableSeq()
	must(t, "Close", db.Close())
	again := mustOpen(t, fs, 0) // whatever is still held, the directory is free
	if err := db.Close(); !errors.Is(err, varve.ErrClosed) {
		t.Errorf("a second Close: %v, want ErrClosed", err)
	}
	for name, call := range everyCall(db) {
		if err := call(); !errors.Is(err, varve.ErrClosed) {
			t.Errorf("%s: %v, want ErrClosed", name, err)
		}
	}
	for name, it := range map[string]*varve.Iterator{"a fresh iterator": fresh, "a moved iterator": moved} {
		for move, ok := range map[string]func() bool{"Next": it.Next, "Prev": it.Prev, "First": it.First, "Last": it.Last,
			"SeekGE": func() bool { return it.SeekGE(nil) }, "SeekLT": func() bool { return it.SeekLT([]byte("z")) }} {
			if ok() || it.Valid() || it.Key() != nil || !errors.Is(it.Err(), varve.ErrClosed) {
				t.Errorf("%s, %s: Valid %v, Err %v", name, move, it.Valid(), it.Err())
			}
		}
		must(t, name+", Close", ignore(it.Close(), varve.ErrClosed))
		must(t, name+", Close again", it.Close())
	}
	if _, err := snapshot.Get([]byte("b")); !errors.Is(err, varve.ErrClosed) {
		t.Errorf("Get of a snapshot: %v", err)
	}
	if it := snapshot.NewIter(nil); it.Next() || !errors.Is(it.Err(), varve.ErrClosed) {
		t.Errorf("an iterator of a snapshot: %v", it.Err())
	}
	must(t, "snapshot, Close", snapshot.Close())
	must(t, "snapshot, Close again", snapshot.Close())
	if err := firstError(scan); !errors.Is(err, varve.ErrClosed) {
		t.Errorf("a scan from before: %v", err)
	}
	if err := writer.Put(nil, nil); !errors.Is(err, varve.ErrClosed) {
		t.Errorf("a writer from before: %v", err)
	}
	if m := db.Metrics(); db.DurableSeq() < seq || m.String() == "" {
		t.Errorf("DurableSeq %d, was %d; Metrics %q", db.DurableSeq(), seq, m)
	}
	mustClose(t, fs, again)
}

// TestCallsAfterTheirOwnClose: iterators and snapshots closed by themselves.
func TestCallsAfterTheirOwnClose(t *testing.T) {
	guard(t)
	fs := vfs.NewStrict(1)
	db := mustOpen(t, fs, 0)
	must(t, "fill", fillWith("b", "d")(db))
	it := db.NewIter(nil)
	play(t, it, "F=b")
	for range 3 {
		must(t, "Close", it.Close())
	}
	if it.Next() || it.Valid() || it.Key() != nil || it.Value() != nil || !errors.Is(it.Err(), varve.ErrClosed) {
		t.Errorf("a closed iterator: Valid %v, key %q, Err %v", it.Valid(), it.Key(), it.Err())
	}
	s := db.Snapshot()
	inner := s.NewIter(nil)
	for range 3 {
		must(t, "Close", s.Close())
	}
	play(t, inner, "F=b N=d") // it may outlive its snapshot
	must(t, "Close", inner.Close())
	if _, err := s.Get([]byte("b")); !errors.Is(err, varve.ErrClosed) {
		t.Errorf("Get of a closed snapshot: %v", err)
	}
	if err := firstError(s.Scan(nil, nil)); !errors.Is(err, varve.ErrClosed) {
		t.Errorf("Scan of a closed snapshot: %v", err)
	}
	mustClose(t, fs, db)
}

// TestCloseBesideEveryCall closes while all calls run: each ends with nil or
// ErrClosed, Close waits for them, and nothing is left.
func TestCloseBesideEveryCall(t *testing.T) {
	rng, _ := seeded(t)
	for round := range budget(0, 12, 60, 3000) {
		t.Run(fmt.Sprint(round), func(t *testing.T) {
			guard(t)
			defer watchdog(limitOfTest, t.Name())()
			fs := vfs.NewStrict(uint64(round))
			db := mustOpen(t, fs, 0)
			for i := range 40 {
				must(t, "Put", db.With(varve.Buffered).Put(fmt.Appendf(nil, "%d", i), make([]byte, 10_000)))
			}
			must(t, "Put", db.Put([]byte("k"), nil))
			var wg sync.WaitGroup
			var calls atomic.Int64
			for name, call := range everyCall(db) {
				wg.Add(1)
				go func() {
					defer wg.Done()
					for {
						err := call()
						if errors.Is(err, varve.ErrClosed) {
							return
						}
						if err != nil {
							t.Errorf("%s beside Close: %v", name, err)
							return
						}
						calls.Add(1)
					}
				}()
			}
			time.Sleep(time.Duration(rng.IntN(3000)) * time.Microsecond) // any moment is right
			closed := concurrently(3, func(int) error { return db.Close() })
			wg.Wait()
			won := 0
			for _, err := range closed {
				if err == nil {
					won++
				} else if !errors.Is(err, varve.ErrClosed) {
					t.Errorf("Close: %v", err)
				}
			}
			if won != 1 {
				t.Errorf("%d of three concurrent Closes returned nil", won)
			}
			noHandles(t, fs)
			db = mustOpen(t, fs, 0)
			mustClose(t, fs, db)
		})
	}
}

// TestCloseDoesNotWaitForIterators, nor do iterators lose their memory: they
// keep it until they are closed.
func TestCloseDoesNotWaitForIterators(t *testing.T) {
	guard(t)
	defer watchdog(limitOfTest, t.Name())()
	fs := vfs.NewStrict(1)
	for range 20 {
		db := mustOpen(t, fs, 64<<10)
		must(t, "Put", db.Put([]byte("b"), make([]byte, 5000)))
		must(t, "Flush", db.Flush())
		it := db.NewIter(nil)
		var moving sync.WaitGroup
		moving.Add(1)
		go func() {
			defer moving.Done()
			for it.First() {
				for _, b := range it.Value() {
					if b != 0 {
						t.Error("a value changed under its reader")
						return
					}
				}
			}
			if !errors.Is(it.Err(), varve.ErrClosed) {
				t.Errorf("an iterator that Close overtook: %v", it.Err())
			}
		}()
		must(t, "Close", db.Close())
		moving.Wait()
		must(t, "close", ignore(it.Close(), varve.ErrClosed))
	}
	noHandles(t, fs)
}

// TestCloseMakesAllDurable: what was Buffered is on stable storage then.
func TestCloseMakesAllDurable(t *testing.T) {
	guard(t)
	fs := vfs.NewStrict(1)
	db := mustOpen(t, fs, 0)
	for i := range 500 {
		must(t, "Put", db.With(varve.Buffered).Put(fmt.Appendf(nil, "%04d", i), make([]byte, 300)))
	}
	must(t, "Close", db.Close())
	if n := fs.Unsynced(); n > 0 {
		t.Errorf("%d changes after Close could still be lost", n)
	}
	db = mustOpen(t, fs.CrashImageStrict(), 0)
	if got := len(keysOf(t, db.Scan(nil, nil))); got != 500 {
		t.Errorf("%d keys after Close and a power cut, want 500", got)
	}
	must(t, "Close", db.Close())
}
