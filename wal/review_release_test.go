package wal

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/varvekv/varve/vfs"
)

// Releasing: no file goes too early, none is forgotten, and the keeper's failures
// stay its own.

// afterRemovals is a power cut that lost all data that was not synced, and no removal.
func afterRemovals(t testing.TB, fs *vfs.Strict) *vfs.Strict {
	t.Helper()
	image := fs.CrashImageStrict()
	names, err := logDir(t, fs).List()
	if err != nil {
		t.Fatal(err)
	}
	d := logDir(t, image)
	old, _ := d.List()
	for _, name := range old {
		if !slices.Contains(names, name) {
			if err := d.Remove(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	return image
}

// opensClean opens what a power cut left.
func opensClean(t testing.TB, when string, image *vfs.Strict) {
	t.Helper()
	l, rep, err := Open("log", &Options{FS: image})
	if err != nil || rep.Verdict != Clean {
		t.Errorf("%s: %v (%+v)", when, err, *rep)
	}
	if err == nil {
		mustClose(t, l)
	}
}

// heldSyncs lets syncs of one segment wait, once armed, until each is allowed.
type heldSyncs struct {
	name    string
	armed   atomic.Bool
	arrived chan struct{}
	allowed chan struct{}
}

func (h *heldSyncs) ask(op vfs.Op) error {
	if h.armed.Load() && op.Kind == vfs.OpSyncData && !op.After && op.Name == h.name {
		h.arrived <- struct{}{}
		<-h.allowed
	}
	return nil
}

// The second Release moves the start while the first one's sync is under way: what
// only the second gives up stays until its own sync is done.
func TestConcurrentReleasesRemoveNoFileBeforeItsStartIsDurable(t *testing.T) {
	strict := vfs.NewStrict(1)
	held := heldSyncs{name: segmentName(5), arrived: make(chan struct{}, 100), allowed: make(chan struct{})}
	l, _ := mustOpen(t, vfs.NewFault(strict, held.ask), Options{SegmentBytes: 16 << 10})
	want := recordsInSegments(t, l, 4) // and the fifth is begun
	if err := l.Sync(); err != nil {
		t.Fatal(err)
	}
	held.armed.Store(true)
	first, second := make(chan error, 1), make(chan error, 1)
	go func() { first <- l.Release(want[1].LSN) }()
	<-held.arrived
	go func() { second <- l.Release(want[3].LSN) }()
	for begin := time.Now(); l.Start() != want[3].LSN && time.Since(begin) < 50*time.Millisecond; {
		time.Sleep(time.Millisecond)
	}
	held.allowed <- struct{}{}
	within(t, 5*time.Second, "the first release", func() {
		if err := <-first; err != nil {
			t.Error(err)
		}
	})
	<-held.arrived // the second one's, not durable yet
	time.Sleep(20 * time.Millisecond)
	for i := 2; i <= 4; i++ {
		if _, ok := bytesOf(t, strict, segmentName(uint64(i))); !ok {
			t.Errorf("segment %d is gone before the start behind it is durable", i)
		}
	}
	opensClean(t, "before the second sync", afterRemovals(t, strict))
	held.armed.Store(false)
	held.allowed <- struct{}{}
	within(t, 5*time.Second, "the second release", func() {
		if err := <-second; err != nil {
			t.Error(err)
		}
	})
	eventually(t, 3*time.Second, "removal", func() bool { _, ok := bytesOf(t, strict, segmentName(3)); return !ok })
	opensClean(t, "after both", afterRemovals(t, strict))
	mustClose(t, l)
}

// opsInSegments leaves units of operations in count segments, and says where the
// next one begins.
func opsInSegments(t *testing.T, l *Log, count uint64) (start LSN) {
	t.Helper()
	for seq := uint64(1); seq <= count; seq++ {
		putOps(t, l, seq, seq)
		start, _ = l.Cut()
	}
	return start
}

func TestSegmentsTheArchiveFailedOnAreArchivedByTheNextOpening(t *testing.T) {
	for _, after := range []uint64{0, 2} { // operations behind what is released
		fs := vfs.NewStrict(1)
		failing := Archive{Handler: func(context.Context, ArchivedSegment) error { return errInjected }}
		l, _ := mustOpen(t, fs, Options{SegmentBytes: 16 << 10, StartKept: true, Archive: failing})
		start := opsInSegments(t, l, 5)
		if err := l.Release(start); err != nil {
			t.Fatal(err)
		}
		if after > 0 {
			putOps(t, l, 6, 5+after)
		}
		mustClose(t, l)
		var mu sync.Mutex
		archived := map[uint64]int{}
		working := Archive{Handler: func(_ context.Context, s ArchivedSegment) error {
			mu.Lock()
			defer mu.Unlock()
			archived[s.Number]++
			return nil
		}}
		l, rep := mustOpen(t, fs, Options{SegmentBytes: 16 << 10, StartKept: true, ReplayFrom: start, Archive: working})
		if rep.LastSeq != 5+after || rep.Records != int64(after) {
			t.Errorf("%+v", *rep)
		}
		mustClose(t, l)
		for n := uint64(1); n <= 5; n++ {
			if archived[n] != 1 {
				t.Errorf("%d operations behind: segment %d was archived %d times: %v", after, n, archived[n], archived)
			}
			if _, ok := bytesOf(t, fs, segmentName(n)); ok {
				t.Errorf("segment %d was archived and stays", n)
			}
		}
	}
}

// What does not fit into the backlog is given up from the old end, whether it was
// released at once or piece by piece.
func TestArchiveBacklogGivesUpTheOldest(t *testing.T) {
	for _, atOnce := range []bool{true, false} {
		fs := vfs.NewStrict(1)
		var mu sync.Mutex
		var dropped []uint64
		archive := Archive{MaxBacklog: 2, Handler: func(context.Context, ArchivedSegment) error { return errInjected }}
		events := &Events{ArchiveFailed: func(number uint64, _ error, drop bool) {
			mu.Lock()
			defer mu.Unlock()
			if drop {
				dropped = append(dropped, number)
			}
		}}
		l, _ := mustOpen(t, fs, Options{SegmentBytes: 16 << 10, Archive: archive, Events: events})
		want := recordsInSegments(t, l, 7) // the last one stays
		for i := 1; i < len(want); i++ {
			if atOnce && i < len(want)-1 {
				continue
			}
			if err := l.Release(want[i].LSN); err != nil {
				t.Fatal(err)
			}
			time.Sleep(2 * time.Millisecond)
		}
		eventually(t, 3*time.Second, "giving up four segments", func() bool { mu.Lock(); defer mu.Unlock(); return len(dropped) >= 4 })
		mustClose(t, l)
		slices.Sort(dropped)
		if !slices.Equal(dropped, []uint64{1, 2, 3, 4}) {
			t.Errorf("at once %v: given up %v", atOnce, dropped)
		}
		for n := uint64(1); n <= 6; n++ {
			if _, ok := bytesOf(t, fs, segmentName(n)); ok != (n >= 5) {
				t.Errorf("at once %v: segment %d is there: %v", atOnce, n, ok)
			}
		}
	}
}

// The log fails while a handler has a segment: a failed log deletes nothing.
func TestPoisonWhileAHandlerHasASegmentKeepsItsFile(t *testing.T) {
	fs := vfs.NewStrict(1)
	entered, leave := make(chan struct{}, 10), make(chan struct{})
	l, _ := mustOpen(t, fs, Options{SegmentBytes: 16 << 10, Archive: Archive{Handler: func(context.Context, ArchivedSegment) error {
		entered <- struct{}{}
		<-leave
		return nil
	}}})
	want := recordsInSegments(t, l, 3)
	if err := l.Release(want[2].LSN); err != nil {
		t.Fatal(err)
	}
	within(t, 5*time.Second, "handing a segment over", func() { <-entered })
	before, _ := bytesOf(t, fs, segmentName(1))
	l.Poison(errInjected)
	close(leave)
	within(t, 5*time.Second, "closing", func() {
		if err := l.Close(); !errors.Is(err, errInjected) {
			t.Error(err)
		}
	})
	for n := uint64(1); n <= 2; n++ {
		if after, ok := bytesOf(t, fs, segmentName(n)); !ok || n == 1 && !slices.Equal(before, after) {
			t.Errorf("segment %d was deleted after the failure", n)
		}
	}
}
