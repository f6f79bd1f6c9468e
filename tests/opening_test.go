package tests

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/varvekv/varve"
	"github.com/varvekv/varve/vfs"
)

// inAnotherProcess opens dir in a child and returns what it said.
func inAnotherProcess(t *testing.T, dir string, readOnly bool) string {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), roleVariable+"=open", childDir+"="+dir)
	if readOnly {
		cmd.Env = append(cmd.Env, childReadOnly+"=1")
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("the opening process: %v: %s", err, out)
	}
	return strings.TrimSpace(string(out))
}

// TestOneWriterPerDirectory tries every pair of openers, under every name of
// the directory, in this process and another.
func TestOneWriterPerDirectory(t *testing.T) {
	guard(t)
	parent := t.TempDir()
	dir := filepath.Join(parent, "db")
	writer, err := varve.Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	alias := filepath.Join(parent, "alias")
	if err := os.Symlink(dir, alias); err != nil {
		alias = dir
	}
	t.Chdir(parent)
	for _, name := range []string{dir, alias, "db", dir + "/../db/", "./db"} {
		for _, readOnly := range []bool{false, true} {
			if err := refuses(t, name, &varve.Options{ReadOnly: readOnly}, "db", "alias"); !errors.Is(err, varve.ErrLocked) {
				t.Errorf("a second opener of %s, ReadOnly %v: %v, want ErrLocked", name, readOnly, err)
			}
		}
	}
	for _, readOnly := range []bool{false, true} {
		if said := inAnotherProcess(t, dir, readOnly); said != "locked" {
			t.Errorf("another process, ReadOnly %v, beside a writer: %s", readOnly, said)
		}
	}
	if err := errors.Join(writer.Put([]byte("k"), []byte("v")), writer.Close()); err != nil {
		t.Fatalf("the first opener, after others were refused: %v", err)
	}
	if said := inAnotherProcess(t, dir, false); said != "opened" {
		t.Errorf("another process, after Close: %s", said)
	}
}

// TestReadersShareADirectory: any number of readers, no writer beside them.
func TestReadersShareADirectory(t *testing.T) {
	guard(t)
	dir := filepath.Join(t.TempDir(), "db")
	db, err := varve.Open(dir, nil)
	if err == nil {
		err = errors.Join(db.Put([]byte("k"), []byte("v")), db.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	var readers []*varve.DB
	for range 3 {
		r, err := varve.Open(dir, &varve.Options{ReadOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		readers = append(readers, r)
	}
	for i, r := range readers {
		if err := refuses(t, dir, nil); !errors.Is(err, varve.ErrLocked) {
			t.Errorf("a writer beside %d readers: %v", len(readers)-i, err)
		}
		if said := inAnotherProcess(t, dir, false); said != "locked" {
			t.Errorf("a writer of another process beside %d readers: %s", len(readers)-i, said)
		}
		if said := inAnotherProcess(t, dir, true); said != "opened" {
			t.Errorf("a reader of another process beside %d readers: %s", len(readers)-i, said)
		}
		if v, err := r.Get([]byte("k")); string(v) != "v" {
			t.Errorf("reader %d: %q, %v", i, v, err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	if said := inAnotherProcess(t, dir, false); said != "opened" {
		t.Errorf("another process, after all readers closed: %s", said)
	}
}

// TestOneOfManyOpenersWins has many open at once: the lock is taken once.
func TestOneOfManyOpenersWins(t *testing.T) {
	guard(t)
	for name, fs := range map[string]vfs.FS{"os": vfs.OS, "strict": vfs.NewStrict(1)} {
		dir := filepath.Join(t.TempDir(), "db")
		var wg sync.WaitGroup
		var held, most, won atomic.Int32
		for range 8 {
			wg.Add(1)
			go func() {
				defer wg.Done()
				for range 10 {
					db, err := varve.Open(dir, &varve.Options{FS: fs, MemtableBytes: 64 << 10, CacheBytes: -1})
					if errors.Is(err, varve.ErrLocked) {
						continue
					}
					if err != nil {
						t.Errorf("%s: %v", name, err)
						return
					}
					won.Add(1)
					if now := held.Add(1); now > most.Load() {
						most.Store(now)
					}
					held.Add(-1)
					if err := db.Close(); err != nil {
						t.Errorf("%s: %v", name, err)
					}
				}
			}()
		}
		wg.Wait()
		if most.Load() > 1 || won.Load() == 0 {
			t.Errorf("%s: %d had it open at once, %d of 80 opened", name, most.Load(), won.Load())
		}
	}
}

// TestOpenMakesPrivateFiles: directory 0700, files 0600.
func TestOpenMakesPrivateFiles(t *testing.T) {
	onLinux(t)
	guard(t)
	dir := filepath.Join(t.TempDir(), "a", "b", "db")
	db, err := varve.Open(dir, &varve.Options{MemtableBytes: 64 << 10, Archive: varve.ArchiveOptions{Dir: filepath.Join(dir, "..", "archive")}})
	if err != nil {
		t.Fatal(err)
	}
	for err := range sweep(db.Put([]byte("k"), []byte("v")), db.Flush(), db.Close()) {
		t.Fatal(err)
	}
	for _, d := range []string{dir, filepath.Join(dir, "..", "archive"), filepath.Join(dir, "..")} {
		info, err := os.Stat(d)
		if err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%s: %v, %v, want 0700", d, info.Mode(), err)
		}
		entries, err := os.ReadDir(d)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if info, err := e.Info(); err != nil || !e.IsDir() && info.Mode().Perm() != 0o600 {
				t.Errorf("%s/%s: %v, %v, want 0600", d, e.Name(), info.Mode(), err)
			}
		}
	}
}

// TestNoLinkLeadsOut: a link in the directory is neither followed nor replaced
// by what it points to.
func TestNoLinkLeadsOut(t *testing.T) {
	onLinux(t)
	guard(t)
	rng, _ := seeded(t)
	s := newSmallSpecimen(t, rng)
	for _, name := range s.files {
		dir := spill(t, s.all())
		outside := filepath.Join(t.TempDir(), "outside")
		data := s.read(name)
		if err := errors.Join(os.WriteFile(outside, data, 0o600), os.Remove(filepath.Join(dir, name)), os.Symlink(outside, filepath.Join(dir, name))); err != nil {
			t.Fatal(err)
		}
		db, err := varve.Open(dir, &varve.Options{MemtableBytes: 64 << 10})
		if err == nil {
			_, err = contents(db, s.led.keys, false)
			db.Close()
		}
		if err == nil {
			t.Errorf("%s is a link that leads out, and was followed", name)
		}
		if now, err := os.ReadFile(outside); err != nil || string(now) != string(data) {
			t.Errorf("%s: what the link leads to was changed: %v", name, err)
		}
	}
}
