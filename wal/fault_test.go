package wal

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/varvekv/varve/vfs"
)

var (
	errInjected  = errors.New("injected")
	errNotSticky = errors.New("the failure did not stick")
)

// faultRun is one scripted life of a log on a failing file system.
type faultRun struct {
	m      model
	failed error // the first error the log gave
}

func (fr *faultRun) script(fs vfs.FS) error {
	l, _, err := Open("log", &Options{FS: fs, SegmentBytes: 16 << 10, Random: testRandom()})
	if err != nil {
		return err
	}
	for i := range 40 {
		p := payload(i, 900)
		p[0], p[1] = byte(i), byte(i>>8)
		var lsn LSN
		fr.m.records = append(fr.m.records, Record{Data: p})
		if i%3 == 1 {
			lsn, err = l.Append(p)
		} else {
			lsn, err = l.AppendSync(p)
		}
		if err != nil {
			break
		}
		fr.m.records[i].LSN = lsn
		if i%3 != 1 {
			fr.m.synced = len(fr.m.records)
		}
		switch i {
		case 5, 12, 30:
			l.Cut()
		case 16:
			err = l.Release(fr.m.records[7].LSN)
			fr.m.released = fr.m.records[7].LSN
		}
		if err != nil {
			break
		}
	}
	if err != nil {
		fr.failed = err
		if cerr := fr.sticky(l); cerr != nil {
			err = cerr
		}
	}
	return errors.Join(err, l.Close())
}

// sticky checks that a failed log stays failed, for every call.
func (fr *faultRun) sticky(l *Log) error {
	first := l.Err()
	if !errors.Is(first, ErrPoisoned) {
		return fmt.Errorf("%w: %v", errNotSticky, first)
	}
	_, e1 := l.Append([]byte("x"))
	_, e2 := l.AppendBatch([][]byte{nil})
	e3 := l.AppendAsync(nil, Buffered).Wait()
	for i, e := range []error{e1, e2, e3, l.Sync(), l.Release(l.End()), l.WaitRoom(), l.Commit(0, Buffered)} {
		if e != first {
			return fmt.Errorf("%w: call %d after the failure: %v, not %v", errNotSticky, i, e, first)
		}
	}
	for r, err := range l.Records() { // reads are served
		if err != nil {
			return fmt.Errorf("reading after the failure: %w", err)
		}
		_ = r
	}
	return nil
}

// TestEveryFailingCallKeepsThePromise fails each call of the file system once and
// for good, before and after its effect.
func TestEveryFailingCallKeepsThePromise(t *testing.T) {
	cases := 0
	kinds := []faultKind{
		{false, true, errInjected}, {false, false, errInjected}, {true, true, errInjected}, {true, false, errInjected},
		{false, true, vfs.ErrShortWrite}, {false, false, syscall.ENOSPC},
	}
	for _, kind := range kinds {
		for n := uint64(0); failAt(t, n, kind); n++ {
			cases++
		}
	}
	t.Logf("%d cases", cases)
	if cases < 300 {
		t.Fatal("too few")
	}
}

// faultKind is when and how a call fails.
type faultKind struct {
	after bool // its effect has happened
	once  bool // later ones succeed
	err   error
}

// failAt runs the script with call n failing; false when there is no such call.
func failAt(t *testing.T, n uint64, kind faultKind) bool {
	what := fmt.Sprintf("call %d %+v", n, kind)
	strict := vfs.NewStrict(n)
	var mu sync.Mutex // guards hit and what
	hit := false
	fs := vfs.NewFault(strict, func(op vfs.Op) error {
		if op.After != kind.after || op.Index < n || kind.once && op.Index > n || op.Kind == vfs.OpClose && !kind.once {
			return nil
		}
		mu.Lock()
		defer mu.Unlock()
		hit = true
		if len(what) < 200 {
			what = fmt.Sprintf("%s (%v %s)", what, op.Kind, op.Name)
		}
		return kind.err
	})
	fr := &faultRun{}
	done := make(chan error, 1)
	go func() { done <- fr.script(fs) }()
	var err error
	select {
	case err = <-done:
	case <-time.After(20 * time.Second):
		t.Fatalf("%s: hangs", what)
	}
	if err != nil && errors.Is(err, errNotSticky) {
		t.Fatalf("%s: %v", what, err)
	}
	if h := strict.Handles(); len(h) != 0 {
		t.Fatalf("%s: left open: %v", what, h)
	}
	r := rand.New(rand.NewPCG(n, 1))
	for i, image := range []*vfs.Strict{strict.CrashImage(r), strict.CrashImageStrict(), strict.CrashImageKept()} {
		l, _, _, err := fr.m.checkLoose(crash{image, fr.m.synced, fr.m.released})
		if err != nil {
			t.Fatalf("%s: image %d: %v", what, i, err)
		}
		mustClose(t, l)
	}
	return hit
}

// checkLoose is check for a run that ended early: positions of the records that
// failed are not known.
func (m *model) checkLoose(c crash) (*Log, *Recovery, []Record, error) {
	l, rep, err := Open("log", &Options{FS: c.fs, SegmentBytes: 16 << 10})
	if err != nil {
		return nil, rep, nil, fmt.Errorf("open: %w (%+v)", err, *rep)
	}
	var got []Record
	for r, err := range l.Records() {
		if err != nil {
			return l, rep, nil, err
		}
		got = append(got, r.Clone())
	}
	if len(got) == 0 {
		if c.synced > 0 {
			return l, rep, nil, fmt.Errorf("%d synced records are gone: %+v", c.synced, *rep)
		}
		return l, rep, nil, nil
	}
	first := int(got[0].Data[0]) + int(got[0].Data[1])<<8
	if first > 0 && got[0].LSN > c.released {
		return l, rep, nil, fmt.Errorf("begins at record %d, LSN %d", first, got[0].LSN)
	}
	if first+len(got) < c.synced {
		return l, rep, nil, fmt.Errorf("ends at record %d, %d were synced: %+v", first+len(got), c.synced, *rep)
	}
	for i, r := range got {
		if string(r.Data) != string(m.records[first+i].Data) {
			return l, rep, nil, fmt.Errorf("record %d differs", first+i)
		}
	}
	return l, rep, got, nil
}
