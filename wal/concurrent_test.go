package wal

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/varvekv/varve/internal/invariants"
	"github.com/varvekv/varve/vfs"
)

// Many goroutines, every kind of call, and a reader: what was acknowledged is
// there, in the order of its positions.
func TestConcurrentAppendersReadersAndReleases(t *testing.T) {
	fs := vfs.NewStrict(1)
	l, _ := mustOpen(t, fs, Options{SegmentBytes: 64 << 10})
	count := 600
	if invariants.Enabled {
		count = 200
	}
	var synced atomic.Uint64
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() { appendMany(t, l, g, count, &synced) })
	}
	stop := make(chan struct{})
	var readers sync.WaitGroup
	readers.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				readAll(t, l)
			}
		}
	})
	readers.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(3 * time.Millisecond):
				if err := l.Release(l.Durable() / 2); err != nil {
					t.Error(err)
				}
			}
		}
	})
	wg.Wait()
	close(stop)
	readers.Wait()
	if uint64(l.Durable()) < synced.Load() {
		t.Fatalf("durable up to %d, acknowledged %d", l.Durable(), synced.Load())
	}
	mustClose(t, l)
	if h := fs.Handles(); len(h) != 0 {
		t.Fatalf("left open: %v", h)
	}
	l, _ = mustOpen(t, fs, Options{})
	readAll(t, l)
	mustClose(t, l)
}

func appendMany(t *testing.T, l *Log, g, count int, synced *atomic.Uint64) {
	r := rand.New(rand.NewPCG(uint64(g), 1))
	for i := range count {
		p := make([]byte, 16+r.IntN(700))
		binary.LittleEndian.PutUint64(p, uint64(g))
		binary.LittleEndian.PutUint64(p[8:], uint64(i))
		var err error
		var lsn LSN
		switch r.IntN(5) {
		case 0:
			lsn, err = l.AppendSync(p)
			if d := l.Durable(); err == nil && d <= lsn {
				t.Errorf("synced at %d, durable up to %d", lsn, d)
			}
			if err == nil {
				storeMax(synced, uint64(lsn))
			}
		case 1:
			c := l.AppendAsync(p, Durability(r.IntN(3)))
			<-c.Done()
			err = c.Wait()
		case 2:
			_, err = l.AppendBatch([][]byte{p})
		default:
			_, err = l.Append(p)
		}
		if err != nil {
			t.Error(err)
			return
		}
	}
}

func storeMax(to *atomic.Uint64, n uint64) {
	for old := to.Load(); old < n && !to.CompareAndSwap(old, n); old = to.Load() {
	}
}

// readAll checks that each goroutine's records come in the order it appended them.
func readAll(t *testing.T, l *Log) {
	next := map[uint64]uint64{}
	var last LSN
	first := true
	for r, err := range l.Records() {
		if err != nil {
			t.Error(err)
			return
		}
		if !first && r.LSN <= last {
			t.Errorf("LSN %d after %d", r.LSN, last)
		}
		last, first = r.LSN, false
		g, i := binary.LittleEndian.Uint64(r.Data), binary.LittleEndian.Uint64(r.Data[8:])
		if n, seen := next[g]; seen && i != n {
			t.Errorf("goroutine %d: record %d where %d is due", g, i, n)
			return
		}
		next[g] = i + 1
	}
}

// Close beside running calls: each ends, with nil or ErrClosed, and nothing hangs.
func TestCloseBesideRunningCalls(t *testing.T) {
	for seed := range 30 {
		fs := vfs.NewStrict(uint64(seed))
		l, _ := mustOpen(t, fs, Options{SegmentBytes: 64 << 10})
		var wg sync.WaitGroup
		for g := range 6 {
			wg.Go(func() {
				for {
					var err error
					switch g % 3 {
					case 0:
						_, err = l.AppendSync([]byte("a"))
					case 1:
						err = l.AppendAsync([]byte("b"), Synced).Wait()
					case 2:
						_, err = l.Append([]byte("c"))
					}
					if err != nil {
						if !errors.Is(err, ErrClosed) {
							t.Error(err)
						}
						return
					}
				}
			})
		}
		time.Sleep(time.Duration(seed%5) * 300 * time.Microsecond)
		mustClose(t, l)
		wg.Wait()
		mustClose(t, l)
		if h := fs.Handles(); len(h) != 0 {
			t.Fatalf("left open: %v", h)
		}
		l, r := mustOpen(t, fs, Options{})
		if r.Verdict != Clean || r.Unclean {
			t.Fatalf("%+v", *r)
		}
		mustClose(t, l)
	}
}

// Poison from outside wakes everybody with the one error.
func TestPoisonWakesEveryWaiter(t *testing.T) {
	fs := vfs.NewStrict(1)
	l, _ := mustOpen(t, fs, Options{})
	cause := errors.New("the manifest failed")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for {
				if _, err := l.AppendSync([]byte("x")); err != nil {
					if !errors.Is(err, ErrPoisoned) || !errors.Is(err, cause) {
						t.Error(err)
					}
					return
				}
			}
		})
	}
	l.Poison(cause)
	wg.Wait()
	if err := l.Close(); !errors.Is(err, cause) {
		t.Fatal(err)
	}
	l, _ = mustOpen(t, fs, Options{})
	mustClose(t, l)
}
