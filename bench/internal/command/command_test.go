package command

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/varvekv/varve/bench/internal/engine"
	"github.com/varvekv/varve/bench/internal/mapengine"
	"github.com/varvekv/varve/bench/internal/report"
)

// run runs the command line on map engines, in a temporary directory of the test.
func run(t *testing.T, open engine.Opener, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	t.Setenv("TMPDIR", t.TempDir())
	var out, err strings.Builder
	code = Main(args, open, &out, &err)
	if left, _ := os.ReadDir(os.Getenv("TMPDIR")); len(left) > 0 {
		t.Errorf("%v left %v", args, left)
	}
	return code, out.String(), err.String()
}

func small(args ...string) []string {
	return append([]string{"ycsb", "--records", "500", "--operations", "300", "--value-size", "100"}, args...)
}

func TestYCSBShowsItsTable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.json")
	code, out, errs := run(t, mapengine.Open, small("--json", path)...)
	if code != exitOK {
		t.Fatalf("code %d: %s", code, errs)
	}
	for _, want := range []string{"YCSB · map", "records=500", "durability=buffered", "read-modify-write", "scan", "verified"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	if !strings.Contains(errs, "ops/s") {
		t.Errorf("no progress: %q", errs)
	}
	var r report.Report
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if err != nil || len(r.Phases) != 7 || r.Phases[0].Units != 500 || r.Phases[3].Units != 300 {
		t.Fatalf("%v, %+v", err, r)
	}
}

