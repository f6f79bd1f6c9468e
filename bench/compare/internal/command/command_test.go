package command

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/varvekv/varve/bench/compare/internal/peer"
	"github.com/varvekv/varve/bench/compare/internal/plan"
	"github.com/varvekv/varve/bench/compare/internal/results"
	"github.com/varvekv/varve/bench/internal/engine"
	"github.com/varvekv/varve/bench/internal/mapengine"
)

// childVariable makes this test binary the program that runs a unit.
const childVariable = "VARVE_COMPARE_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		os.Exit(Main(os.Args[1:], fakes(), os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// fakes are maps, some of which misbehave. The last one cannot write durably.
func fakes() []peer.Peer {
	return []peer.Peer{
		fake("varve", mapengine.Open),
		fake("pebble", mapengine.Open),
		fake("failing", func(engine.Options) (engine.Engine, error) { return nil, errors.New("no disk in drive A") }),
		fake("crashing", func(engine.Options) (engine.Engine, error) { panic("crashed and burnt") }),
		fake("lying", wrapped(func(c engine.Client) engine.Client { return liar{c} })),
		fake("hanging", wrapped(func(c engine.Client) engine.Client { return hanger{c} })),
		{Name: "hasty", Open: fake("", mapengine.Open).Open, Describe: describe, Durability: map[engine.Durability]string{engine.Buffered: "as ever"}},
	}
}

func fake(name string, open engine.Opener) peer.Peer {
	return peer.Peer{
		Name: name, Version: "v0", Describe: describe,
		Open: func(o engine.Options, _ peer.Profile) (engine.Engine, error) { return open(o) },
		Durability: map[engine.Durability]string{
			engine.Buffered: "kept in a map", engine.Written: "the same", engine.Synced: "and again",
		},
	}
}

func describe(o engine.Options, p peer.Profile) []peer.Setting {
	return []peer.Setting{{Name: "size", Value: fmt.Sprintf("%s %d", p, o.CacheBytes)}}
}

type wrapper struct {
	engine.Engine
	wrap func(engine.Client) engine.Client
}

func wrapped(wrap func(engine.Client) engine.Client) engine.Opener {
	return func(o engine.Options) (engine.Engine, error) {
		e, err := mapengine.Open(o)
		return wrapper{e, wrap}, err
	}
}

func (w wrapper) NewClient() (engine.Client, error) {
	c, err := w.Engine.NewClient()
	return w.wrap(c), err
}

type liar struct{ engine.Client }

func (l liar) Get(dst, key []byte) ([]byte, error) {
	v, err := l.Client.Get(dst, key)
	if len(v) > 0 {
		v[len(v)/2] ^= 1
	}
	return v, err
}

type hanger struct{ engine.Client }

func (h hanger) Put(key, value []byte) error {
	fmt.Fprintln(os.Stderr, "hangs now")
	select {}
}

// call runs the command line in this process; its units run in others.
func call(t *testing.T, ctx context.Context, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	t.Setenv(childVariable, "1")
	var out, err bytes.Buffer
	code = run(ctx, args, fakes(), strings.NewReader(""), &out, &err)
	return code, out.String(), err.String()
}

// two is enough engines for a comparison.
const two = "varve,pebble"

// small is the arguments of a run that ends soon.
func small(out, engines string, more ...string) []string {
	return append([]string{
		"quick", "--engines", engines, "--rows", "load,C", "--sizes", "500x100", "--duration", "20ms", "--out", out,
	}, more...)
}

