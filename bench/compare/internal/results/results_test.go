package results

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/varvekv/varve/bench/compare/internal/child"
	"github.com/varvekv/varve/bench/compare/internal/peer"
	"github.com/varvekv/varve/bench/compare/internal/plan"
	"github.com/varvekv/varve/bench/internal/report"
	"github.com/varvekv/varve/vfs"
)

func record() *Record {
	return &Record{
		Plan: *plan.Quick([]string{"varve", "pebble"}),
		Engines: []Engine{{
			Name: "pebble", Version: "v2.1.7", Durability: map[string]string{"synced": "Sync"},
			Settings: map[peer.Profile][]peer.Setting{peer.Tuned: {{Name: "MemTableSize", Value: "64 MiB"}}},
		}},
	}
}

func create(t *testing.T, dir string) *Directory {
	t.Helper()
	d, err := Create(dir, record())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestOutcomesOutliveTheRun(t *testing.T) {
	dir, r := t.TempDir(), record()
	units, _ := r.Plan.Expand(func(string, string) bool { return true })
	d := create(t, dir)
	if o := d.Outcome(&units[0]); o != nil {
		t.Errorf("before anything ran: %+v", o)
	}
	good := &Outcome{Schema: Schema, Unit: units[0], Result: &child.Result{
		Report:  report.Report{Phases: []report.Phase{{Name: "load", Throughput: 12}}},
		Written: map[string]int64{"load": 34},
	}}
	for _, o := range []*Outcome{good, {Schema: Schema, Unit: units[1], Error: "it broke", Tail: "panic: x"}} {
		if err := d.Add(o); err != nil {
			t.Fatal(err)
		}
	}
	again := create(t, dir)
	if o := again.Outcome(&units[0]); o == nil || o.Failed() || o.Report.Phases[0].Throughput != 12 || o.Written["load"] != 34 {
		t.Errorf("the one that went well came back as %+v", o)
	}
	if o := again.Outcome(&units[1]); o == nil || !o.Failed() || o.Tail != "panic: x" {
		t.Errorf("the failed one came back as %+v", o)
	}
	if o := again.Outcome(&units[2]); o != nil {
		t.Errorf("one that never ran came back as %+v", o)
	}
}

func TestOtherPlanIsRefused(t *testing.T) {
	for _, c := range []struct {
		change func(*Record)
		want   string
	}{
		{func(r *Record) { r.Plan.Threads = 8 }, "threads was 4, now 8"},
		{func(r *Record) { r.Plan.Timeout = 1e9 }, `timeout was null, now "1s"`},
		{func(r *Record) { r.Plan.Engines = []string{"varve"} }, "engines was"},
		{func(r *Record) { r.Plan.Jobs[0].Rows = []string{"C"} }, "jobs was"},
		{func(r *Record) { r.Engines[0].Version = "v3" }, "engine pebble was"},
		{func(r *Record) { r.Engines[0].Settings[peer.Tuned][0].Value = "4 MiB" }, "engine pebble was"},
		{func(r *Record) { r.Engines = nil }, "engine pebble was"},
	} {
		dir := t.TempDir()
		create(t, dir)
		r := record()
		c.change(r)
		if _, err := Create(dir, r); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), dir) {
			t.Errorf("%v, want it to say %q", err, c.want)
		}
	}
}

func TestHalfWrittenFileIsNoOutcome(t *testing.T) {
	dir := t.TempDir()
	create(t, dir)
	if err := os.WriteFile(filepath.Join(dir, unitsDir, "r1-x.json"+tmpEnd), []byte(`{"sch`), 0o600); err != nil {
		t.Fatal(err)
	}
	if d := create(t, dir); len(d.done) != 0 {
		t.Errorf("it was taken for %d outcomes", len(d.done))
	}
}

func TestDamagedFilesAreNamed(t *testing.T) {
	units, _ := record().Plan.Expand(func(string, string) bool { return true })
	name := units[0].ID() + ".json"
	for _, text := range []string{"", "{", `{}`, `{"schema": 9}`, `{"schema": 1, "unit": {"round": 1}}`} {
		dir := t.TempDir()
		create(t, dir)
		if err := os.WriteFile(filepath.Join(dir, unitsDir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Create(dir, record()); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%q: %v, want an error that names %s", text, err, name)
		}
	}
}

func TestForeignDirectoryIsRefused(t *testing.T) {
	dir := t.TempDir()
	precious := filepath.Join(dir, scratchDir)
	if err := os.Mkdir(precious, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Create(dir, record()); err == nil || !strings.Contains(err.Error(), scratchDir) {
		t.Errorf("a directory of somebody else's: %v", err)
	}
	if names, err := os.ReadDir(dir); err != nil || len(names) != 1 {
		t.Errorf("it holds %v now, %v", names, err)
	}
}

func TestDirectoryOfARunThatWasKilledAtOnce(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, unitsDir), 0o700); err != nil {
		t.Fatal(err)
	}
	create(t, dir)
}

func TestOneRunAtATime(t *testing.T) {
	dir := t.TempDir()
	d := create(t, dir)
	lock, err := d.Lock()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := create(t, dir).Lock(); !errors.Is(err, vfs.ErrLocked) || !strings.Contains(err.Error(), dir) {
		t.Errorf("a second run: %v", err)
	}
	leftover := filepath.Join(d.Scratch(), "r1-x", "data")
	if err := errors.Join(os.MkdirAll(leftover, 0o700), lock.Close()); err != nil {
		t.Fatal(err)
	}
	if lock, err = d.Lock(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(d.Scratch()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what a killed run left is still there: %v", err)
	}
	if err := lock.Close(); err != nil {
		t.Error(err)
	}
}

func TestOpenWithoutComparison(t *testing.T) {
	if _, _, err := Open(t.TempDir()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
}
