package hdrfile

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/varvekv/varve/bench/internal/driver"
	"github.com/varvekv/varve/bench/internal/measure"
)

func histogram(latencies ...time.Duration) *measure.Histogram {
	h := measure.NewHistogram()
	for _, l := range latencies {
		h.Record(int64(l))
	}
	return h
}

func names(t *testing.T, dir string) (list []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

func TestAPhaseLeavesItsFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new")
	d, err := NewDir(path)
	if err != nil {
		t.Fatal(err)
	}
	kinds := []string{"read", "read modify", "scan"}
	start := time.Unix(1_700_000_000, 0)
	p, err := d.Begin("A", kinds, start)
	if err != nil {
		t.Fatal(err)
	}
	p.Interval(0, 0, histogram(time.Millisecond, 2*time.Millisecond))
	p.Interval(2, 1, histogram(time.Second))
	empty := measure.NewHistogram()
	if err := p.End(&driver.Result{
		Kinds:    kinds,
		Latency:  []*measure.Histogram{histogram(time.Millisecond), histogram(time.Second), empty},
		Intended: []*measure.Histogram{histogram(3 * time.Millisecond), empty, empty},
	}); err != nil {
		t.Fatal(err)
	}
	want := []string{"A-read-intended.hgrm", "A-read.hgrm", "A-read_modify.hgrm", "A.hlog"}
	if got := names(t, path); !slices.Equal(got, want) {
		t.Errorf("files %v, want %v", got, want)
	}
	checkLog(t, filepath.Join(path, "A.hlog"))

	text, err := os.ReadFile(filepath.Join(path, "A-read.hgrm"))
	if err != nil || !strings.Contains(string(text), "1000.") || !strings.Contains(string(text), "#[Mean") {
		t.Errorf("%v\n%s", err, text)
	}
}

// checkLog reads the log by HdrHistogram's own reader.
func checkLog(t *testing.T, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r := hdrhistogram.NewHistogramLogReader(bytes.NewReader(text))
	for i, want := range []struct {
		tag    string
		count  int64
		begins int64
		max    time.Duration
	}{{"read", 2, 0, 2 * time.Millisecond}, {"read_modify", 1, 2000, time.Second}} {
		h, err := r.NextIntervalHistogram()
		if err != nil || h == nil {
			t.Fatalf("interval %d: %v, %v\n%s", i, h, err, text)
		}
		if h.Tag() != want.tag || h.TotalCount() != want.count || h.StartTimeMs()-1_700_000_000_000 != want.begins {
			t.Errorf("interval %d: tag %s, %d values, at %d", i, h.Tag(), h.TotalCount(), h.StartTimeMs())
		}
		if m := time.Duration(h.Max()); m < want.max || float64(m) > 1.002*float64(want.max) {
			t.Errorf("interval %d: max %v, want %v", i, m, want.max)
		}
	}
	if h, err := r.NextIntervalHistogram(); h != nil || err != nil {
		t.Errorf("one interval more: %v, %v", h, err)
	}
}

func TestAPhaseMayRunTwiceAndFail(t *testing.T) {
	path := t.TempDir()
	d, err := NewDir(path)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		p, err := d.Begin("fill/sync 1", []string{"put"}, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if err := p.End(nil); err != nil {
			t.Fatal(err)
		}
	}
	if got := names(t, path); !slices.Equal(got, []string{"fill_sync_1-2.hlog", "fill_sync_1.hlog"}) {
		t.Errorf("files %v", got)
	}
}

func TestADirectoryThatCannotBeMade(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := NewDir(path); err == nil {
		t.Error("no error")
	}
	d, err := NewDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	os.Remove(d.path)
	if _, err := d.Begin("A", nil, time.Now()); err == nil {
		t.Error("no error")
	}
}
