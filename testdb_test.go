package varve

// The desk that tests of one behaviour share: a database over a file system in
// memory, keys that tell where they come from, and waits that end.

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/varvekv/varve/internal/filename"
	"github.com/varvekv/varve/internal/offheap"
	"github.com/varvekv/varve/vfs"
)

// patience is how long a test waits for what takes milliseconds before it calls
// that a hang.
const patience = 10 * time.Second

// smallOptions make memtables so small that a few hundred keys fill one.
func smallOptions(fs vfs.FS) *Options {
	return &Options{FS: fs, MemtableBytes: memtableBytesMin, CacheBytes: 1 << 20, Durability: Buffered, Compactions: 1}
}

func openSmall(t *testing.T, o *Options) *DB {
	t.Helper()
	db, err := Open("db", o)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// closeClean checks and closes a database that nothing went wrong with, and
// finds what it left open.
func closeClean(t *testing.T, db *DB, fs *vfs.Strict) {
	t.Helper()
	if err := db.Check(t.Context()); err != nil {
		t.Errorf("check: %v", err)
	}
	if err := within(t, "Close", db.Close); err != nil {
		t.Errorf("close: %v", err)
	}
	nothingHeld(t, fs)
}

// closePoisoned closes a database whose log has stopped.
func closePoisoned(t *testing.T, db *DB, fs *vfs.Strict) {
	t.Helper()
	if err := within(t, "Close", db.Close); !errors.Is(err, ErrPoisoned) {
		t.Errorf("close: %v, want ErrPoisoned", err)
	}
	nothingHeld(t, fs)
}

func nothingHeld(t *testing.T, fs *vfs.Strict) {
	t.Helper()
	if h := fs.Handles(); len(h) > 0 {
		t.Errorf("left open: %v", h)
	}
	if n := offheap.Live(); n != 0 {
		t.Errorf("left mapped: %d bytes", n)
	}
}

// put writes keys prefix-0000 and on, each with a value that names it.
func put(t *testing.T, w Writer, prefix string, count int) {
	t.Helper()
	for i := range count {
		if err := w.Put(keyOf(prefix, i), valueOf(prefix, i)); err != nil {
			t.Fatalf("put %s %d: %v", prefix, i, err)
		}
	}
}

func keyOf(prefix string, i int) []byte   { return fmt.Appendf(nil, "%s-%04d", prefix, i) }
func valueOf(prefix string, i int) []byte { return bytes.Repeat(keyOf(prefix, i), 30) }

// expect reads back what put wrote.
func expect(t *testing.T, r Reader, prefix string, count int) {
	t.Helper()
	for i := range count {
		if v, err := r.Get(keyOf(prefix, i)); err != nil || !bytes.Equal(v, valueOf(prefix, i)) {
			t.Fatalf("get %s %d: %d bytes, %v", prefix, i, len(v), err)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// start runs f beside the test.
func start(f func() error) <-chan error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	return done
}

// within fails the test when f does not return.
func within(t *testing.T, what string, f func() error) error {
	t.Helper()
	return await(t, what, start(f))
}

// await is a receive that gives up, with everybody's stack.
func await[T any](t *testing.T, what string, c <-chan T) (v T) {
	t.Helper()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case v = <-c:
	case <-timer.C:
		stacks := make([]byte, 1<<20)
		t.Fatalf("hangs: %s\n%s", what, stacks[:runtime.Stack(stacks, true)])
	}
	return v
}

// until looks again and again for what somebody else is about to do.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); !holds(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

// gate holds the first who comes to it, and who comes meanwhile, until it is opened.
type gate struct {
	once            sync.Once
	reached, opened chan struct{}
}

func newGate() *gate { return &gate{reached: make(chan struct{}), opened: make(chan struct{})} }

func (g *gate) pass() {
	g.once.Do(func() {
		close(g.reached)
		<-g.opened
	})
}

func isTable(op vfs.Op) bool    { return strings.HasSuffix(op.Name, ".sst") }
func isLog(op vfs.Op) bool      { return strings.HasSuffix(op.Name, ".log") }
func isManifest(op vfs.Op) bool { return strings.HasPrefix(op.Name, "MANIFEST-") }

// inDir gives f the database's directory behind the engine's back.
func inDir(t *testing.T, fs vfs.FS, f func(d vfs.Dir) error) {
	t.Helper()
	d, err := fs.OpenDir("db", true)
	must(t, err)
	must(t, errors.Join(f(d), d.Close()))
}

// filesOf lists the files of one kind.
func filesOf(t *testing.T, fs vfs.FS, kind filename.Kind) (names []string) {
	t.Helper()
	inDir(t, fs, func(d vfs.Dir) error {
		all, err := d.List()
		for _, name := range all {
			if k, _ := filename.Parse(name); k == kind {
				names = append(names, name)
			}
		}
		return err
	})
	return names
}

// removeFiles loses all files of one kind.
func removeFiles(t *testing.T, fs vfs.FS, kind filename.Kind) {
	t.Helper()
	for _, name := range filesOf(t, fs, kind) {
		inDir(t, fs, func(d vfs.Dir) error { return d.Remove(name) })
	}
}

// flip turns one bit of a file; at is given the content and says where.
func flip(t *testing.T, fs vfs.FS, name string, at func(p []byte) int) {
	t.Helper()
	inDir(t, fs, func(d vfs.Dir) error {
		f, err := d.OpenReadWrite(name)
		if err != nil {
			return err
		}
		size, err := f.Size()
		p := make([]byte, size)
		if _, rerr := f.ReadAt(p, 0); err == nil && rerr != io.EOF {
			err = rerr
		}
		i := at(p)
		_, werr := f.WriteAt([]byte{p[i] ^ 1}, int64(i))
		return errors.Join(err, werr, f.Sync(), f.Close())
	})
}

// damageLastEdit makes the newest edit of the manifest look torn.
func damageLastEdit(t *testing.T, fs vfs.FS) {
	t.Helper()
	names := filesOf(t, fs, filename.Manifest)
	flip(t, fs, names[len(names)-1], func(p []byte) int { return len(bytes.TrimRight(p, "\x00")) - 3 })
}

// create puts a file of the test's own into the directory.
func create(t *testing.T, fs vfs.FS, name string) {
	t.Helper()
	inDir(t, fs, func(d vfs.Dir) error {
		f, err := d.Create(name)
		if err != nil {
			return err
		}
		_, err = f.WriteAt([]byte("not ours"), 0)
		return errors.Join(err, f.Sync(), f.Close(), d.Sync())
	})
}
