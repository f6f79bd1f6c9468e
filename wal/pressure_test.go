package wal

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/varvekv/varve/vfs"
)

// stuckDisk lets writes to segments wait while stuck.
type stuckDisk struct {
	mu sync.Mutex // held while the disk is stuck
}

func (s *stuckDisk) fs() vfs.FS {
	return vfs.NewFault(vfs.NewStrict(1), func(op vfs.Op) error {
		if op.Kind == vfs.OpWrite && !op.After {
			s.mu.Lock()
			defer s.mu.Unlock()
		}
		return nil
	})
}

// A disk that stands still for a while is not noticed by who waits for nothing,
// up to a bound; and the memory that took is given back.
func TestBufferedAppendsOutliveADiskThatStandsStill(t *testing.T) {
	var disk stuckDisk
	l, _ := mustOpen(t, disk.fs(), Options{SegmentBytes: 256 << 20, FlushInterval: time.Millisecond})
	defer mustClose(t, l)
	p := payload(1, 64<<10)
	sum := crcSum(p)
	seq := uint64(0)
	put := func() {
		seq++
		if err := l.WaitRoom(); err != nil {
			t.Error(err)
		}
		if err := l.Commit(l.AppendOps(p, sum, seq, 1).End, Buffered); err != nil {
			t.Error(err)
		}
	}
	disk.mu.Lock()
	for range (pendingMaxBytes - 4<<20) / len(p) {
		put() // would hang
	}
	m := l.Metrics()
	if m.PendingBytes < pendingMaxBytes-4<<20 || m.BufferBytes < m.PendingBytes {
		t.Errorf("%d bytes pending in buffers of %d", m.PendingBytes, m.BufferBytes)
	}
	var over atomic.Bool
	full := make(chan struct{})
	go func() {
		defer close(full)
		for range (8 << 20) / len(p) {
			put()
		}
		over.Store(true)
	}()
	waitFor(t, "crowding", func() bool { return l.gate.Load() != 0 })
	time.Sleep(10 * time.Millisecond)
	if over.Load() || l.Metrics().PendingBytes > pendingMaxBytes+1<<20 {
		t.Errorf("nothing bounds what is pending: %d bytes", l.Metrics().PendingBytes)
	}
	if !l.IsCrowded() || l.Metrics().RoomWaits != 0 {
		t.Errorf("crowded %v, %d waits that are over", l.IsCrowded(), l.Metrics().RoomWaits)
	}
	disk.mu.Unlock()
	<-full
	if m := l.Metrics(); m.RoomWaits == 0 || m.RoomWaitTime < 10*time.Millisecond {
		t.Errorf("%d waits, %v", m.RoomWaits, m.RoomWaitTime)
	}
	waitFor(t, "giving memory back", func() bool {
		m := l.Metrics()
		return m.PendingBytes == 0 && m.BufferBytes <= (poolIdle+1)*chunkAlloc
	})
}

// Who waits for room when the log ends gets its error.
func TestWaitRoomEndsWithTheLog(t *testing.T) {
	l, _ := mustOpen(t, vfs.NewStrict(1), Options{})
	l.line.takeLead() // nobody writes
	p := payload(1, 1<<20)
	for seq := uint64(1); l.gate.Load() == 0; seq++ {
		l.AppendOps(p, crcSum(p), seq, 1)
	}
	done := make(chan error, 1)
	go func() { done <- l.WaitRoom() }()
	time.Sleep(5 * time.Millisecond)
	l.Poison(errInjected)
	if err := <-done; err == nil {
		t.Fatal("no error")
	}
	if err := l.WaitRoom(); err == nil {
		t.Fatal("no error afterwards")
	}
	l.handOver()
	if err := l.Close(); err == nil {
		t.Fatal("closed without the error")
	}
	if m := l.Metrics(); m.PendingBytes != 0 || m.BufferBytes != 0 {
		t.Fatalf("%+v", m)
	}
}

func BenchmarkWaitRoom(b *testing.B) {
	l := openBench(b)
	b.ReportAllocs()
	for b.Loop() {
		if err := l.WaitRoom(); err != nil {
			b.Fatal(err)
		}
	}
}
