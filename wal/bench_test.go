package wal

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/varvekv/varve/internal/crc"
	"github.com/varvekv/varve/vfs"
)

// openBench opens a log on the real file system.
func openBench(b *testing.B) *Log {
	b.Helper()
	l, _, err := Open(filepath.Join(b.TempDir(), "log"), &Options{StartKept: true})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := l.Close(); err != nil {
			b.Error(err)
		}
	})
	return l
}

// BenchmarkAppendBuffered is an append of 200 B that waits for nothing, one
// goroutine, with the background writing and old segments released.
func BenchmarkAppendBuffered(b *testing.B) {
	l := openBench(b)
	p := payload(1, 200)
	sum := crc.Sum(p)
	b.SetBytes(200)
	b.ReportAllocs()
	seq := uint64(1)
	for b.Loop() {
		t := l.AppendOps(p, sum, seq, 1)
		seq++
		if err := l.Commit(t.End, Buffered); err != nil {
			b.Fatal(err)
		}
		if seq&1023 == 0 {
			if err := l.WaitRoom(); err != nil {
				b.Fatal(err)
			}
			if seq&(1<<18-1) == 0 {
				if err := l.Release(t.LSN); err != nil {
					b.Fatal(err)
				}
			}
		}
	}
}

// BenchmarkAppendOnly is the in-memory part alone: nothing is ever written.
func BenchmarkAppendOnly(b *testing.B) {
	l := openBench(b)
	p := payload(1, 200)
	sum := crc.Sum(p)
	b.SetBytes(200)
	b.ReportAllocs()
	seq := uint64(1)
	for b.Loop() {
		l.AppendOps(p, sum, seq, 1)
		if seq++; seq&255 == 0 {
			l.mu.Lock()
			for _, c := range l.full {
				l.pool = append(l.pool, c)
			}
			l.full, l.pending = l.full[:0], 0
			l.mu.Unlock()
		}
	}
}

// BenchmarkCommit is appends of 200 B, each waiting for its durability.
func BenchmarkCommit(b *testing.B) {
	for _, d := range []Durability{Synced, Written, Buffered} {
		for _, n := range []int{1, 8, 64} {
			b.Run(fmt.Sprintf("%v/goroutines=%d", d, n), func(b *testing.B) { benchmarkCommit(b, d, n, 200) })
		}
	}
	b.Run("synced/4KiB/goroutines=1", func(b *testing.B) { benchmarkCommit(b, Synced, 1, 4096) })
}

func benchmarkCommit(b *testing.B, d Durability, goroutines, size int) {
	l := openBench(b)
	p := payload(1, size)
	sum := crc.Sum(p)
	var seq, mu = uint64(0), sync.Mutex{}
	commit := func() {
		mu.Lock()
		seq++
		t := l.AppendOps(p, sum, seq, 1)
		release := seq&(1<<15-1) == 0
		mu.Unlock()
		if err := l.Commit(t.End, d); err != nil {
			b.Error(err)
		}
		if d == Buffered {
			if err := l.WaitRoom(); err != nil {
				b.Error(err)
			}
		}
		if release {
			if err := l.Release(t.LSN); err != nil {
				b.Error(err)
			}
		}
	}
	// Past the first segment, which is not pre-written.
	for l.Metrics().Segments < 2 && d == Synced {
		big := payload(2, 64<<10)
		mu.Lock()
		seq++
		t := l.AppendOps(big, crc.Sum(big), seq, 1)
		mu.Unlock()
		if err := l.Commit(t.End, d); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	var left atomic.Int64
	left.Store(int64(b.N))
	b.ResetTimer()
	var wg sync.WaitGroup
	for range goroutines {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				commit()
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commits/s")
}

// BenchmarkFloor is what the disk gives: one block written and synced at a time,
// in a file whose blocks were all written before.
func BenchmarkFloor(b *testing.B) {
	for _, sync := range []bool{true, false} {
		b.Run(fmt.Sprintf("sync=%v", sync), func(b *testing.B) { benchmarkFloor(b, sync) })
	}
}

func benchmarkFloor(b *testing.B, sync bool) {
	d, err := vfs.OS.OpenDir(b.TempDir(), true)
	if err != nil {
		b.Fatal(err)
	}
	defer d.Close()
	f, err := d.Create("floor")
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	const size = 8 << 20
	if _, err := f.WriteAt(make([]byte, size), 0); err != nil {
		b.Fatal(err)
	}
	if err := f.Sync(); err != nil {
		b.Fatal(err)
	}
	block := payload(3, 4096)
	at := int64(0)
	for b.Loop() {
		if _, err := f.WriteAt(block, at); err != nil {
			b.Fatal(err)
		}
		if sync {
			if err := f.SyncData(); err != nil {
				b.Fatal(err)
			}
		}
		at = (at + 4096) % size
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commits/s")
}

// BenchmarkFloorWrite is write(2) of 200 B, appending.
func BenchmarkFloorWrite(b *testing.B) {
	f, err := os.Create(filepath.Join(b.TempDir(), "floor"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	p := payload(3, 200)
	n := 0
	for b.Loop() {
		if _, err := f.Write(p); err != nil {
			b.Fatal(err)
		}
		if n++; n%(1<<18) == 0 {
			if err := f.Truncate(0); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commits/s")
}

// BenchmarkReplay is Open of 500 k units of 200 B.
func BenchmarkReplay(b *testing.B) {
	dir := filepath.Join(b.TempDir(), "log")
	l, _, err := Open(dir, nil)
	if err != nil {
		b.Fatal(err)
	}
	p := AppendPut(nil, payload(1, 16), payload(2, 180))
	sum := crc.Sum(p)
	const units = 500_000
	for i := range units {
		l.AppendOps(p, sum, uint64(i+1), 1)
		if i%1024 == 0 {
			if err := l.WaitRoom(); err != nil {
				b.Fatal(err)
			}
		}
	}
	if err := l.Close(); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		l, _, err := Open(dir, &Options{ReadOnly: true, Replay: func(u Unit) error {
			for d := DecodeOps(u.Payload); d.Next(); {
				n++
			}
			return nil
		}})
		if err != nil {
			b.Fatal(err)
		}
		if err := l.Close(); err != nil {
			b.Fatal(err)
		}
	}
	if n != b.N*units {
		b.Fatal(n, b.N)
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "units/s")
}