func TestQuickRunsAndReports(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	code, stdout, stderr := call(t, t.Context(), small(at("out"), two, "--rounds", "2", "--rows", "fillsync-8",
		"--markdown", at("a.md"), "--json", at("a.json"), "--csv", at("a.csv"), "--cpuprofile", at("profiles"))...)
	if code != 0 {
		t.Fatalf("exit code %d\n%s", code, stderr)
	}
	for _, want := range []string{"[1/8] round 1  ycsb  500 × 100 B  varve", "[8/8] round 2  sync", "kept in a map", "of disk at once"} {
		if !strings.Contains(stderr, want) {
			t.Errorf("stderr does not have %q:\n%s", want, stderr)
		}
	}
	for _, want := range []string{"500 × 100 B, tuned", "│ load ", "│ C ", "│ fillsync-8 ", "kept in a map", "tuned 268435456"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("stdout does not have %q:\n%s", want, stdout)
		}
	}
	for name, want := range map[string]string{
		"a.md": "| load |", "a.json": `"vs_pebble"`, "a.csv": "500,100,tuned,ycsb,C,operations_per_second,pebble,2,",
	} {
		if text, err := os.ReadFile(at(name)); err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%s does not have %q (%v):\n%s", name, want, err, text)
		}
	}
	if profiles, err := os.ReadDir(at("profiles")); err != nil || len(profiles) != 8 {
		t.Errorf("%d profiles, want 8: %v", len(profiles), err)
	}
	left, err := os.ReadDir(at("out"))
	if err != nil || len(left) != 3 {
		t.Errorf("in the results' directory are %v (%v), want plan, units and lock", left, err)
	}
}

func TestResumeAndRefusal(t *testing.T) {
	out := t.TempDir()
	if code, _, stderr := call(t, t.Context(), small(out, two)...); code != 0 {
		t.Fatalf("exit code %d\n%s", code, stderr)
	}
	code, stdout, stderr := call(t, t.Context(), small(out, two)...)
	if code != 0 || !strings.Contains(stderr, "2 of 2 units are done already") || strings.Contains(stderr, "[1/") {
		t.Errorf("exit code %d\n%s", code, stderr)
	}
	if again, report := stdout, mustReport(t, out); again != report {
		t.Errorf("the report is\n%s\nand was\n%s", report, again)
	}
	code, _, stderr = call(t, t.Context(), small(out, two, "--threads", "2")...)
	if code != exitUsage || !strings.Contains(stderr, "threads was 4, now 2") {
		t.Errorf("exit code %d\n%s", code, stderr)
	}
}

func mustReport(t *testing.T, out string) string {
	t.Helper()
	code, stdout, stderr := call(t, t.Context(), "report", out)
	if code != 0 {
		t.Fatalf("report: exit code %d\n%s", code, stderr)
	}
	return stdout
}

func TestBadEnginesFailAndTheOthersGoOn(t *testing.T) {
	out := t.TempDir()
	code, stdout, stderr := call(t, t.Context(), small(out, "failing,varve,crashing,lying")...)
	if code != exitFailed || !strings.Contains(stderr, "3 of 4 units failed") {
		t.Errorf("exit code %d\n%s", code, stderr)
	}
	for engine, why := range map[string]string{
		"failing": "no disk in drive A", "crashing": "panic: crashed and burnt", "lying": "wrong",
	} {
		o := outcome(t, out, engine)
		if o == nil || !o.Failed() || !strings.Contains(o.Tail, why) {
			t.Errorf("%s: outcome %+v, want it to tell %q", engine, o, why)
		}
		if !strings.Contains(stdout, "- r1-ycsb-500x100-"+engine) {
			t.Errorf("the report does not name %s's failure:\n%s", engine, stdout)
		}
	}
	if o := outcome(t, out, "varve"); o == nil || o.Failed() || len(o.Report.Phases) != 2 {
		t.Errorf("varve: outcome %+v", o)
	}
}

// outcome is an engine's only one.
func outcome(t *testing.T, out, engine string) *results.Outcome {
	t.Helper()
	d, r, err := results.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	units, _ := r.Plan.Expand(r.Promises)
	for i := range units {
		if units[i].Engine == engine {
			return d.Outcome(&units[i])
		}
	}
	return nil
}

