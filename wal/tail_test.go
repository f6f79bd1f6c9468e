package wal

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/varvekv/varve/internal/crc"
)

// BenchmarkBufferedTail is two million Buffered appends of 200 B, as a commit
// path makes them, beside a neighbour that grows and syncs a file of its own: what the
// slowest calls take. Segments are released as a flush would do it.
func BenchmarkBufferedTail(b *testing.B) {
	b.Run("unpaced", func(b *testing.B) { benchmarkBufferedTail(b, 0) })
	b.Run("paced/rate=1M", func(b *testing.B) { benchmarkBufferedTail(b, time.Microsecond) })
}

func benchmarkBufferedTail(b *testing.B, pace time.Duration) {
	const appends = 2_000_000
	stop := make(chan struct{})
	for range 3 {
		ended := make(chan struct{})
		go syncAllTheTime(b, filepath.Join(b.TempDir(), "neighbour"), stop, ended)
		defer func() { <-ended }()
	}
	defer close(stop)
	p := payload(1, 200)
	sum := crc.Sum(p)
	var took []time.Duration
	for b.Loop() {
		l := openBench(b)
		start := time.Now()
		for seq := uint64(1); seq <= appends; seq++ {
			begin := time.Now()
			if err := l.WaitRoom(); err != nil {
				b.Fatal(err)
			}
			t := l.AppendOps(p, sum, seq, 1)
			if err := l.Commit(t.End, Buffered); err != nil {
				b.Fatal(err)
			}
			took = append(took, time.Since(begin))
			if due := start.Add(time.Duration(seq) * pace); seq&255 == 0 && time.Until(due) > 0 {
				time.Sleep(time.Until(due))
			}
			if seq&(1<<18-1) == 0 {
				if err := l.Release(t.LSN); err != nil {
					b.Fatal(err)
				}
			}
		}
	}
	slices.Sort(took)
	us := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 }
	b.ReportMetric(us(took[len(took)/2]), "p50-us")
	b.ReportMetric(us(took[len(took)-len(took)/1000]), "p99.9-us")
	b.ReportMetric(us(took[len(took)-len(took)/100000]), "p99.999-us")
	b.ReportMetric(us(took[len(took)-1]), "max-us")
}

// syncAllTheTime writes files, syncs and removes them: the file system's journal is
// never at rest.
func syncAllTheTime(b *testing.B, name string, stop, ended chan struct{}) {
	defer close(ended)
	block := make([]byte, 4<<20)
	for {
		f, err := os.Create(name)
		if err != nil {
			b.Error(err)
			return
		}
		for range 8 {
			select {
			case <-stop:
				f.Close()
				return
			default:
			}
			if _, err = f.Write(block); err == nil {
				err = f.Sync()
			}
			if err != nil {
				b.Error(err)
			}
		}
		if err := errors.Join(f.Close(), os.Remove(name)); err != nil {
			b.Error(err)
			return
		}
	}
}
