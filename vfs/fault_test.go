package vfs

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// script makes every kind of call once; it stops at the first error, and closes
// what it opened.
func script(fsys FS) (err error) {
	var open []interface{ Close() error }
	defer func() {
		for _, c := range slices.Backward(open) {
			err = errors.Join(err, c.Close())
		}
	}()
	d, err := fsys.OpenDir("/db", true)
	if err != nil {
		return err
	}
	open = append(open, d)
	lock, err := d.Lock("LOCK", false)
	if err != nil {
		return err
	}
	open = append(open, lock)
	f, err := d.Create("f")
	if err != nil {
		return err
	}
	open = append(open, f)
	n, size, p := 0, int64(0), make([]byte, 2)
	steps := []func() error{
		func() error { n, err = f.WriteAt([]byte("abcd"), 0); return err },
		func() error { _, err := WriteAtSync(f, []byte("efgh"), 4); return err },
		func() error { _, err := f.ReadAt(p, 0); return err },
		f.Sync, f.SyncData,
		func() error { return f.StartWriteback(0, 4) },
		func() error { size, err = f.Size(); return err },
		func() error { return f.Truncate(2) },
		func() error { return d.Rename("f", "g") },
		func() error { return d.Link("g", d, "h") },
		func() error { return d.Remove("g") },
		d.Sync,
		func() error { _, err := d.List(); return err },
		func() error { _, err := d.Stat("h"); return err },
		func() error { _, err := d.FreeBytes(); return err },
		func() error { g, err := d.Open("h"); return errors.Join(err, closeMaybe(g)) },
		func() error { g, err := d.OpenReadWrite("h"); return errors.Join(err, closeMaybe(g)) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	if n != 4 || size != 8 {
		return fmt.Errorf("wrote %d of %d", n, size)
	}
	return nil
}

func closeMaybe(f File) error {
	if f == nil {
		return nil
	}
	return f.Close()
}

func TestFaultSeesEveryKind(t *testing.T) {
	seen := map[OpKind]int{}
	var last uint64
	f := NewFault(NewStrict(1), func(op Op) error {
		seen[op.Kind]++
		last = op.Index
		if op.Dir != "/db" || !strings.Contains(op.String(), op.Kind.String()) {
			t.Errorf("%+v %s", op, op)
		}
		return nil
	})
	check(t, script(f))
	for k := OpOpenDir; k <= OpClose; k++ {
		if seen[k] == 0 || seen[k]%2 != 0 || strings.HasPrefix(k.String(), "OpKind") {
			t.Errorf("%v was seen %d times", k, seen[k])
		}
	}
	if f.Ops() != last+1 {
		t.Errorf("%d calls, last index %d", f.Ops(), last)
	}
}

// TestEveryCallFails injects at every call, on both sides, once and for good:
// the error arrives, names the file, and nothing stays open.
func TestEveryCallFails(t *testing.T) {
	count := NewFault(NewStrict(1), func(Op) error { return nil })
	check(t, script(count))
	for n := range count.Ops() {
		for _, side := range []Side{Before, After} {
			for _, span := range []Span{Once, ForGood} {
				s := NewStrict(1)
				inject, struck := Plan{Nth: n, Side: side, Span: span, Err: syscall.EIO}.Inject()
				err := script(NewFault(s, inject))
				wantErr(t, err, syscall.EIO, "db")
				if !struck() {
					t.Fatalf("call %d was not struck", n)
				}
				if h := s.Handles(); len(h) > 0 {
					t.Fatalf("call %d, side %d: left open %v", n, side, h)
				}
			}
		}
	}
}

func TestBeforeHasNoEffectAfterHas(t *testing.T) {
	for _, side := range []Side{Before, After} {
		s, d := strictDB(t)
		put(t, d, "old", "1")
		match := func(op Op) bool { return op.Kind == OpRename }
		inject, _ := Plan{Side: side, Err: syscall.EIO, Match: match}.Inject()
		fd := must(NewFault(s, inject).OpenDir("/db", false))(t)
		wantErr(t, fd.Rename("old", "new"), syscall.EIO, "/db/old", "rename")
		check(t, fd.Close())
		want := map[Side]string{Before: "old=1", After: "new=1"}[side]
		if got := listing(t)(d); got != want {
			t.Fatalf("side %d left %q", side, got)
		}
	}
}

func TestShortWrite(t *testing.T) {
	s, d := strictDB(t)
	armed := true
	fault := NewFault(s, func(op Op) error {
		if armed && (op.Kind == OpWrite || op.Kind == OpRead) && !op.After {
			return ErrShortWrite
		}
		return nil
	})
	fd := must(fault.OpenDir("/db", false))(t)
	defer closeIt(t, fd)
	f := must(fd.Create("f"))(t)
	defer closeIt(t, f)
	n, err := f.WriteAt([]byte("abcdef"), 0)
	wantErr(t, err, syscall.ENOSPC, "/db/f")
	if n != 3 || get(t, d, "f") != "abc" {
		t.Fatalf("%d written, %q", n, get(t, d, "f"))
	}
	p := make([]byte, 2)
	n, err = f.ReadAt(p, 0)
	if wantErr(t, err, syscall.EIO); n != 1 {
		t.Fatalf("%d read", n)
	}
	armed = false
	must(f.WriteAt([]byte("abcdef"), 0))(t)
}

func TestLyingDisk(t *testing.T) {
	s, d := strictDB(t)
	put(t, d, "f", "old")
	check(t, d.Sync())
	lie := func(op Op) error {
		switch {
		case op.Kind == OpSync && !op.After:
			return ErrDropped
		case op.Kind == OpRead && op.After:
			return ErrFlipped
		case op.Kind == OpCreate && !op.After:
			return ErrDropped // cannot be dropped: it fails
		}
		return nil
	}
	fd := must(NewFault(s, lie).OpenDir("/db", false))(t)
	defer closeIt(t, fd)
	_, err := fd.Create("g")
	wantErr(t, err, ErrDropped)
	f := must(fd.OpenReadWrite("f"))(t)
	defer closeIt(t, f)
	must(f.WriteAt([]byte("new"), 0))(t)
	check(t, f.Sync())
	if got := get(t, look(t, s.CrashImageStrict()), "f"); got != "old" {
		t.Fatalf("a dropped sync kept %q", got)
	}
	p := make([]byte, 3)
	if must(f.ReadAt(p, 0))(t); string(p) == "new" {
		t.Fatal("no bit was flipped")
	}
}

func TestForGoodStillCloses(t *testing.T) {
	s, _ := strictDB(t)
	fault := NewFault(s, FailFrom(2, syscall.EIO))
	fd := must(fault.OpenDir("/db", false))(t)
	f := must(fd.Create("f"))(t)
	for range 3 {
		_, err := f.WriteAt([]byte("x"), 0)
		wantErr(t, err, syscall.EIO)
	}
	check(t, f.Close())
	check(t, fd.Close())
	wantErr(t, fd.Sync(), syscall.EIO)
	wantErr(t, f.Close(), fs.ErrClosed)
}