func TestRowsShowTheirTable(t *testing.T) {
	code, out, errs := run(t, mapengine.Open, "rows", "--rows", "all", "--records", "500", "--operations", "300",
		"--duration", "0", "--value-size", "100", "--openlog-size", "20KiB", "--big-records", "400", "--big-value-size", "50")
	if code != exitOK {
		t.Fatalf("code %d: %s", code, errs)
	}
	for _, want := range []string{"fillseq", "readmissing", "seekrandom-deleted", "fillsync-64", "openlog", "tail", "big-E", "big-records=400"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
}

func TestRowsHelpNamesRowsAndGroups(t *testing.T) {
	_, out, _ := run(t, mapengine.Open, "rows", "--help")
	for _, want := range []string{"readrandom-smallcache  the same", "openlog ", "default, all, fill, read, sync, life, big"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
}

func TestWorkloadsRunInTheirOrder(t *testing.T) {
	_, out, _ := run(t, mapengine.Open, small("--workloads", "C,a")...)
	c, a := strings.Index(out, "│ C "), strings.Index(out, "│ A ")
	if c < 0 || a < c || strings.Contains(out, "│ B ") {
		t.Errorf("C at %d, A at %d in\n%s", c, a, out)
	}
}

func TestUsageErrors(t *testing.T) {
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "x"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{}, {"nothing"}, {"ycsb", "extra"}, {"ycsb", "--nothing"}, {"ycsb", "--threads", "x"},
		{"ycsb", "--threads", "0"}, {"ycsb", "--records", "0"}, {"ycsb", "--value-size", "3"},
		{"ycsb", "--durability", "perhaps"}, {"ycsb", "--compression", "zip"}, {"ycsb", "--cache", "many"},
		{"ycsb", "--workloads", "a,x"}, {"ycsb", "--operations", "0", "--duration", "0"},
		{"ycsb", "-p", "novalue"}, {"ycsb", "-p", "recordcount=x"}, {"ycsb", "-p", "unheard=1"},
		{"ycsb", "-p", "readproportion=-1"}, {"ycsb", "-p", "varve.unheard=1"}, {"ycsb", "-P", "missing.properties"},
		{"ycsb", "--target", "-1"}, {"ycsb", "--target", "x"}, {"ycsb", "--probe=perhaps"}, {"ycsb", "-p", "target=-5"},
		{"ycsb", "--csv", full}, {"ycsb", "--json", filepath.Join(full, "missing", "x")}, {"ycsb", "--json", filepath.Join(full, "x", "y")},
		{"ycsb", "--ycsb", "-", "--csv", "-"}, {"ycsb", "--hdr", filepath.Join(full, "x")},
		{"ycsb", "--dir", full}, {"rows", "--rows", "fillsideways"}, {"rows", "--rows", "fill,unread*"},
		{"rows", "--big-value-size", "3"}, {"rows", "--openlog-size", "much"},
	} {
		if code, _, errs := run(t, mapengine.Open, args...); code != exitUsage || errs == "" {
			t.Errorf("%v: code %d, %q", args, code, errs)
		}
	}
}

func TestHelpIsNoError(t *testing.T) {
	code, out, _ := run(t, mapengine.Open, "ycsb", "--help")
	if code != exitOK || !strings.Contains(out, "--durability") {
		t.Errorf("code %d:\n%s", code, out)
	}
}

func TestProperties(t *testing.T) {
	file := filepath.Join(t.TempDir(), "workloadx")
	text := `# as YCSB ships them
recordcount=700
operationcount=50
workload=site.ycsb.workloads.CoreWorkload
readproportion=0
updateproportion=0
scanproportion=3
insertproportion=1
requestdistribution=zipfian
maxscanlength=5
fieldcount=2
fieldlength=60
rocksdb.dir=/nowhere
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var given engine.Options
	open := func(o engine.Options) (engine.Engine, error) { given = o; return mapengine.Open(o) }
	code, out, errs := run(t, open, "ycsb", "-P", file, "-p", "operationcount=400", "-p", "threadcount=3",
		"--threads", "2", "-p", "varve.cache=5MiB", "-p", "varve.durability=written")
	if code != exitOK {
		t.Fatal(errs)
	}
	for _, want := range []string{"records=700", "operations=400", "threads=2", "value-size=120", "cache=5MiB", "workloadx", "insert", "scan"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	if given.CacheBytes != 5<<20 || given.Durability != engine.Written || given.MemtableBytes != defaultMemtable {
		t.Errorf("opened with %+v", given)
	}
}

// A value that a database spoils ends the run with code 1, and what was measured
// before is shown.
func TestCorruptionFails(t *testing.T) {
	open := func(o engine.Options) (engine.Engine, error) {
		e, err := mapengine.Open(o)
		return spoiler{e}, err
	}
	code, out, errs := run(t, open, small("--workloads", "c")...)
	if code != exitFailed || !strings.Contains(errs, "wrong value") || !strings.Contains(out, "load") {
		t.Errorf("code %d: %s\n%s", code, errs, out)
	}
}

// spoiler spoils a value while the database settles behind the load.
type spoiler struct{ engine.Engine }

func (s spoiler) NewClient() (engine.Client, error) {
	const hottest = "user" // some key of the load, found by a scan
	c, err := s.Engine.NewClient()
	if err != nil {
		return nil, err
	}
	var keys []string
	_, err = c.Scan([]byte(hottest), -1, func(key, _ []byte) error { keys = append(keys, string(key)); return nil })
	for _, k := range keys {
		s.Engine.(*mapengine.Engine).Corrupt(k, func(v []byte) []byte { v[0] ^= 1; return v })
	}
	return c, err
}

func TestADatabaseThatDoesNotOpenFails(t *testing.T) {
	open := func(engine.Options) (engine.Engine, error) { return nil, engine.ErrNotFound }
	if code, _, errs := run(t, open, small()...); code != exitFailed || !strings.Contains(errs, "not found") {
		t.Errorf("code %d: %s", code, errs)
	}
}

func TestGivenDirectoryAndProfilesStay(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	cpu, mem := filepath.Join(t.TempDir(), "cpu"), filepath.Join(t.TempDir(), "mem")
	open := func(o engine.Options) (engine.Engine, error) {
		if err := os.MkdirAll(o.Dir, 0o700); err != nil {
			return nil, err
		}
		return mapengine.Open(o)
	}
	if code, _, errs := run(t, open, small("--dir", dir, "--cpuprofile", cpu, "--memprofile", mem)...); code != exitOK {
		t.Fatal(errs)
	}
	for _, path := range []string{filepath.Join(dir, "db-1"), cpu, mem} {
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
}

func TestPlotsAreDrawnAndDoNotHideTheTable(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "plots")
	if code, _, errs := run(t, mapengine.Open, small("--plots", dir, "--workloads", "a")...); code != exitOK {
		t.Fatal(errs)
	}
	for _, name := range []string{"throughput.svg", "load-latency.svg", "A-latency.svg"} {
		if text, err := os.ReadFile(filepath.Join(dir, name)); err != nil || !strings.HasPrefix(string(text), "<svg") {
			t.Errorf("%s: %v, %.20q", name, err, text)
		}
	}
	notADirectory := filepath.Join(dir, "throughput.svg")
	code, out, errs := run(t, mapengine.Open, small("--plots", notADirectory)...)
	if code != exitFailed || !strings.Contains(errs, notADirectory) || !strings.Contains(out, "p99.9") {
		t.Errorf("code %d, %q\n%s", code, errs, out)
	}
}

func TestRowsLeaveDatabasesAloneInAGivenDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	if code, _, errs := run(t, mapengine.Open, "rows", "--rows", "readrandom-smallcache,openlog", "--records", "500",
		"--operations", "300", "--value-size", "100", "--openlog-size", "20KiB", "--dir", dir); code != exitOK {
		t.Fatal(errs)
	}
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	if want := []string{filepath.Join(dir, "db-1"), filepath.Join(dir, "db-2")}; err != nil || !slices.Equal(left, want) {
		t.Errorf("left %v, %v; want %v", left, err, want)
	}
}

func TestSizes(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, "17": 17, "3B": 3, "4K": 4 << 10, "64MiB": 64 << 20, "2 GiB": 2 << 30} {
		var s size
		if err := s.Set(text); err != nil || int64(s) != want {
			t.Errorf("%q: %d, %v", text, s, err)
		}
	}
	for _, text := range []string{"", "-1", "x", "1.5MiB", "9999999999GiB", "MiB"} {
		var s size
		if s.Set(text) == nil {
			t.Errorf("%q is %d", text, s)
		}
	}
	for n, want := range map[size]string{0: "0B", 1023: "1023B", 1 << 10: "1KiB", 3 << 29: "1536MiB", 1 << 30: "1GiB"} {
		if n.String() != want {
			t.Errorf("%d: %s, want %s", int64(n), n.String(), want)
		}
	}
}
