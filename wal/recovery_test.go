package wal

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/varvekv/varve/vfs"
)

// kill ends a log as a killed process would: nothing more is written or synced.
func kill(t testing.TB, l *Log) {
	t.Helper()
	cause := errors.New("killed")
	l.Poison(cause)
	if err := l.Close(); !errors.Is(err, cause) {
		t.Fatal(err)
	}
}

// What Open serves after a kill was only in the page cache: it must be on the
// disk before it is called durable.
func TestRecoveredTailIsMadeDurable(t *testing.T) {
	for _, sizes := range [][]int{{10}, {10, 5000, 10}, {30_000, 30_000, 9}} {
		fs := vfs.NewStrict(1)
		l, _ := mustOpen(t, fs, Options{SegmentBytes: 16 << 10})
		var want []Record
		for i, n := range sizes {
			p := payload(i, n)
			lsn, err := l.Append(p)
			if err != nil {
				t.Fatal(err)
			}
			want = append(want, Record{lsn, p})
		}
		kill(t, l)
		l, r := mustOpen(t, fs, Options{})
		same(t, contents(t, l), want)
		if l.Durable() < r.End {
			t.Fatalf("durable up to %d, accepted up to %d", l.Durable(), r.End)
		}
		image := fs.CrashImageStrict()
		kill(t, l)
		l, _ = mustOpen(t, image, Options{})
		same(t, contents(t, l), want)
		mustClose(t, l)
	}
}

// An unclean end may have lost positions that were handed out: none of them is
// given out again, and the epoch says that the log went another way.
func TestUncleanEndSkipsPositionsAndGrowsTheEpoch(t *testing.T) {
	fs := vfs.NewStrict(1)
	l, r := mustOpen(t, fs, Options{})
	if r.Epoch != 0 || r.Unclean {
		t.Fatalf("%+v", *r)
	}
	if _, err := l.Append(payload(1, 5000)); err != nil {
		t.Fatal(err)
	}
	handedOut := l.End()
	lost := fs.CrashImageStrict() // the header alone
	kill(t, l)
	for name, image := range map[string]*vfs.Strict{"killed": fs, "power cut": lost} {
		l, r := mustOpen(t, image, Options{})
		if !r.Unclean || r.Epoch != 1 || r.Next < r.End {
			t.Fatalf("%s: %+v", name, *r)
		}
		if name == "killed" {
			info, err := l.dir.Stat(segmentName(1))
			if err != nil || r.Next < handedOut || r.Next < LSN(info.SizeBytes-headerBytes) {
				t.Fatalf("%s: goes on at %d, handed out %d: %v", name, r.Next, handedOut, err)
			}
		}
		if _, err := l.AppendSync(nil); err != nil {
			t.Fatal(err)
		}
		mustClose(t, l)
		l, r = mustOpen(t, image, Options{})
		if r.Unclean || r.Epoch != 1 || r.Next != r.End {
			t.Fatalf("%s, after a clean close: %+v", name, *r)
		}
		mustClose(t, l)
	}
}

// A rotation's seal is not a close: what followed it may be lost.
func TestLogThatEndsWithARotationIsUnclean(t *testing.T) {
	c := smallLogs(t)[0]
	d, err := c.fs.OpenDir("log", false)
	if err != nil {
		t.Fatal(err)
	}
	names := c.names()
	if err := d.Remove(names[len(names)-1]); err != nil {
		t.Fatal(err)
	}
	l, r := mustOpen(t, c.fs, Options{})
	if !r.Unclean || r.Epoch != 1 {
		t.Fatalf("%+v", *r)
	}
	mustClose(t, l)
}

// A header zeroed at rest is found by the marks behind it: a crash cannot have
// left them there.
func TestZeroedHeaderBeforeAMarkIsCorruption(t *testing.T) {
	c := smallLogs(t)[0]
	names := c.names()
	last := names[len(names)-1]
	edit(t, c.fs, last, func(f vfs.File) error {
		_, err := f.WriteAt(make([]byte, headerBytes), 0)
		return err
	})
	c.verify(t, c.fs, "zeroed header of "+last, 0, true, last)
}

func TestMissingLogThatIsProvenElsewhereIsAGap(t *testing.T) {
	fs := vfs.NewStrict(1)
	if _, r, err := Open("log", &Options{FS: fs, ProvenLSN: 1000}); !errors.Is(err, ErrCorruption) || r.Verdict != Gap {
		t.Fatal(err, *r)
	}
	l, _ := mustOpen(t, fs, Options{ProvenLSN: 1000, ReplayFrom: 1000})
	if lsn, err := l.AppendSync(nil); err != nil || lsn < 1000 {
		t.Fatal(lsn, err)
	}
	proven := l.Durable()
	mustClose(t, l)
	if _, r, err := Open("log", &Options{FS: fs, ProvenLSN: proven + 10_000}); !errors.Is(err, ErrCorruption) || r.Verdict != Corrupt {
		t.Fatal(err, *r)
	}
}

// A frame exchanged for another valid one breaks the chain that the seal holds.
func TestForgedFrameBreaksTheChain(t *testing.T) {
	c := smallLogs(t)[0]
	name := c.names()[0]
	edit(t, c.fs, name, func(f vfs.File) error {
		data := make([]byte, c.ends[name])
		if _, err := f.ReadAt(data, 0); err != nil {
			return err
		}
		data[headerBytes+24+2] ^= 1
		_, err := f.WriteAt(mendFrames(data), 0)
		return err
	})
	c.verify(t, c.fs, "forged "+name, 0, true, name)
}

// A failing sync: everybody in line gets the one error, and nobody waits on.
func TestFailedSyncWakesEveryCommitInLine(t *testing.T) {
	for n := range uint64(12) {
		strict := vfs.NewStrict(n)
		f, struck := vfs.Plan{Nth: 3 + n, Err: errInjected, Match: func(op vfs.Op) bool {
			return op.Kind == vfs.OpSyncData && op.Name == segmentName(1) // not one prepared ahead
		}}.Inject()
		l, _ := mustOpen(t, vfs.NewFault(strict, f), Options{})
		var wg sync.WaitGroup
		var mu sync.Mutex
		acked := map[string]bool{}
		for g := range 8 {
			wg.Go(func() {
				for i := 0; ; i++ {
					p := fmt.Sprint(g, " ", i)
					if _, err := l.AppendSync([]byte(p)); err != nil {
						if !errors.Is(err, ErrPoisoned) || !errors.Is(err, errInjected) {
							t.Error(err)
						}
						return
					}
					mu.Lock()
					acked[p] = true
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		durable := l.Durable()
		if err := l.Sync(); !errors.Is(err, ErrPoisoned) || l.Durable() != durable || !struck() {
			t.Fatal(err)
		}
		if err := l.Close(); !errors.Is(err, errInjected) {
			t.Fatal(err)
		}
		l, _ = mustOpen(t, strict.CrashImageStrict(), Options{})
		for _, r := range contents(t, l) {
			delete(acked, string(r.Data))
		}
		if len(acked) != 0 {
			t.Fatalf("%d acknowledged records are gone", len(acked))
		}
		mustClose(t, l)
	}
}
