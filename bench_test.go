package varve_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/varvekv/varve"
)

// benchKey is the i-th key of a scattered order, 16 bytes.
func benchKey(dst []byte, i uint64) []byte {
	dst = append(dst[:0], "key:"...)
	return fmt.Appendf(dst, "%012x", (i*0x9e3779b97f4a7c15)>>16)
}

func benchDB(b *testing.B, o *varve.Options) *varve.DB {
	b.Helper()
	db, err := varve.Open(b.TempDir(), o)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := db.Close(); err != nil {
			b.Error(err)
		}
	})
	return db
}

// benchLoad fills a database with n keys and 100-byte values and settles it.
func benchLoad(b *testing.B, db *varve.DB, n int) {
	b.Helper()
	value := make([]byte, 100)
	w := db.With(varve.Buffered)
	var key []byte
	for i := range n {
		key = benchKey(key, uint64(i))
		binary.LittleEndian.PutUint64(value, uint64(i))
		if err := w.Put(key, value); err != nil {
			b.Fatal(err)
		}
	}
	if err := db.Compact(context.Background(), nil, nil); err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
}

func BenchmarkCommit(b *testing.B) {
	for _, d := range []varve.Durability{varve.Buffered, varve.Written, varve.Synced} {
		for _, goroutines := range []int{1, 8, 64} {
			b.Run(fmt.Sprintf("%v/goroutines=%d", d, goroutines), func(b *testing.B) {
				db := benchDB(b, nil)
				w := db.With(d)
				var next atomic.Uint64
				var wg sync.WaitGroup
				b.ReportAllocs()
				b.ResetTimer()
				for range goroutines {
					wg.Go(func() {
						value := make([]byte, 200)
						var key []byte
						for i := next.Add(1); i <= uint64(b.N); i = next.Add(1) {
							key = benchKey(key, i)
							if err := w.Put(key, value); err != nil {
								b.Error(err)
								return
							}
						}
					})
				}
				wg.Wait()
			})
		}
	}
}

