package tests

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/varvekv/varve"
	"github.com/varvekv/varve/vfs"
)

// What API.md says under "Batches" and "Visibility".

// TestWriteLeavesTheBatch: it can be read, written again, added to.
func TestWriteLeavesTheBatch(t *testing.T) {
	guard(t)
	fs := vfs.NewStrict(1)
	db := mustOpen(t, fs, 0)
	var b varve.Batch
	if b.Len() != 0 || b.Seq() != 0 {
		t.Errorf("the zero batch: Len %d, Seq %d", b.Len(), b.Seq())
	}
	b.Put([]byte("k"), []byte("1"))
	b.Delete([]byte("k"))
	b.Put(nil, nil)
	b.Put([]byte("k"), []byte("2"))
	before, size := opsOf(&b), b.Size()
	var seqs []uint64
	for range 2 {
		must(t, "Write", db.Write(&b))
		seqs = append(seqs, b.Seq())
		if !slices.Equal(opsOf(&b), before) || b.Size() != size || b.Len() != 4 {
			t.Fatalf("Write changed the batch: %v", opsOf(&b))
		}
		must(t, "between", db.Put([]byte("k"), []byte("between")))
	}
	if seqs[0] == 0 || seqs[1] < seqs[0]+4 {
		t.Errorf("sequences of two writes of four operations: %v", seqs)
	}
	must(t, "third", db.Write(&b))
	if v, err := db.Get([]byte("k")); string(v) != "2" {
		t.Errorf("the last operation on a key wins: %q, %v", v, err)
	}
	b.Delete(nil)
	must(t, "longer", db.Write(&b))
	if _, err := db.Get(nil); !errors.Is(err, varve.ErrNotFound) {
		t.Errorf("an operation added after Write: %v", err)
	}
	seq := b.Seq()
	b.Reset()
	if b.Len() != 0 || b.Seq() != 0 || len(opsOf(&b)) != 0 {
		t.Errorf("after Reset: Len %d, Seq %d", b.Len(), b.Seq())
	}
	must(t, "empty", db.Write(&b))
	must(t, "Put", db.Put([]byte("z"), nil))
	if m := db.Metrics(); m.LastSeq < seq+5 {
		t.Errorf("LastSeq %d after a batch of five at %d and a Put", m.LastSeq, seq)
	}
	mustClose(t, fs, db)
}

func opsOf(b *varve.Batch) (ops []string) {
	for op := range b.Ops() {
		ops = append(ops, fmt.Sprintf("%d %q %q", op.Kind, op.Key, op.Value))
	}
	return ops
}

func TestOpsNameKinds(t *testing.T) {
	var b varve.Batch
	b.Put([]byte("p"), []byte("v"))
	b.Delete([]byte("d"))
	for range 2 {
		if got := opsOf(&b); !slices.Equal(got, []string{`1 "p" "v"`, `2 "d" ""`}) {
			t.Errorf("%q", got)
		}
	}
	for op := range b.Ops() { // may be left early
		if op.Kind != varve.KindPut {
			t.Errorf("kind %d", op.Kind)
		}
		break
	}
	if small := b.Size(); small <= 0 {
		t.Errorf("Size %d", small)
	}
	before := b.Size()
	b.Put(make([]byte, 100), make([]byte, 1000))
	if grown := b.Size() - before; grown < 1100 || grown > 1200 {
		t.Errorf("Size grew by %d for 1100 bytes", grown)
	}
}

// TestBatchesAreAtomicForReaders: readers see all of it or none, whether small,
// or larger than the memtable.
func TestBatchesAreAtomicForReaders(t *testing.T) {
	guard(t)
	fs := vfs.NewStrict(1)
	db := mustOpen(t, fs, 0)
	defer watchdog(limitOfTest, t.Name())()
	keys := make([][]byte, 50)
	for i := range keys {
		keys[i] = fmt.Appendf(nil, "%03d", i)
	}
	done := make(chan struct{})
	var wg sync.WaitGroup
	for reader := range 3 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for {
				select {
				case <-done:
					return
				default:
				}
				if err := oneValue(db, reader); err != nil {
					t.Error(err)
					return
				}
			}
		}()
	}
	for round := range budget(0, 15, 60, 20_000) {
		var b varve.Batch
		size := []int{1, 100, 20_000}[round%3]
		for _, i := range []int{round % 50, 0} { // begins anywhere
			for k := range keys {
				b.Put(keys[(k+i)%len(keys)], bytes.Repeat([]byte{byte(round)}, size))
			}
		}
		must(t, "Write", db.With(varve.Durability(round%3)).Write(&b))
	}
	close(done)
	wg.Wait()
	mustClose(t, fs, db)
}

