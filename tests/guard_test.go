package tests

import (
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/varvekv/varve"
	"github.com/varvekv/varve/vfs"
	"go.uber.org/goleak"
)

// guard makes the test fail when, at its end, it has left a goroutine, a
// descriptor or a mapping outside Go's heap that was not there at its begin.
// Call it first: clean-ups run last in, first out.
func guard(t *testing.T) {
	t.Helper()
	mapped, open := offHeap(), descriptors()
	ignore := goleak.IgnoreCurrent()
	t.Cleanup(func() {
		if t.Failed() {
			return // what failed explains what is left
		}
		if err := goleak.Find(ignore); err != nil {
			t.Errorf("goroutines left behind: %v", err)
		}
		if now := offHeap(); now != mapped {
			t.Errorf("%d bytes outside the heap left mapped", now-mapped)
		}
		if left := newDescriptors(open, descriptors()); len(left) > 0 {
			t.Errorf("descriptors left open: %s", strings.Join(left, ", "))
		}
	})
}

// offHeap is what varve has mapped outside Go's heap in this process. Any
// database tells it for all of them, while it is open: one that nobody uses
// stays open for that.
func offHeap() int64 { return idleDB().Metrics().Memory.OffHeap }

var idleDB = sync.OnceValue(func() *varve.DB {
	o := &varve.Options{FS: vfs.NewStrict(0), MemtableBytes: 64 << 10, CacheBytes: -1}
	db, err := varve.Open(worldDir, o)
	if err == nil {
		err = db.Close()
	}
	if err == nil {
		o.ReadOnly = true // with nothing going on in the background
		db, err = varve.Open(worldDir, o)
	}
	if err != nil {
		panic(err) // nothing can be tested then
	}
	return db
})

// limitOfTest is when a test of single calls counts as hung.
const limitOfTest = time.Minute

// descriptors is what each open descriptor of this process stands for.
// Only Linux tells; elsewhere it is empty.
func descriptors() map[string]string {
	const place = "/proc/self/fd"
	entries, err := os.ReadDir(place)
	if err != nil {
		return nil
	}
	open := make(map[string]string)
	for _, e := range entries {
		target, err := os.Readlink(place + "/" + e.Name())
		if err == nil && !strings.HasPrefix(target, "/proc/") && !strings.HasPrefix(target, "anon_inode") {
			open[e.Name()] = target
		}
	}
	return open
}

func newDescriptors(before, after map[string]string) []string {
	var left []string
	for fd, target := range after {
		if before[fd] != target {
			left = append(left, fd+" = "+target)
		}
	}
	return left
}

// noHandles fails the test when a file, directory or lock of fs is open.
func noHandles(t fataler, fs *vfs.Strict) {
	t.Helper()
	if left := fs.Handles(); len(left) > 0 {
		t.Fatalf("left open after Close: %s", strings.Join(left, ", "))
	}
}

// watchdog ends the process with all stacks when what it watches takes too
// long: a hang of the engine holds the test's own goroutine too.
func watchdog(limit time.Duration, what string) (stop func()) {
	timer := time.AfterFunc(limit, func() {
		fmt.Fprintf(os.Stderr, "HANG: %s took more than %v\n", what, limit)
		pprof.Lookup("goroutine").WriteTo(os.Stderr, 2)
		os.Exit(3)
	})
	return func() { timer.Stop() }
}

// fataler is what testing.T and rapid.T have in common that is used here.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
	Logf(format string, args ...any)
}

// onLinux skips what only Linux can show.
func onLinux(t *testing.T) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux shows this")
	}
}
