package wal

import (
	"bytes"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/varvekv/varve/vfs"
)

// failingKeeper fails one directory sync of the keeper's, the one behind a rename.
type failingKeeper struct {
	renamed, struck atomic.Bool
}

func (f *failingKeeper) ask(op vfs.Op) error {
	switch {
	case op.Kind == vfs.OpRename && op.After && !f.struck.Load():
		f.renamed.Store(true)
	case op.Kind == vfs.OpSyncDir && !op.After && f.renamed.Load() && !f.struck.Load():
		// The leader syncs the directory too, and to it that is fatal.
		if bytes.Contains(debug.Stack(), []byte("(*keeper)")) {
			f.struck.Store(true)
			return errInjected
		}
	}
	return nil
}

// The keeper has renamed a file and cannot make that durable: the leader, who needs
// the name, goes on with the file, and makes it durable.
func TestFailedDirectorySyncOfARecyclingRenameDoesNotPoison(t *testing.T) {
	strict := vfs.NewStrict(1)
	var keeper failingKeeper
	l, _ := mustOpen(t, vfs.NewFault(strict, keeper.ask), Options{SegmentBytes: 16 << 10})
	var last []Record // of the newest segment
	for i, rest := 0, 6; rest > 0; i++ {
		if keeper.struck.Load() {
			rest-- // some segments more: one of them needs the name
		} else if i == 300 {
			t.Fatal("nothing was recycled")
		}
		if i > 0 {
			l.Cut()
			if err := l.Release(last[2].LSN + LSN(FramedBytes(len(last[2].Data)))); err != nil {
				t.Fatal(err)
			}
		}
		last = last[:0]
		for j := range 3 {
			p := payload(i+j, 4000)
			lsn, err := l.AppendSync(p)
			if err != nil {
				t.Fatalf("segment %d: %v", i, err)
			}
			last = append(last, Record{lsn, p})
		}
		if keeper.struck.Load() {
			l, _ := mustOpen(t, strict.CrashImageStrict(), Options{})
			same(t, contents(t, l), last)
			mustClose(t, l)
		}
		time.Sleep(time.Millisecond) // for the keeper
	}
	mustClose(t, l)
	l, rep := mustOpen(t, strict, Options{})
	if rep.Verdict != Clean || rep.Unclean {
		t.Errorf("%+v", *rep)
	}
	same(t, contents(t, l), last)
	mustClose(t, l)
}

// Whether the log goes on or ends, what it acknowledged survives a power cut.
func TestFailedDirectorySyncOfARecyclingRenameLosesNothing(t *testing.T) {
	for seed := range uint64(20) {
		strict := vfs.NewStrict(seed)
		var keeper failingKeeper
		l, _ := mustOpen(t, vfs.NewFault(strict, keeper.ask), Options{SegmentBytes: 16 << 10})
		var synced []Record // since the last release
		for i, rest := 0, 6; rest > 0 && i < 300; i++ {
			if keeper.struck.Load() {
				rest--
			}
			p := payload(i, 12000)
			lsn, err := l.AppendSync(p)
			if err != nil {
				break
			}
			synced = append(synced, Record{lsn, p})
			l.Cut()
			if keeper.struck.Load() {
				continue
			}
			if l.Release(lsn+LSN(FramedBytes(len(p)))) != nil {
				break
			}
			synced = synced[:0]
			time.Sleep(300 * time.Microsecond) // for the keeper
		}
		if !keeper.struck.Load() {
			t.Fatal("nothing was recycled")
		}
		for _, image := range []*vfs.Strict{strict.CrashImageStrict(), strict.CrashImageKept(), strict.CrashImage(nil)} {
			l, _ := mustOpen(t, image, Options{})
			got := contents(t, l)
			for _, r := range synced {
				if !slices.ContainsFunc(got, func(g Record) bool { return g.LSN == r.LSN && bytes.Equal(g.Data, r.Data) }) {
					t.Errorf("seed %d: the record at LSN %d is gone", seed, r.LSN)
				}
			}
			mustClose(t, l)
		}
		_ = l.Close() // it may have failed
	}
}
