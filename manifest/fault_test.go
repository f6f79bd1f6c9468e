package manifest

import (
	"errors"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"

	"github.com/varvekv/varve/vfs"
)

var faults = map[string]error{"EIO": syscall.EIO, "ENOSPC": syscall.ENOSPC, "short write": vfs.ErrShortWrite}

// faultRun runs the workload of the crash tests over a file system that fails
// one call, and watches what the store does afterwards.
type faultRun struct {
	crashRun
	strict  *vfs.Strict
	struck  bool
	hit     vfs.Op
	deleted []string // removed or renamed after the fault
}

func (f *faultRun) run(seed, index uint64, after, forever bool, fault error) (calls uint64) {
	f.strict = vfs.NewStrict(seed)
	ft := vfs.NewFault(f.strict, func(op vfs.Op) error {
		if f.struck && !op.After && (op.Kind == vfs.OpRemove || op.Kind == vfs.OpRename) {
			f.deleted = append(f.deleted, op.String())
		}
		hit := op.Index == index || forever && op.Index > index
		if !hit || op.After != after {
			return nil
		}
		if !f.struck {
			f.struck, f.hit = true, op
		}
		return fault
	})
	d, err := ft.OpenDir("db", true)
	if err != nil {
		return ft.Ops()
	}
	f.work(d, seed)
	return ft.Ops()
}

// TestFaultAtEveryCall: whatever call fails, before or after its effect, once or
// for good, an edit that was acknowledged is there after a power cut, one that
// was not is there or not, and after a failed write, sync or rename nothing is
// written, deleted or acknowledged any more.
func TestFaultAtEveryCall(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	var clean faultRun
	calls := clean.run(1, 1<<60, false, false, nil)
	struck := 0
	for name, fault := range faults {
		for index := uint64(0); index < calls; index += uint64(thin()) {
			for variant := range 4 {
				var f faultRun
				after, forever := variant&1 != 0, variant&2 != 0
				f.run(1, index, after, forever, fault)
				if f.struck {
					struck++
				}
				for range 2 {
					if _, err := f.verify(openDir(t, f.strict.CrashImage(r))); err != nil {
						t.Fatalf("%s at %v (forever %v): %v", name, f.hit, forever, err)
					}
				}
				if mutates(f.hit.Kind) && f.struck && len(f.deleted) > 0 {
					t.Fatalf("%s at %v: afterwards %v", name, f.hit, f.deleted)
				}
				if h := f.strict.Handles(); len(h) > 2 { // the directory, the store of a run that stopped
					t.Fatalf("%s at %v: open are %v", name, f.hit, h)
				}
			}
		}
	}
	t.Logf("%d calls, %d runs with a fault", calls, struck)
	if calls < 100 || struck < int(calls)*6/thin() {
		t.Error("poor coverage")
	}
}

// TestReopenedStateIsDurable: what an Open after a killed process or a failed
// disk reports is there after a power cut that follows at once, although nobody
// had acknowledged it: the opener is about to delete files on its word.
func TestReopenedStateIsDurable(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	var clean faultRun
	calls := clean.run(2, 1<<60, false, false, nil)
	opened, ahead := 0, 0
	for index := uint64(0); index < calls; index += uint64(thin()) {
		for _, after := range []bool{false, true} {
			var f faultRun
			f.run(2, index, after, true, syscall.EIO)
			s, st, err := Open(openDir(t, f.strict), crashOptions(0))
			if errors.Is(err, ErrNoDatabase) && !f.created {
				continue
			}
			if err != nil {
				t.Fatalf("%v: %v", f.hit, err)
			}
			opened++
			seen := crashRun{created: true, acked: describeLive(st), numbers: f.numbers}
			if f.acked != seen.acked {
				ahead++
			}
			for range 8 {
				if _, err := seen.verify(openDir(t, f.strict.CrashImage(r))); err != nil {
					t.Fatalf("%v, opened, power cut: %v", f.hit, err)
				}
			}
			mustClose(t, s)
		}
	}
	t.Logf("%d opened, %d of them with what was not acknowledged", opened, ahead)
	if opened < 100/thin() || ahead < 10/thin() {
		t.Error("poor coverage")
	}
}

// mutates are the calls whose failure poisons. A failed removal of an obsolete
// file is none: nothing depends on it.
func mutates(k vfs.OpKind) bool {
	switch k {
	case vfs.OpCreate, vfs.OpRename, vfs.OpWrite, vfs.OpSync, vfs.OpSyncData, vfs.OpSyncDir:
		return true
	}
	return false
}

