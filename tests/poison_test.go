package tests

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/varvekv/varve"
	"github.com/varvekv/varve/vfs"
	"github.com/varvekv/varve/wal"
)

// What API.md says under "Errors".

// TestErrorsAreTheLogsOwn: the root aliases the values of wal.
func TestErrorsAreTheLogsOwn(t *testing.T) {
	for name, pair := range map[string][2]error{
		"ErrNotFound": {varve.ErrNotFound, wal.ErrNotFound}, "ErrClosed": {varve.ErrClosed, wal.ErrClosed},
		"ErrReadOnly": {varve.ErrReadOnly, wal.ErrReadOnly}, "ErrLocked": {varve.ErrLocked, wal.ErrLocked},
		"ErrCorruption": {varve.ErrCorruption, wal.ErrCorruption}, "ErrPoisoned": {varve.ErrPoisoned, wal.ErrPoisoned},
		"ErrTooLarge": {varve.ErrTooLarge, wal.ErrTooLarge},
	} {
		if pair[0] == nil || pair[0] != pair[1] {
			t.Errorf("%s: %v and %v", name, pair[0], pair[1])
		}
	}
	err := fmt.Errorf("open: %w", &varve.CorruptionError{File: "f", Offset: 1, Reason: "r"})
	var at *varve.CorruptionError
	if !errors.Is(err, varve.ErrCorruption) || !errors.As(err, &at) || at.File != "f" {
		t.Errorf("a CorruptionError: %v", err)
	}
}

// TestPoison fails the syncs or writes of the log or the manifest for a moment:
// from then on all writes fail, reads go on, and DurableSeq is frozen, until
// reopening finds every write that failed wholly there or wholly absent.
func TestPoison(t *testing.T) {
	for _, kind := range []string{"log", "manifest"} {
		for name, ops := range map[string][]vfs.OpKind{"write": {vfs.OpWrite, vfs.OpWriteSync}, "sync": {vfs.OpSync, vfs.OpSyncData, vfs.OpWriteSync}} {
			t.Run(kind+" "+name, func(t *testing.T) { poison(t, kind, ops) })
		}
	}
}

func poison(t *testing.T, kind string, ops []vfs.OpKind) {
	guard(t)
	defer watchdog(limitOfTest, t.Name())()
	inner := vfs.NewStrict(1)
	var armed, struck atomic.Bool
	fault := vfs.NewFault(inner, func(o vfs.Op) error {
		if slices.Contains(ops, o.Kind) && kindOf(o.Name) == kind && armed.Load() {
			struck.Store(true)
			return syscall.EIO
		}
		return nil
	})
	db := mustOpen(t, fault, 0)
	must(t, "Put", db.Put([]byte("before"), []byte("1")))
	must(t, "Flush", db.Flush())
	must(t, "Put", db.Put([]byte("before too"), []byte("1")))
	it := db.NewIter(nil)
	armed.Store(true)
	errs := concurrently(8, func(i int) error { return db.Put(fmt.Appendf(nil, "during %d", i), []byte("1")) })
	if !struck.Load() {
		errs = append(errs, db.Flush())
	}
	armed.Store(false)
	if !struck.Load() {
		t.Fatalf("nothing does any of %v to the %s", ops, kind)
	}
	if kind == "log" && errors.Join(errs...) == nil {
		t.Errorf("a failed %v of the log made nothing fail", ops)
	}
	frozen := db.DurableSeq()
	for _, d := range []varve.Durability{varve.Synced, varve.Written, varve.Buffered} {
		w := db.With(d)
		for name, err := range map[string]error{"Put": w.Put([]byte("after"), nil), "Delete": w.Delete([]byte("before")), "Write": w.Write(aBatch("after"))} {
			if !errors.Is(err, varve.ErrPoisoned) || !errors.Is(err, syscall.EIO) {
				t.Errorf("%s at durability %d: %v, want ErrPoisoned and its cause", name, d, err)
			}
		}
	}
	if err := db.Sync(); !errors.Is(err, varve.ErrPoisoned) {
		t.Errorf("Sync: %v, want ErrPoisoned", err)
	}
	if err := db.WaitDurable(t.Context(), frozen+1); err == nil {
		t.Error("WaitDurable past what is durable succeeded")
	}
	if m := db.Metrics(); m.Poisoned == nil || m.DurableSeq != frozen || db.DurableSeq() != frozen {
		t.Errorf("Metrics: poisoned %v, DurableSeq %d, before %d", m.Poisoned, m.DurableSeq, frozen)
	}
	for _, key := range []string{"before", "before too"} {
		if v, err := db.Get([]byte(key)); string(v) != "1" {
			t.Errorf("Get %q after poison: %q, %v", key, v, err)
		}
	}
	if got := keysOf(t, db.Scan(nil, nil)); len(got) < 2 {
		t.Errorf("Scan after poison: %q", got)
	}
	if !it.Next() || !it.Next() || string(it.Key()) != "before too" || it.Next() {
		t.Errorf("an iterator from before the poison stands at %q, %v", it.Key(), it.Err())
	}
	must(t, "close", it.Close())
	if err := db.Close(); kind == "log" && err == nil {
		t.Error("Close of a poisoned database says that all is well")
	}
	noHandles(t, inner)
	db = mustOpen(t, inner, 0)
	for i, err := range errs[:8] {
		_, now := db.Get(fmt.Appendf(nil, "during %d", i))
		if now != nil && (err == nil || !errors.Is(now, varve.ErrNotFound)) {
			t.Errorf("write %d (%v), after reopening: %v", i, err, now)
		}
	}
	must(t, "a write after reopening", db.Put([]byte("after"), nil))
	mustClose(t, inner, db)
}

// concurrently calls from n goroutines and collects what they got.
func concurrently(n int, call func(i int) error) []error {
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Add(1)
		go func() {
			defer wg.Done()
			errs[i] = call(i)
		}()
	}
	wg.Wait()
	return errs
}
