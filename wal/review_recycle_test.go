package wal

import (
	"bytes"
	"errors"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/varvekv/varve/vfs"
)

// failingKeeper fails a directory sync of the keeper's, the one behind a rename; or
// that one and all later ones.
type failingKeeper struct {
	forGood         bool
	renamed, struck atomic.Bool
}

func (f *failingKeeper) ask(op vfs.Op) error {
	switch {
	case op.Kind == vfs.OpRename && op.After && !f.struck.Load():
		f.renamed.Store(true)
	case op.Kind == vfs.OpSyncDir && !op.After && f.renamed.Load() && (f.forGood || !f.struck.Load()):
		// The leader syncs the directory too, and to it that is fatal.
		if bytes.Contains(debug.Stack(), []byte("(*keeper)")) {
			f.struck.Store(true)
			return errInjected
		}
	}
	return nil
}

// The keeper has renamed a file and cannot make that durable. The leader syncs the
// directory through the same descriptor, and the system tells of a failed sync once:
// its next one would say that all is well. So the log stops, and what was
// acknowledged is there when it is opened again.
func TestFailedDirectorySyncOfARecyclingRenamePoisons(t *testing.T) {
	strict := vfs.NewStrict(1)
	var keeper failingKeeper
	l, _ := mustOpen(t, vfs.NewFault(strict, keeper.ask), Options{SegmentBytes: 16 << 10})
	var last []Record // of the newest segment, acknowledged
	var err error
	for i := 0; err == nil; i++ {
		if i == 300 {
			t.Fatal("nothing was recycled, or its failure went unnoticed")
		}
		if i > 0 {
			l.Cut()
			if err = l.Release(last[2].LSN + LSN(FramedBytes(len(last[2].Data)))); err != nil {
				break
			}
			last = last[:0]
		}
		for j := 0; j < 3 && err == nil; j++ {
			p := payload(i+j, 4000)
			var lsn LSN
			if lsn, err = l.AppendSync(p); err == nil {
				last = append(last, Record{lsn, p})
			}
		}
		time.Sleep(time.Millisecond) // for the keeper
	}
	if !keeper.struck.Load() || !errors.Is(err, ErrPoisoned) || !errors.Is(err, errInjected) {
		t.Fatalf("struck %v: %v", keeper.struck.Load(), err)
	}
	if err := l.Close(); !errors.Is(err, ErrPoisoned) {
		t.Errorf("close: %v", err)
	}
	l, _ = mustOpen(t, strict.CrashImageStrict(), Options{})
	got := contents(t, l)
	for _, want := range last {
		if !slices.ContainsFunc(got, func(r Record) bool { return r.LSN == want.LSN && bytes.Equal(r.Data, want.Data) }) {
			t.Errorf("record %d was acknowledged and is gone", want.LSN)
		}
	}
	mustClose(t, l)
}

// Whether the log goes on or ends, what it acknowledges survives a power cut.
func TestFailedDirectorySyncsOfTheKeeperLoseNothing(t *testing.T) {
	strict := vfs.NewStrict(1)
	keeper := failingKeeper{forGood: true}
	l, _ := mustOpen(t, vfs.NewFault(strict, keeper.ask), Options{SegmentBytes: 16 << 10})
	for i, rest := 0, 6; rest > 0 && i < 300; i++ {
		if keeper.struck.Load() {
			rest--
		}
		p := payload(i, 12000)
		lsn, err := l.AppendSync(p)
		if err != nil {
			break
		}
		if keeper.struck.Load() {
			l, _ := mustOpen(t, strict.CrashImageStrict(), Options{})
			got := contents(t, l)
			if !slices.ContainsFunc(got, func(g Record) bool { return g.LSN == lsn && bytes.Equal(g.Data, p) }) {
				t.Errorf("the record at LSN %d was acknowledged and is gone", lsn)
			}
			mustClose(t, l)
		}
		l.Cut()
		if l.Release(lsn+LSN(FramedBytes(len(p)))) != nil {
			break
		}
		time.Sleep(time.Millisecond) // for the keeper
	}
	if !keeper.struck.Load() {
		t.Fatal("nothing was recycled")
	}
	_ = l.Close() // it may have failed
}