// TestFailureIsSticky fails each kind of call once, beneath an Apply that
// appends, one that rewrites and a NextFileNumber.
func TestFailureIsSticky(t *testing.T) {
	appending := []vfs.OpKind{vfs.OpWrite, vfs.OpSyncData}
	rewriting := []vfs.OpKind{vfs.OpCreate, vfs.OpWrite, vfs.OpSync, vfs.OpSyncDir, vfs.OpRename}
	for _, c := range []struct {
		name  string
		kinds []vfs.OpKind
		min   int64
		call  func(s *Store) error
	}{
		{"append", appending, 1 << 20, func(s *Store) error { _, err := s.Apply(&Edit{DurableLSN: 5}); return err }},
		{"rewrite", rewriting, 1, func(s *Store) error { _, err := s.Apply(&Edit{DurableLSN: 5}); return err }},
		{"number", appending, 1 << 20, func(s *Store) error { s.RaiseNextFile(1000); _, err := s.NextFileNumber(); return err }},
	} {
		for _, kind := range c.kinds {
			for _, after := range []bool{false, true} {
				armed, calls := false, []string{}
				m := vfs.NewStrict(1)
				ft := vfs.NewFault(m, func(op vfs.Op) error {
					if op.Kind.Changes() && !op.After {
						calls = append(calls, op.String())
					}
					if armed && op.Kind == kind && op.After == after {
						armed, calls = false, nil
						return syscall.EIO
					}
					return nil
				})
				d := openDir(t, ft)
				o := testOptions()
				s, _, err := Create(d, o)
				if err != nil {
					t.Fatal(err)
				}
				for range 3 { // so that one byte more makes it long
					mustApply(t, s, &Edit{LastSeq: 10, LogAccepted: &LogAccepted{Identity: 3, Epoch: 1 << 40, End: 1 << 40}})
					for range 20 {
						mustApply(t, s, &Edit{DurableLSN: 3})
					}
				}
				s.o.rewriteBytesMin = c.min
				version := s.Version()
				armed = true
				first := c.call(s)
				if !errors.Is(first, syscall.EIO) || armed {
					t.Fatalf("%s, %v (after %v): %v", c.name, kind, after, first)
				}
				for range 2 {
					_, err := s.Apply(&Edit{DurableLSN: 6})
					_, errNumber := s.NextFileNumber()
					if err == nil || !strings.HasSuffix(first.Error(), err.Error()) || errNumber == nil || s.Err() == nil {
						t.Errorf("%s, %v: later %v, %v", c.name, kind, err, errNumber)
					}
				}
				if s.Version() != version {
					t.Error("the version is gone")
				}
				if err := s.Close(); err != nil {
					t.Errorf("%s, %v: Close: %v", c.name, kind, err)
				}
				if len(calls) > 0 {
					t.Errorf("%s, %v: afterwards %v", c.name, kind, calls)
				}
			}
		}
	}
}

// A full disk leaves what is written alone, and what can wait waits.
func TestRewriteWaitsForRoom(t *testing.T) {
	m := vfs.NewStrict(1)
	d := openDir(t, m)
	s := mustCreate(t, d)
	m.SetCapacity(400<<10, 0)
	s.o.rewriteBytesMin = 1
	for range 200 {
		mustApply(t, s, &Edit{DurableLSN: 1})
	}
	if n := s.Metrics().Rewrites; n != 0 {
		t.Errorf("%d rewrites", n)
	}
	m.SetCapacity(0, 0)
	mustApply(t, s, &Edit{DurableLSN: 1})
	if n := s.Metrics().Rewrites; n != 1 {
		t.Errorf("%d rewrites", n)
	}
	mustClose(t, s)
}

// What cannot be removed is reported by Close, and harms nothing.
func TestObsoleteManifestThatCannotBeRemoved(t *testing.T) {
	ft := vfs.NewFault(vfs.NewStrict(1), func(op vfs.Op) error {
		if op.Kind == vfs.OpRemove && op.Name == liveName {
			return syscall.EACCES
		}
		return nil
	})
	s := mustCreate(t, openDir(t, ft))
	s.o.rewriteBytesMin = 1
	for range 20 {
		mustApply(t, s, &Edit{LogAccepted: &LogAccepted{Identity: 3, Epoch: 1 << 40}})
	}
	if s.State().Manifest == 1 {
		t.Fatal("not rewritten")
	}
	if err := s.Close(); !errors.Is(err, syscall.EACCES) {
		t.Error(err)
	}
}
