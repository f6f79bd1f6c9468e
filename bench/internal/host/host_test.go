package host

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

var sink []byte

func TestUsageOfAStretch(t *testing.T) {
	m := Start()
	sink = make([]byte, 32<<20)
	for i := range sink {
		sink[i] = byte(i)
	}
	u := m.Stop()
	if u.CPU < 0 || u.HeapBytes < 32<<20 || u.Allocations < 1 {
		t.Errorf("usage %+v", u)
	}
	if runtime.GOOS == "linux" && (u.RSSBytes < 32<<20 || u.PeakRSSBytes < u.RSSBytes) {
		t.Errorf("resident %d, peak %d", u.RSSBytes, u.PeakRSSBytes)
	}
}

func TestDiskBytes(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "a", "b"), 0o700); err != nil {
		t.Fatal(err)
	}
	const each = 64 << 10
	for _, name := range []string{"x", "a/y", "a/b/z"} {
		if err := os.WriteFile(filepath.Join(dir, name), make([]byte, each), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := DiskBytes(dir)
	if err != nil || got < 0 || got > 4*each {
		t.Fatalf("%d, %v", got, err)
	}
	if got, err := DiskBytes(filepath.Join(dir, "missing")); got != 0 || err != nil {
		t.Fatalf("missing directory: %d, %v", got, err)
	}
}

func TestDescribe(t *testing.T) {
	m := Describe(t.TempDir())
	if m.Cores < 1 || m.Go == "" || m.System == "" {
		t.Errorf("%+v", m)
	}
	if runtime.GOOS == "linux" && (m.MemoryBytes == 0 || m.Kernel == "" || m.FileSystem == "") {
		t.Errorf("%+v", m)
	}
}

func TestProbeFlushLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	c, err := ProbeFlush(dir, 20*time.Millisecond)
	if err != nil || c.Flushes < 1 || c.Median <= 0 || c.P99 < c.Median {
		t.Fatalf("%+v, %v", c, err)
	}
	if names, _ := os.ReadDir(dir); len(names) != 0 {
		t.Errorf("left %v", names)
	}
}
