package command

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/varvekv/varve/bench/internal/engine"
	"github.com/varvekv/varve/bench/internal/mapengine"
)

func TestEveryFormGoesToItsFile(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	if err := os.WriteFile(path("r.csv"), []byte("from an earlier run, and longer than any report: "+strings.Repeat("x", 1<<20)), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errs := run(t, mapengine.Open, small("--workloads", "a", "--json", path("r.json"), "--csv", path("r.csv"),
		"--benchstat", path("r.txt"), "--ycsb", path("r.ycsb"), "--hdr", path("hdr"))...)
	if code != exitOK {
		t.Fatal(errs)
	}
	if !strings.Contains(out, "p99.9") {
		t.Errorf("no table:\n%s", out)
	}
	for name, want := range map[string]string{
		"r.json": `"operations"`, "r.csv": ",A,update,", "r.txt": "\nBenchmarkYCSB/A/read-", "r.ycsb": "\n[UPDATE], Return=OK, ",
		"hdr/A-read.hgrm": "#[Max", "hdr/A.hlog": "Tag=update,", "hdr/load-insert.hgrm": "#[Mean",
	} {
		if text, err := os.ReadFile(path(name)); err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%s: %v, %q is not in\n%.300s", name, err, want, text)
		}
	}
	text, err := os.ReadFile(path("r.csv"))
	if err != nil {
		t.Fatal(err)
	}
	if lines, err := csv.NewReader(strings.NewReader(string(text))).ReadAll(); err != nil || len(lines) != 4 {
		t.Errorf("%d lines, %v", len(lines), err)
	}
}

func TestOneFormTakesStdout(t *testing.T) {
	code, out, errs := run(t, mapengine.Open, small("--workloads", "c", "--ycsb", "-")...)
	if code != exitOK {
		t.Fatal(errs)
	}
	if !strings.HasPrefix(out, "Workload: load") || !strings.Contains(out, "[READ], Operations, 300\n") || strings.Contains(out, "│") {
		t.Errorf("%s", out)
	}
	if !strings.Contains(errs, "ops/s") {
		t.Errorf("no progress on stderr: %q", errs)
	}
}

// A form that cannot be written once the run is over hides neither the table nor
// the other forms.
func TestAFileThatCannotBeWritten(t *testing.T) {
	dir := t.TempDir()
	gone := filepath.Join(dir, "gone")
	if err := os.Mkdir(gone, 0o700); err != nil {
		t.Fatal(err)
	}
	open := func(o engine.Options) (engine.Engine, error) {
		os.RemoveAll(gone)
		return mapengine.Open(o)
	}
	csvFile := filepath.Join(dir, "r.csv")
	code, out, errs := run(t, open, small("--workloads", "c", "--json", filepath.Join(gone, "r.json"), "--csv", csvFile)...)
	if code != exitFailed || !strings.Contains(errs, gone) || !strings.Contains(out, "p99.9") {
		t.Errorf("code %d: %s\n%s", code, errs, out)
	}
	if _, err := os.Stat(csvFile); err != nil {
		t.Error(err)
	}
}

func TestATargetShowsLatenciesAsScheduled(t *testing.T) {
	for _, args := range [][]string{
		small("--workloads", "a", "--target", "100000"), small("--workloads", "a", "-p", "target=100000"),
		small("--workloads", "load", "--target", "100000"),
		{"rows", "--rows", "readrandom,tail", "--target", "100000", "--records", "500", "--operations", "300", "--duration", "0", "--value-size", "100"},
	} {
		code, out, errs := run(t, mapengine.Open, args...)
		if code != exitOK {
			t.Fatal(errs)
		}
		if !strings.Contains(out, "│   as scheduled ") || !strings.Contains(out, ": 100,000 ops/s were scheduled") || !strings.Contains(out, "target=100,000") {
			t.Errorf("%v:\n%s", args, out)
		}
		if scheduled := strings.Contains(out, "load: 100,000 ops/s"); scheduled != slices.Contains(args, "load") {
			t.Errorf("%v: load by a schedule: %v", args, scheduled)
		}
	}
	if _, out, _ := run(t, mapengine.Open, small("--workloads", "a")...); strings.Contains(out, "scheduled") {
		t.Errorf("a closed loop tells of a schedule:\n%s", out)
	}
}

func TestSyncedWritesBringTheProbe(t *testing.T) {
	for _, c := range []struct {
		args  []string
		probe bool
	}{
		{small("--workloads", "load"), false},
		{small("--workloads", "load", "--probe"), true},
		{small("--workloads", "load", "--durability", "synced"), true},
		{small("--workloads", "load", "--durability", "synced", "--probe=false"), false},
		{small("--workloads", "load", "-p", "varve.probe=true"), true},
		{[]string{"rows", "--records", "100", "--value-size", "100", "--rows", "fillseq"}, false},
		{[]string{"rows", "--records", "100", "--value-size", "100", "--rows", "fillsync-1"}, true},
	} {
		code, out, errs := run(t, mapengine.Open, c.args...)
		if code != exitOK {
			t.Fatal(errs)
		}
		if got := strings.Contains(out, "flushing them takes"); got != c.probe {
			t.Errorf("%v: probed %v, want %v", c.args, got, c.probe)
		}
	}
}