func BenchmarkGetTo(b *testing.B) {
	const n = 500_000
	for _, c := range []struct {
		name  string
		cache int64
	}{{"cached", 256 << 20}, {"uncached", 1 << 20}} {
		b.Run(c.name, func(b *testing.B) {
			db := benchDB(b, &varve.Options{CacheBytes: c.cache})
			benchLoad(b, db, n)
			r := rand.New(rand.NewPCG(1, 2))
			var key, value []byte
			for range n { // warm
				key = benchKey(key, r.Uint64N(n))
				value, _ = db.GetTo(value[:0], key)
			}
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				key = benchKey(key, r.Uint64N(n))
				var err error
				if value, err = db.GetTo(value[:0], key); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkGetMissing(b *testing.B) {
	const n = 500_000
	db := benchDB(b, nil)
	benchLoad(b, db, n)
	r := rand.New(rand.NewPCG(1, 2))
	var key []byte
	b.ReportAllocs()
	for range b.N {
		key = append(benchKey(key, r.Uint64N(n)), '!')
		if ok, err := db.Has(key); ok || err != nil {
			b.Fatal(ok, err)
		}
	}
}

func BenchmarkScan(b *testing.B) {
	const n = 500_000
	for _, back := range []bool{false, true} {
		b.Run(map[bool]string{false: "forward", true: "reverse"}[back], func(b *testing.B) {
			db := benchDB(b, nil)
			benchLoad(b, db, n)
			it := db.NewIter(nil)
			defer it.Close()
			step := it.Next
			if back {
				step = it.Prev
			}
			b.ReportAllocs()
			for range b.N {
				if !step() {
					if it.Err() != nil {
						b.Fatal(it.Err())
					}
					it.First()
					if back {
						it.Last()
					}
				}
			}
		})
	}
}

// BenchmarkSeek is a short scan from a random place: a new iterator, a seek and
// ten moves.
func BenchmarkSeek(b *testing.B) {
	const n = 500_000
	db := benchDB(b, nil)
	benchLoad(b, db, n)
	r := rand.New(rand.NewPCG(1, 2))
	var key []byte
	b.ReportAllocs()
	for range b.N {
		it := db.NewIter(nil)
		key = benchKey(key, r.Uint64N(n))
		ok := it.SeekGE(key)
		for i := 0; ok && i < 10; i++ {
			ok = it.Next()
		}
		if err := it.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFlush(b *testing.B) {
	db := benchDB(b, nil)
	value := make([]byte, 100)
	w := db.With(varve.Buffered)
	var key []byte
	b.SetBytes(116)
	for i := range b.N {
		key = benchKey(key, uint64(i))
		if err := w.Put(key, value); err != nil {
			b.Fatal(err)
		}
	}
	if err := db.Flush(); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkOpen opens a database with 200,000 operations in its log.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	db, err := varve.Open(dir, nil)
	if err != nil {
		b.Fatal(err)
	}
	w := db.With(varve.Buffered)
	value := make([]byte, 200)
	var key []byte
	for i := range 200_000 {
		key = benchKey(key, uint64(i))
		if err := w.Put(key, value); err != nil {
			b.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	for range b.N {
		db, err := varve.Open(dir, nil)
		if err != nil {
			b.Fatal(err)
		}
		if err := db.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// TestCachedGetToAllocatesNothing holds the promise of GetTo.
func TestCachedGetToAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	db, err := varve.Open(t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	w := db.With(varve.Buffered)
	for i := range 20_000 {
		if err := w.Put(benchKey(nil, uint64(i)), make([]byte, 100)); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Compact(context.Background(), nil, nil); err != nil {
		t.Fatal(err)
	}
	key := benchKey(nil, 777)
	buf, err := db.GetTo(nil, key)
	if err != nil {
		t.Fatal(err)
	}
	allocs := testing.AllocsPerRun(1000, func() {
		if buf, err = db.GetTo(buf[:0], key); err != nil {
			t.Fatal(err)
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations for a cached GetTo", allocs)
	}
}

// BenchmarkScan50 is YCSB's E: a new iterator, a seek to any key, fifty entries
// with their values, over trees as writers leave them: one run, or runs in level 0
// and a memtable above it.
func BenchmarkScan50(b *testing.B) {
	for _, valueBytes := range []int{100, 1000} {
		for _, runs := range []int{0, 3} {
			b.Run(fmt.Sprintf("value=%d/level0=%d", valueBytes, runs), func(b *testing.B) {
				benchScan50(b, valueBytes, runs)
			})
		}
	}
}

func benchScan50(b *testing.B, valueBytes, runs int) {
	n := uint64(100_000_000 / valueBytes)
	db := benchDB(b, &varve.Options{CacheBytes: 1 << 30})
	w := db.With(varve.Buffered)
	value := make([]byte, valueBytes)
	var key []byte
	put := func(count uint64) {
		for i := range count {
			key = benchKey(key, i*(n/count))
			if err := w.Put(key, value); err != nil {
				b.Fatal(err)
			}
		}
	}
	put(n)
	if err := db.Compact(context.Background(), nil, nil); err != nil {
		b.Fatal(err)
	}
	for range runs {
		put(n / 20)
		if err := db.Flush(); err != nil {
			b.Fatal(err)
		}
	}
	if runs > 0 {
		put(n / 50)
	}
	r := rand.New(rand.NewPCG(1, 2))
	sum := 0
	b.ResetTimer()
	b.ReportAllocs()
	for range b.N {
		it := db.NewIter(nil)
		key = benchKey(key, r.Uint64N(n))
		ok := it.SeekGE(key)
		for i := 0; ok && i < 50; i++ {
			v := it.Value()
			for at := 0; at < len(v); at += 64 {
				sum += int(v[at])
			}
			ok = it.Next()
		}
		if err := it.Close(); err != nil {
			b.Fatal(err)
		}
	}
	if sum != 0 {
		b.Fatal("values are not zero")
	}
}
