package vfs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"
)

// rooms are the file systems that must behave alike, each with a directory path
// that does not exist yet.
func rooms(t *testing.T) map[string]func(*testing.T) (FS, string) {
	pass := func(Op) error { return nil }
	return map[string]func(*testing.T) (FS, string){
		"OS":          func(t *testing.T) (FS, string) { return OS, filepath.Join(t.TempDir(), "a", "db") },
		"Strict":      func(t *testing.T) (FS, string) { return leakChecked(t, NewStrict(1)), "/a/db" },
		"StrictImage": func(t *testing.T) (FS, string) { return leakChecked(t, NewStrict(1).CrashImage(nil)), "/a/db" },
		"FaultOS": func(t *testing.T) (FS, string) {
			return NewFault(OS, pass), filepath.Join(t.TempDir(), "a", "db")
		},
		"FaultStrict": func(t *testing.T) (FS, string) { return NewFault(leakChecked(t, NewStrict(1)), pass), "a/db" },
	}
}

func leakChecked(t *testing.T, s *Strict) *Strict {
	t.Cleanup(func() {
		if h := s.Handles(); len(h) > 0 {
			t.Errorf("left open: %v", h)
		}
	})
	return s
}

// everywhere runs one behaviour over every file system.
func everywhere(t *testing.T, f func(t *testing.T, fsys FS, d Dir)) {
	for name, room := range rooms(t) {
		t.Run(name, func(t *testing.T) {
			fsys, path := room(t)
			d, err := fsys.OpenDir(path, true)
			if err != nil {
				t.Fatal(err)
			}
			defer closeIt(t, d)
			f(t, fsys, d)
		})
	}
}

func closeIt(t *testing.T, c io.Closer) {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

func must[T any](v T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantErr(t *testing.T, got, want error, names ...string) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Fatalf("error %v, want %v", got, want)
	}
	for _, name := range names {
		if !bytes.Contains([]byte(got.Error()), []byte(name)) {
			t.Fatalf("error %q does not name %q", got, name)
		}
	}
}

// put writes a synced file.
func put(t *testing.T, d Dir, name, data string) {
	t.Helper()
	f := must(d.Create(name))(t)
	defer closeIt(t, f)
	must(f.WriteAt([]byte(data), 0))(t)
	check(t, f.Sync())
}

func get(t *testing.T, d Dir, name string) string {
	t.Helper()
	f := must(d.Open(name))(t)
	defer closeIt(t, f)
	p := make([]byte, must(f.Size())(t))
	if n, err := f.ReadAt(p, 0); err != nil && err != io.EOF || n != len(p) {
		t.Fatalf("read %s: %d of %d, %v", name, n, len(p), err)
	}
	return string(p)
}

func TestOpenDirMissing(t *testing.T) {
	for name, room := range rooms(t) {
		t.Run(name, func(t *testing.T) {
			fsys, path := room(t)
			_, err := fsys.OpenDir(path, false)
			wantErr(t, err, fs.ErrNotExist, "db")
			d := must(fsys.OpenDir(filepath.Dir(path), true))(t)
			put(t, d, "db", "in the way")
			for _, create := range []bool{false, true} {
				for _, p := range []string{path, filepath.Join(path, "below")} {
					if _, err = fsys.OpenDir(p, create); err == nil {
						t.Fatalf("opened the file %s as a directory", p)
					}
				}
			}
			if d.Path() != filepath.Dir(path) {
				t.Fatalf("path %q", d.Path())
			}
			check(t, d.Close())
			check(t, d.Close())
			_, err = d.Create("x")
			wantErr(t, err, fs.ErrClosed)
			_, err = d.List()
			wantErr(t, err, fs.ErrClosed)
			_, err = d.Lock("LOCK", false)
			wantErr(t, err, fs.ErrClosed)
			if err := d.Sync(); err == nil {
				t.Fatal("synced a closed directory")
			}
		})
	}
}

