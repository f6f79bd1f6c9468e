package campaign

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/varvekv/varve/bench/compare/internal/child"
	"github.com/varvekv/varve/bench/compare/internal/plan"
	"github.com/varvekv/varve/bench/compare/internal/process"
	"github.com/varvekv/varve/bench/compare/internal/results"
)

// fixture is a campaign whose units are run by a fake and whose clock moves a
// minute with each reading.
type fixture struct {
	Campaign
	dir    string
	record *results.Record
	ran    []string
	said   []string
	fail   map[string]bool // by engine
}

func newFixture(t *testing.T) *fixture {
	p := plan.Quick([]string{"a", "b", "c"})
	f := &fixture{dir: t.TempDir(), record: &results.Record{Plan: *p}, fail: map[string]bool{}}
	f.Units, _ = p.Expand(func(string, string) bool { return true })
	f.reopen(t)
	f.Say = func(line string) { f.said = append(f.said, line) }
	now := time.Unix(0, 0)
	f.Now = func() time.Time { now = now.Add(time.Minute); return now }
	f.Execute = func(_ context.Context, u *plan.Unit) (*child.Result, process.Ended, error) {
		f.ran = append(f.ran, u.ID())
		if f.fail[u.Engine] {
			return nil, process.Ended{Tail: "line 1\nline 2"}, errors.New("exit status 1")
		}
		return &child.Result{}, process.Ended{Others: 0.25}, nil
	}
	return f
}

func (f *fixture) reopen(t *testing.T) {
	var err error
	if f.Directory, err = results.Create(f.dir, f.record); err != nil {
		t.Fatal(err)
	}
}

func TestRunsEverythingOnceAndInOrder(t *testing.T) {
	f := newFixture(t)
	if err := f.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	var want []string
	for i := range f.Units {
		want = append(want, f.Units[i].ID())
	}
	if !slices.Equal(f.ran, want) {
		t.Errorf("ran %v, want %v", f.ran, want)
	}
	f.reopen(t)
	if o := f.Directory.Outcome(&f.Units[0]); o.Others != 0.25 || o.Took != time.Minute {
		t.Errorf("recorded %+v", o)
	}
	if err := f.Run(t.Context()); err != nil || len(f.ran) != len(want) {
		t.Errorf("the second run ran %v: %v", f.ran[len(want):], err)
	}
	if last := f.said[len(f.said)-1]; last != "12 of 12 units are done already" {
		t.Errorf("it said %q", last)
	}
}

func TestFailureIsRecordedAndTheOthersGoOn(t *testing.T) {
	f := newFixture(t)
	f.fail["b"] = true
	err := f.Run(t.Context())
	if !errors.Is(err, ErrFailed) || !strings.Contains(err.Error(), "4 of 12") {
		t.Errorf("%v, want 4 of 12 failed", err)
	}
	if len(f.ran) != len(f.Units) {
		t.Errorf("%d units ran, want all %d", len(f.ran), len(f.Units))
	}
	for i := range f.Units {
		u := &f.Units[i]
		o := f.Directory.Outcome(u)
		if o.Failed() != (u.Engine == "b") || o.Failed() && o.Tail != "line 1\nline 2" {
			t.Errorf("%s: %+v", u.ID(), o)
		}
	}
	if !slices.Contains(f.said, "  | line 2") {
		t.Errorf("the child's words are not among %q", f.said)
	}
}

func TestRetryRunsWhatFailed(t *testing.T) {
	f := newFixture(t)
	f.fail["b"] = true
	if err := f.Run(t.Context()); err == nil {
		t.Fatal("nothing failed")
	}
	f.ran, f.fail = nil, nil
	f.reopen(t)
	if err := f.Run(t.Context()); !errors.Is(err, ErrFailed) || len(f.ran) != 0 {
		t.Errorf("without Retry: %v, ran %v", err, f.ran)
	}
	f.Retry = true
	if err := f.Run(t.Context()); err != nil || len(f.ran) != 4 {
		t.Errorf("with Retry: %v, ran %v", err, f.ran)
	}
}

func TestStopLeavesWhatIsDone(t *testing.T) {
	f := newFixture(t)
	ctx, stop := context.WithCancel(t.Context())
	execute := f.Execute
	f.Execute = func(c context.Context, u *plan.Unit) (*child.Result, process.Ended, error) {
		r, e, err := execute(c, u)
		if len(f.ran) == 5 {
			stop()
			return nil, process.Ended{}, errors.New("signal: killed")
		}
		return r, e, err
	}
	if err := f.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	f.reopen(t)
	f.Execute = execute
	if err := f.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := len(f.ran); n != len(f.Units)+1 || f.ran[4] != f.ran[5] {
		t.Errorf("ran %v: want the one that was stopped again, and no other twice", f.ran)
	}
}

func TestPaceLearns(t *testing.T) {
	p := plan.Quick([]string{"a"})
	p.Rounds = 2
	units, _ := p.Expand(func(string, string) bool { return true })
	var todo []*plan.Unit
	for i := range units {
		todo = append(todo, &units[i])
	}
	left := newPace(todo)
	if got, want := left.remaining(), Estimate(units); got != want {
		t.Errorf("at first %v, want the estimate %v", got, want)
	}
	first := len(units) / 2 // the second round is its like
	for _, u := range todo[:first] {
		left.done(u, time.Hour)
	}
	if got, want := left.remaining(), time.Duration(first)*time.Hour; got != want {
		t.Errorf("behind a round of hours %v, want %v", got, want)
	}
}

func TestRounded(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 s", 89 * time.Second: "89 s", 12 * time.Minute: "12 min", 185 * time.Minute: "3 h 5 min",
	} {
		if got := Rounded(d); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
}