// oneValue: a reader finds the same value under every key.
func oneValue(db *varve.DB, how int) error {
	var values []byte
	see := func(v []byte) { values = append(values, v[0]) }
	switch how {
	case 0:
		for e, err := range db.Scan(nil, nil) {
			if err != nil {
				return err
			}
			see(e.Value)
		}
	case 1:
		it := db.NewIter(nil)
		for it.Prev() {
			see(it.Value())
		}
		if err := errors.Join(it.Err(), it.Close()); err != nil {
			return err
		}
	case 2:
		s := db.Snapshot()
		defer s.Close()
		for i := range 50 {
			v, err := s.Get(fmt.Appendf(nil, "%03d", i))
			if errors.Is(err, varve.ErrNotFound) && len(values) == 0 {
				return nil
			}
			if err != nil {
				return err
			}
			see(v)
		}
	}
	if len(values) > 0 && (len(values) != 50 || bytes.Count(values, values[:1]) != 50) {
		return fmt.Errorf("reader %d saw a batch in parts: %v", how, values)
	}
	return nil
}

// TestWritesAreReadableAtOnce by everybody, at every durability.
func TestWritesAreReadableAtOnce(t *testing.T) {
	guard(t)
	fs := vfs.NewStrict(1)
	db := mustOpen(t, fs, 0)
	for i := range 300 {
		d := varve.Durability(i % 3)
		key := fmt.Appendf(nil, "%d", i)
		must(t, "Put", db.With(d).Put(key, key))
		if v, err := db.Get(key); err != nil || !bytes.Equal(v, key) {
			t.Fatalf("durability %d: Get right after Put: %q, %v", d, v, err)
		}
		s := db.Snapshot()
		if s.Seq() != uint64(i+1) {
			t.Fatalf("snapshot after %d operations: sequence %d", i+1, s.Seq())
		}
		must(t, "close", s.Close())
	}
	mustClose(t, fs, db)
}

// TestSyncedCoversEverythingBefore: one Synced write makes all before it
// durable, and DurableSeq tells what a power cut would leave.
func TestSyncedCoversEverythingBefore(t *testing.T) {
	guard(t)
	fs := vfs.NewStrict(1)
	db := mustOpen(t, fs, 0)
	seq := uint64(0)
	for round := range budget(0, 10, 40, 400) {
		for i := range 10 {
			must(t, "Put", db.With(varve.Durability(1+i%2)).Put(fmt.Appendf(nil, "%04d", seq), nil))
			seq++
		}
		switch round % 5 {
		case 0:
			must(t, "Put", db.With(varve.Synced).Put(fmt.Appendf(nil, "%04d", seq), nil))
			seq++
		case 1:
			must(t, "Sync", db.Sync())
		case 2:
			must(t, "Flush", db.Flush())
		case 3:
			must(t, "WaitDurable", db.WaitDurable(t.Context(), seq))
		case 4:
			must(t, "With an unknown durability", db.With(99).Put(fmt.Appendf(nil, "%04d", seq), nil))
			seq++
		}
		if got := db.DurableSeq(); got != seq {
			t.Fatalf("round %d: DurableSeq %d, want %d", round, got, seq)
		}
		image := fs.CrashImageStrict()
		cut := mustOpen(t, image, 0)
		if got := len(keysOf(t, cut.Scan(nil, nil))); got != int(seq) {
			t.Fatalf("round %d: %d keys after a power cut, want %d", round, got, seq)
		}
		if got := cut.DurableSeq(); got < seq {
			t.Errorf("round %d: DurableSeq %d after reopening, %d before", round, got, seq)
		}
		must(t, "close", cut.Close())
	}
	mustClose(t, fs, db)
}

// TestWaitDurableRefusesTheFuture: nobody has had that sequence yet.
func TestWaitDurableRefusesTheFuture(t *testing.T) {
	guard(t)
	defer watchdog(limitOfTest, t.Name())()
	fs := vfs.NewStrict(1)
	db := mustOpen(t, fs, 0)
	must(t, "Put", db.With(varve.Buffered).Put([]byte("k"), nil))
	must(t, "the past", db.WaitDurable(t.Context(), 0))
	if err := db.WaitDurable(t.Context(), 2); err == nil {
		t.Error("waited for a sequence that no operation has had")
	}
	must(t, "the present", db.WaitDurable(t.Context(), 1))
	mustClose(t, fs, db)
}