func TestReadWrite(t *testing.T) {
	everywhere(t, func(t *testing.T, _ FS, d Dir) {
		f := must(d.Create("f"))(t)
		if f.Name() != "f" {
			t.Fatalf("name %q", f.Name())
		}
		must(f.WriteAt([]byte("hello"), 1000))(t)
		if n := must(f.Size())(t); n != 1005 {
			t.Fatalf("size %d", n)
		}
		p := make([]byte, 10)
		if n, err := f.ReadAt(p, 998); n != 7 || err != io.EOF || string(p[:n]) != "\x00\x00hello" {
			t.Fatalf("%d %v %q", n, err, p[:n])
		}
		if n, err := f.ReadAt(p[:5], 1000); n != 5 || err != nil && err != io.EOF {
			t.Fatalf("%d %v", n, err)
		}
		if n, err := f.ReadAt(p, 5000); n != 0 || err != io.EOF {
			t.Fatalf("%d %v", n, err)
		}
		if n, err := f.WriteAt(nil, 5000); n != 0 || err != nil || must(f.Size())(t) != 1005 {
			t.Fatalf("empty write: %d %v", n, err)
		}
		if _, err := f.ReadAt(p, -1); err == nil || err == io.EOF {
			t.Fatalf("read at -1: %v", err)
		}
		if _, err := f.WriteAt(p, -1); err == nil {
			t.Fatal("wrote at -1")
		}
		if f.Truncate(-1) == nil {
			t.Fatal("truncated to -1")
		}
		check(t, f.StartWriteback(0, 1005))
		check(t, f.SyncData())
		check(t, f.Sync())
		must(WriteAtSync(f, []byte("J"), 1000))(t)
		check(t, f.Close())
		wantErr(t, f.Close(), fs.ErrClosed)
		_, err := f.ReadAt(p, 0)
		wantErr(t, err, fs.ErrClosed)
		_, err = f.WriteAt(p, 0)
		wantErr(t, err, fs.ErrClosed)
		_, err = WriteAtSync(f, p, 0)
		wantErr(t, err, fs.ErrClosed)
		wantErr(t, f.Sync(), fs.ErrClosed)
		wantErr(t, f.SyncData(), fs.ErrClosed)
		_, err = f.Size()
		wantErr(t, err, fs.ErrClosed)
		if s := get(t, d, "f"); s[1000:] != "Jello" {
			t.Fatalf("%q", s)
		}
	})
}

// TestRandomAccess plays random writes and truncations against a byte slice.
func TestRandomAccess(t *testing.T) {
	everywhere(t, func(t *testing.T, _ FS, d Dir) {
		r := rand.New(rand.NewPCG(7, 7))
		f := must(d.Create("f"))(t)
		defer closeIt(t, f)
		var want []byte
		for range 400 {
			off := r.IntN(6000)
			switch r.IntN(6) {
			case 0:
				want = append(want[:min(len(want), off):min(len(want), off)], make([]byte, max(0, off-len(want)))...)
				check(t, f.Truncate(int64(off)))
			case 1:
				check(t, f.Sync())
			default:
				p := bytes.Repeat([]byte{byte(r.IntN(3))}, 1+r.IntN(2000))
				want = append(want, make([]byte, max(0, off+len(p)-len(want)))...)
				copy(want[off:], p)
				if r.IntN(4) == 0 {
					must(WriteAtSync(f, p, int64(off)))(t)
				} else {
					must(f.WriteAt(p, int64(off)))(t)
				}
			}
		}
		if got := get(t, d, "f"); got != string(want) {
			t.Fatal("contents differ")
		}
	})
}

