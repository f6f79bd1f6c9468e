package show

import (
	"bytes"
	"flag"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/varvekv/varve/bench/compare/internal/child"
	"github.com/varvekv/varve/bench/compare/internal/peer"
	"github.com/varvekv/varve/bench/compare/internal/plan"
	"github.com/varvekv/varve/bench/compare/internal/results"
	"github.com/varvekv/varve/bench/compare/internal/summary"
	"github.com/varvekv/varve/bench/internal/host"
	"github.com/varvekv/varve/bench/internal/report"
)

var rewrite = flag.Bool("rewrite", false, "rewrite the golden files")

// example is a comparison with all that a table can show: two rounds, a load that
// was cut, a failed unit, one that has not run, an engine that was left out.
func example(t *testing.T) *summary.Summary {
	p := plan.Quick([]string{"varve", "pebble", "bbolt"})
	p.Rounds, p.Sizes = 2, []plan.Size{{Records: 200_000, ValueBytes: 100}}
	r := &results.Record{Plan: *p, Engines: []results.Engine{
		engineOf("varve", "", "buffered", "written", "synced"),
		engineOf("pebble", "v2.1.7", "buffered", "synced"),
		engineOf("bbolt", "v1.0.1-0.20220721030215-126854af5e6d", "buffered"),
	}}
	units, left := p.Expand(r.Promises)
	d, err := results.Create(t.TempDir(), r)
	if err != nil {
		t.Fatal(err)
	}
	for i := range units {
		if i == len(units)-1 {
			break // this one has not run
		}
		if err := d.Add(outcomeOf(&units[i], i)); err != nil {
			t.Fatal(err)
		}
	}
	return summary.Make(d, r, units, left)
}

func engineOf(name, version string, can ...string) results.Engine {
	e := results.Engine{Name: name, Version: version, Durability: map[string]string{}, Settings: map[peer.Profile][]peer.Setting{
		peer.Tuned: {{Name: "CacheBytes", Value: "256 MiB"}, {Name: "Own", Value: "of " + name}},
	}}
	for _, c := range can {
		e.Durability[c] = "what " + name + " calls " + c
	}
	return e
}

// outcomeOf is a made-up result: the i-th unit is so much slower than the first.
func outcomeOf(u *plan.Unit, i int) *results.Outcome {
	o := &results.Outcome{Schema: results.Schema, Unit: *u, Build: "b", Others: 0.42, Started: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)}
	if u.Engine == "bbolt" && u.Round == 2 {
		o.Error = "did not end in its time"
		return o
	}
	o.Result = &child.Result{Report: report.Report{
		Machine: host.Machine{CPU: "A processor", Cores: 2, MemoryBytes: 8 << 30, System: "linux/amd64", Kernel: "6.1", FileSystem: "ext4", Go: "go1.26"},
	}}
	if u.Engine == "pebble" && u.Round == 1 && u.Job.Name == "ycsb" {
		o.Report.Phases = []report.Phase{{Name: "settling", Settling: child.SettleMax}}
	}
	for _, name := range u.Job.Rows {
		o.Report.Phases = append(o.Report.Phases, phaseOf(name, u, float64(i+1)))
	}
	return o
}

func phaseOf(name string, u *plan.Unit, slower float64) report.Phase {
	k := report.Kind{
		Name: "call", P50: time.Duration(500 * slower), P99: time.Duration(9000 * slower),
		P999: time.Duration(2e6 * slower), Max: time.Duration(3e7 * slower),
		Percentiles: []report.Percentile{{Q: 0.5, Latency: 500}, {Q: 0.99, Latency: 9000}, {Q: 1, Latency: 3e7}},
	}
	p := report.Phase{
		Name: name, Units: 1e6, Elapsed: time.Second, Throughput: 1e6 / slower, Kinds: []report.Kind{k},
		UserBytes: 20 << 20, DiskBytes: int64(slower * (30 << 20)), TimedOut: u.Engine == "bbolt",
	}
	p.Usage.CPU, p.Usage.PeakRSSBytes = time.Duration(slower*1e9), int64(slower*(100<<20))
	p.Traffic.LogBytes = int64(slower * (40 << 20))
	return p
}

func TestGolden(t *testing.T) {
	s := example(t)
	for name, write := range map[string]func(io.Writer, *summary.Summary) error{
		"terminal.golden": Terminal, "markdown.golden": Markdown, "csv.golden": CSV, "json.golden": JSON,
	} {
		var got bytes.Buffer
		if err := write(&got, s); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		path := filepath.Join("testdata", name)
		if *rewrite {
			if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Bytes(), want) {
			t.Errorf("%s differs; after a look: go test ./internal/show -rewrite\n%s", name, got.Bytes())
		}
	}
}

func TestPicturesCanBeDrawn(t *testing.T) {
	pictures := Pictures(example(t))
	var names []string
	for _, p := range pictures {
		names = append(names, p.Name)
		var svg bytes.Buffer
		if err := p.Figure.WriteSVG(&svg); err != nil || !bytes.Contains(svg.Bytes(), []byte("varve")) {
			t.Errorf("%s: %v, %d bytes", p.Name, err, svg.Len())
		}
	}
	want := []string{
		"throughput-200000x100-tuned-ycsb", "latency-200000x100-tuned-ycsb-load",
		"throughput-200000x100-tuned-sync", "latency-200000x100-tuned-sync-fillsync-1",
	}
	if len(names) != len(want) {
		t.Fatalf("pictures %v, want %v", names, want)
	}
	for i := range want {
		if names[i] != want[i] {
			t.Errorf("picture %s, want %s", names[i], want[i])
		}
	}
}

func TestNothingHasRun(t *testing.T) {
	var b bytes.Buffer
	s := &summary.Summary{Record: &results.Record{Plan: *plan.Quick([]string{"varve"})}}
	if err := Terminal(&b, s); err != nil || !bytes.Contains(b.Bytes(), []byte("No unit has run.")) {
		t.Errorf("%v\n%s", err, b.Bytes())
	}
	if p := Pictures(s); len(p) != 0 {
		t.Errorf("%d pictures", len(p))
	}
}

// brokenWriter is a full disk.
type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, os.ErrClosed }

func TestFailedWritesAreTold(t *testing.T) {
	s := example(t)
	for name, write := range map[string]func(io.Writer, *summary.Summary) error{
		"terminal": Terminal, "markdown": Markdown, "csv": CSV, "json": JSON,
	} {
		if err := write(brokenWriter{}, s); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