func TestInterruptStopsAndResumeGoesOn(t *testing.T) {
	out := t.TempDir()
	t.Setenv(childVariable, "1")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	stderr := &trigger{word: "hangs now", pull: stop}
	args := small(out, "varve,hanging,pebble")
	if code := run(ctx, args, fakes(), strings.NewReader(""), &bytes.Buffer{}, stderr); code != exitFailed {
		t.Errorf("exit code %d\n%s", code, stderr)
	}
	if o := outcome(t, out, "varve"); o == nil || o.Failed() {
		t.Errorf("what was done is %+v", o)
	}
	for _, engine := range []string{"hanging", "pebble"} {
		if o := outcome(t, out, engine); o != nil {
			t.Errorf("%s: what was stopped is recorded as %+v", engine, o)
		}
	}
	report := mustReport(t, out)
	if !strings.Contains(report, "2 units have not run") {
		t.Errorf("the report does not say that it is not complete:\n%s", report)
	}
}

// trigger pulls once a word is written.
type trigger struct {
	mu   sync.Mutex
	text strings.Builder
	word string
	pull func()
}

func (w *trigger) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.text.Write(p)
	if strings.Contains(w.text.String(), w.word) {
		w.pull()
	}
	return len(p), nil
}

func (w *trigger) String() string { return w.text.String() }

func TestEngineWithoutADurabilityIsNamed(t *testing.T) {
	code, stdout, stderr := call(t, t.Context(), small(t.TempDir(), "varve,hasty", "--rows", "fillsync-1")...)
	const want = "hasty is left out of sync: it cannot promise that a write is synced."
	if code != 0 || !strings.Contains(stdout, want) || !strings.Contains(stderr, want) {
		t.Errorf("exit code %d\n%s%s", code, stderr, stdout)
	}
}

func TestDryRunShowsAPlanThatCanBeRun(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	code, stdout, stderr := call(t, t.Context(), small(out, two, "--dry-run")...)
	if code != 0 || !strings.Contains(stderr, "2 units, about") {
		t.Fatalf("exit code %d\n%s", code, stderr)
	}
	if _, err := os.Stat(out); !os.IsNotExist(err) {
		t.Errorf("a dry run made %s: %v", out, err)
	}
	var p plan.Plan
	if err := json.Unmarshal([]byte(stdout), &p); err != nil || p.Name != "quick" || len(p.Jobs) != 1 {
		t.Fatalf("%v: %s", err, stdout)
	}
	file := filepath.Join(t.TempDir(), "own.json")
	if err := os.WriteFile(file, []byte(stdout), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := call(t, t.Context(), "plan", file, "--out", out); code != 0 {
		t.Errorf("exit code %d\n%s", code, stderr)
	}
}

func TestTooLittleDiskIsRefused(t *testing.T) {
	code, _, stderr := call(t, t.Context(), small(t.TempDir(), two, "--sizes", "900000Mx1000")...)
	if code != exitFailed || !strings.Contains(stderr, "of disk left, a unit may need") || strings.Contains(stderr, "[1/") {
		t.Errorf("exit code %d\n%s", code, stderr)
	}
}

func TestUsage(t *testing.T) {
	empty, broken := t.TempDir(), filepath.Join(t.TempDir(), "broken.json")
	if err := os.WriteFile(broken, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ args, want string }{
		{"", "say what to do"},
		{"quick --engines oracle", `no engine is called "oracle"`},
		{"quick --engines varve,varve", "named twice"},
		{"quick --sizes large", "not records x bytes"},
		{"quick --rows nothing", `"nothing"`},
		{"quick --profiles wild", "wild"},
		{"quick --rounds -1", "rounds"},
		{"quick now", "unknown command"},
		{"plan", "accepts 1 arg"},
		{"plan " + broken, "broken.json"},
		{"report " + empty, "holds no comparison"},
		{"quick --engines hasty --rows fillsync-1", "nothing to run"},
	} {
		code, _, stderr := call(t, t.Context(), strings.Fields(c.args)...)
		if code != exitUsage || !strings.Contains(stderr, c.want) {
			t.Errorf("%s: exit code %d, want 2 and %q:\n%s", c.args, code, c.want, stderr)
		}
	}
}

func TestEngines(t *testing.T) {
	code, stdout, _ := call(t, t.Context(), "engines")
	if code != 0 || !strings.Contains(stdout, "cannot be had") || !strings.Contains(stdout, "varve v0") {
		t.Errorf("exit code %d\n%s", code, stdout)
	}
}