func TestNames(t *testing.T) {
	everywhere(t, func(t *testing.T, _ FS, d Dir) {
		put(t, d, "good", "x")
		for _, bad := range []string{"", ".", "..", "a/b", "../x", "/etc/passwd", `a\b`, "a:b", "a\x00b"} {
			_, e1 := d.Create(bad)
			_, e2 := d.Open(bad)
			_, e3 := d.OpenReadWrite(bad)
			_, e4 := d.Stat(bad)
			_, e5 := d.Lock(bad, false)
			for i, err := range []error{e1, e2, e3, e4, e5, d.Remove(bad), d.Rename(bad, "y"), d.Rename("good", bad), d.Link("good", d, bad), d.Link(bad, d, "y")} {
				if err == nil {
					t.Fatalf("%q went through call %d", bad, i)
				}
			}
		}
		if got := must(d.List())(t); !slices.Equal(got, []string{"good"}) {
			t.Fatalf("%q", got)
		}
	})
}

func TestEntries(t *testing.T) {
	everywhere(t, func(t *testing.T, fsys FS, d Dir) {
		for _, name := range []string{"b", "a", "c"} {
			put(t, d, name, name)
		}
		closeIt(t, must(fsys.OpenDir(filepath.Join(d.Path(), "sub"), true))(t))
		_, err := d.Create("a")
		wantErr(t, err, fs.ErrExist, "a", d.Path())
		if get(t, d, "a") != "a" {
			t.Fatal("a refused creation changed the file")
		}
		for _, err := range []error{d.Remove("none"), d.Rename("none", "a"), d.Link("none", d, "x"), func() error { _, err := d.Open("none"); return err }(), func() error { _, err := d.OpenReadWrite("none"); return err }(), func() error { _, err := d.Stat("none"); return err }()} {
			wantErr(t, err, fs.ErrNotExist, "none", d.Path())
		}
		if got := must(d.List())(t); !slices.Equal(got, []string{"a", "b", "c"}) {
			t.Fatalf("%q", got)
		}
		check(t, d.Rename("a", "b")) // replaces
		check(t, d.Remove("c"))
		check(t, d.Sync())
		if got := must(d.List())(t); !slices.Equal(got, []string{"b"}) || get(t, d, "b") != "a" {
			t.Fatalf("%q", got)
		}
		if info := must(d.Stat("b"))(t); info.SizeBytes != 1 || !info.Mode.IsRegular() || info.Mode.Perm()&0o77 != 0 || info.ModTime.IsZero() {
			t.Fatalf("%+v", info)
		}
		for _, err := range []error{d.Remove("sub"), d.Rename("sub", "x"), d.Rename("b", "sub"), d.Link("sub", d, "x"), func() error { _, err := d.Create("sub"); return err }(), func() error { _, err := d.Open("sub"); return err }()} {
			if err == nil {
				t.Fatal("a directory was taken for a file")
			}
		}
		if free := must(d.FreeBytes())(t); free == 0 {
			t.Fatal("no space")
		}
	})
}

func TestReadHandleCannotWrite(t *testing.T) {
	everywhere(t, func(t *testing.T, _ FS, d Dir) {
		put(t, d, "f", "x")
		f := must(d.Open("f"))(t)
		defer closeIt(t, f)
		if _, err := f.WriteAt([]byte("y"), 0); err == nil {
			t.Fatal("wrote")
		}
		if f.Truncate(0) == nil {
			t.Fatal("truncated")
		}
		w := must(d.OpenReadWrite("f"))(t)
		defer closeIt(t, w)
		must(w.WriteAt([]byte("y"), 0))(t)
		if get(t, d, "f") != "y" {
			t.Fatal("not written")
		}
	})
}

