package wal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/varvekv/varve/vfs"
)

// waitFor waits for the background.
func waitFor(t testing.TB, what string, f func() bool) {
	t.Helper()
	for begin := time.Now(); !f(); time.Sleep(time.Millisecond) {
		if time.Since(begin) > 20*time.Second {
			t.Fatal("never happened: " + what)
		}
	}
}

// archiveLog fills segments, cuts after each third record and releases all but the last.
func archiveLog(t *testing.T, fs vfs.FS, a Archive, events *Events) (l *Log, want int) {
	t.Helper()
	l, _ = mustOpen(t, fs, Options{SegmentBytes: 64 << 10, Archive: a, Events: events})
	for i := range 12 {
		if _, err := l.AppendSync(bytes.Repeat([]byte(fmt.Sprintf("record %d ", i)), 300)); err != nil {
			t.Fatal(err)
		}
		if i%3 == 2 {
			l.Cut()
			want++
		}
	}
	if err := l.Release(l.End()); err != nil {
		t.Fatal(err)
	}
	return l, want
}

func TestReleasedSegmentsAreCopiedAndRecycled(t *testing.T) {
	for _, compress := range []bool{false, true} {
		fs := vfs.NewStrict(1)
		dir, err := fs.OpenDir("archive", true)
		if err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		var seen []ArchivedSegment
		l, want := archiveLog(t, fs, Archive{Dir: dir, Compress: compress, Handler: func(_ context.Context, s ArchivedSegment) error {
			mu.Lock()
			defer mu.Unlock()
			seen = append(seen, s)
			return nil
		}}, nil)
		waitFor(t, "archiving", func() bool { return int(l.Metrics().Archived) >= want })
		mustClose(t, l)
		logDir, _ := fs.OpenDir("log", false)
		if names, _ := logDir.List(); len(names) > 1+1+sparesMax+sparesMax { // LOCK, the active one, prepared, to be recycled
			t.Fatalf("released segments stay: %v", names)
		}
		if len(seen) != want {
			t.Fatalf("%d segments handed over, want %d", len(seen), want)
		}
		for i, s := range seen {
			r, err := s.Open()
			if err != nil {
				t.Fatal(err)
			}
			p, err := io.ReadAll(r)
			if err != nil || int64(len(p)) != s.SizeBytes || r.Close() != nil {
				t.Fatal(err, len(p), s.SizeBytes)
			}
			if !bytes.Contains(p, []byte(fmt.Sprintf("record %d ", i*3+1))) {
				t.Fatalf("segment %d does not hold its records", s.Number)
			}
			info, _ := dir.Stat(s.Name)
			if compress != strings.HasSuffix(s.Name, ".vz") || compress && info.SizeBytes > s.SizeBytes/2 {
				t.Fatalf("%s: %d bytes of %d", s.Name, info.SizeBytes, s.SizeBytes)
			}
			if compress {
				everyByteFlipIsFound(t, dir, s, p)
			}
		}
	}
}

// everyByteFlipIsFound damages a compressed copy byte by byte.
func everyByteFlipIsFound(t *testing.T, dir vfs.Dir, s ArchivedSegment, want []byte) {
	t.Helper()
	info, err := dir.Stat(s.Name)
	if err != nil {
		t.Fatal(err)
	}
	f, err := dir.OpenReadWrite(s.Name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for at := int64(0); at < info.SizeBytes; at++ {
		if err := flip(at, int(at)%8)(f); err != nil {
			t.Fatal(err)
		}
		r, err := s.Open()
		if err == nil {
			_, err = io.ReadAll(r)
			r.Close()
		}
		if err == nil {
			t.Fatalf("flip at %d went unseen", at)
		}
		if err := flip(at, int(at)%8)(f); err != nil {
			t.Fatal(err)
		}
	}
}

func TestArchiveFailureNeverPoisonsAndIsTriedAgain(t *testing.T) {
	strict := vfs.NewStrict(1)
	var mu sync.Mutex
	failing := true
	fs := vfs.NewFault(strict, func(op vfs.Op) error {
		mu.Lock()
		defer mu.Unlock()
		if failing && op.Dir == "archive" && op.Kind == vfs.OpRename {
			return errInjected
		}
		return nil
	})
	dir, err := fs.OpenDir("archive", true)
	if err != nil {
		t.Fatal(err)
	}
	failures := make(chan error, 100)
	l, want := archiveLog(t, fs, Archive{Dir: dir}, &Events{ArchiveFailed: func(_ uint64, err error, dropped bool) {
		if dropped {
			t.Error("dropped")
		}
		failures <- err
	}})
	if err := <-failures; !errors.Is(err, errInjected) {
		t.Fatal(err)
	}
	if _, err := l.AppendSync([]byte("goes on")); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	failing = false
	mu.Unlock()
	mustClose(t, l)
	// What waited is archived by the next opening.
	l, _ = mustOpen(t, fs, Options{Archive: Archive{Dir: dir}})
	waitFor(t, "archiving", func() bool {
		names, _ := dir.List()
		n := 0
		for _, name := range names {
			if strings.HasSuffix(name, ".log") {
				n++
			}
		}
		return n == want
	})
	mustClose(t, l)
}

func TestArchiveBacklogIsBounded(t *testing.T) {
	fs := vfs.NewStrict(1)
	var mu sync.Mutex
	dropped := map[uint64]bool{}
	l, want := archiveLog(t, fs, Archive{MaxBacklog: 1, Handler: func(context.Context, ArchivedSegment) error { return errInjected }},
		&Events{ArchiveFailed: func(number uint64, err error, drop bool) {
			mu.Lock()
			defer mu.Unlock()
			if drop {
				dropped[number] = true
			}
		}})
	waitFor(t, "dropping", func() bool { mu.Lock(); defer mu.Unlock(); return len(dropped) >= want-1 })
	if _, err := l.AppendSync(nil); err != nil {
		t.Fatal(err)
	}
	mustClose(t, l)
}

func TestArchiveKeepsWithinItsBounds(t *testing.T) {
	fs := vfs.NewStrict(1)
	dir, err := fs.OpenDir("archive", true)
	if err != nil {
		t.Fatal(err)
	}
	l, want := archiveLog(t, fs, Archive{Dir: dir, MaxBytes: 32 << 10}, nil)
	waitFor(t, "archiving", func() bool { return int(l.Metrics().Archived) >= want })
	mustClose(t, l)
	names, _ := dir.List()
	_, total, err := archivedCopies(dir, names)
	if err != nil || total > 32<<10 || len(names) == 0 || len(names) >= want {
		t.Fatal(names, total, err)
	}
}