func TestLinkAcrossDirectories(t *testing.T) {
	everywhere(t, func(t *testing.T, fsys FS, d Dir) {
		other := must(fsys.OpenDir(filepath.Join(filepath.Dir(d.Path()), "copy"), true))(t)
		defer closeIt(t, other)
		put(t, d, "f", "linked")
		check(t, d.Link("f", other, "g"))
		wantErr(t, d.Link("f", other, "g"), fs.ErrExist)
		check(t, d.Link("f", d, "f2"))
		check(t, d.Rename("f", "f2")) // two names of one file: POSIX leaves both
		if got := must(d.List())(t); len(got) != 2 && runtime.GOOS != "windows" {
			t.Fatalf("%q", got)
		}
		check(t, d.Rename("f2", "f"))
		check(t, d.Remove("f"))
		if get(t, other, "g") != "linked" {
			t.Fatal("lost with its first name")
		}
		foreign := must(NewStrict(9).OpenDir("/", true))(t)
		defer closeIt(t, foreign)
		if other.Link("g", foreign, "h") == nil {
			t.Fatal("linked into another file system")
		}
	})
}

func TestRemovedFileStaysReadable(t *testing.T) {
	everywhere(t, func(t *testing.T, _ FS, d Dir) {
		put(t, d, "f", "still here")
		f := must(d.Open("f"))(t)
		defer closeIt(t, f)
		check(t, d.Remove("f"))
		put(t, d, "f", "another")
		p := make([]byte, 10)
		if must(f.ReadAt(p, 0))(t); string(p) != "still here" {
			t.Fatalf("%q", p)
		}
	})
}

func TestLock(t *testing.T) {
	everywhere(t, func(t *testing.T, fsys FS, d Dir) {
		again := must(fsys.OpenDir(d.Path()+"/./", true))(t)
		defer closeIt(t, again)
		ex := must(d.Lock("LOCK", false))(t)
		for _, shared := range []bool{false, true} {
			for _, dir := range []Dir{d, again} {
				_, err := dir.Lock("LOCK", shared)
				wantErr(t, err, ErrLocked, "LOCK")
			}
		}
		closeIt(t, must(d.Lock("OTHER", false))(t))
		check(t, ex.Close())
		check(t, ex.Close())
		s1, s2 := must(d.Lock("LOCK", true))(t), must(again.Lock("LOCK", true))(t)
		_, err := d.Lock("LOCK", false)
		wantErr(t, err, ErrLocked)
		check(t, s1.Close())
		check(t, s1.Close())
		_, err = d.Lock("LOCK", false)
		wantErr(t, err, ErrLocked)
		check(t, s2.Close())
		closeIt(t, must(again.Lock("LOCK", false))(t))
		if got := must(d.List())(t); !slices.Contains(got, "LOCK") {
			t.Fatalf("%q", got)
		}
	})
}

// TestLockSurvivesOtherClose: POSIX locks are dropped when any descriptor of
// the file closes; ours must not be.
func TestLockSurvivesOtherClose(t *testing.T) {
	everywhere(t, func(t *testing.T, _ FS, d Dir) {
		ex := must(d.Lock("LOCK", false))(t)
		defer closeIt(t, ex)
		closeIt(t, must(d.OpenReadWrite("LOCK"))(t))
		_, err := d.Lock("LOCK", false)
		wantErr(t, err, ErrLocked)
	})
}

func TestConcurrentUse(t *testing.T) {
	everywhere(t, func(t *testing.T, _ FS, d Dir) {
		shared := must(d.Create("shared"))(t)
		defer closeIt(t, shared)
		var wg sync.WaitGroup
		for g := range 4 {
			wg.Add(1)
			go func() {
				defer wg.Done()
				name := fmt.Sprint("f", g)
				mine, p := bytes.Repeat([]byte{byte('a' + g)}, 700), make([]byte, 700)
				for i := range 25 {
					put(t, d, name, string(mine))
					must(shared.WriteAt(mine, int64(g*700)))(t)
					must(shared.ReadAt(p, int64(g*700)))(t)
					check(t, shared.SyncData())
					if !bytes.Equal(p, mine) || get(t, d, name) != string(mine) {
						t.Errorf("round %d: foreign bytes", i)
					}
					check(t, d.Rename(name, name+"x"))
					check(t, d.Remove(name+"x"))
				}
			}()
		}
		wg.Wait()
	})
}
