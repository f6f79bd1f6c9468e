package driver

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/varvekv/varve/bench/internal/engine"
	"github.com/varvekv/varve/bench/internal/mapengine"
	"github.com/varvekv/varve/bench/internal/measure"
)

// script is a worker whose every step a test decides.
type script struct {
	prepare func() int
	execute func(engine.Client) (int, error)
	verify  func() error
}

func (s *script) Prepare() int {
	if s.prepare == nil {
		return 0
	}
	return s.prepare()
}

func (s *script) Execute(c engine.Client) (int, error) {
	if s.execute == nil {
		return 1, nil
	}
	return s.execute(c)
}

func (s *script) Verify() error {
	if s.verify == nil {
		return nil
	}
	return s.verify()
}

func newDriver(t *testing.T) *Driver {
	t.Helper()
	e, err := mapengine.Open(engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return &Driver{Engine: e, Clock: measure.NewClock()}
}

func TestOperationsAreDoneExactly(t *testing.T) {
	for _, operations := range []int64{1, 3, 100, 100_003} {
		d := newDriver(t)
		p := Phase{Name: "p", Kinds: []string{"even", "odd"}, Operations: operations}
		for range 4 {
			n := 0
			p.Workers = append(p.Workers, &script{prepare: func() int { n++; return n % 2 }})
		}
		res, err := d.Run(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		if res.Units != operations || res.Latency[0].Count()+res.Latency[1].Count() != operations {
			t.Errorf("%d operations: %d units, %d and %d latencies", operations, res.Units,
				res.Latency[0].Count(), res.Latency[1].Count())
		}
		if res.TimedOut || res.Threads != 4 || res.Throughput() <= 0 {
			t.Errorf("result %+v", res)
		}
	}
}

// A hand-turned clock: an operation takes a millisecond, its preparation ten.
func TestOnlyExecuteIsInTheLatency(t *testing.T) {
	d := newDriver(t)
	now := int64(0)
	d.Clock = func() int64 { return now }
	w := &script{
		prepare: func() int { now += int64(10 * time.Millisecond); return 0 },
		execute: func(engine.Client) (int, error) { now += int64(time.Millisecond); return 3, nil },
		verify:  func() error { now += int64(5 * time.Millisecond); return nil },
	}
	res, err := d.Run(t.Context(), Phase{Name: "p", Kinds: []string{"k"}, Workers: []Worker{w}, Operations: 100})
	if err != nil {
		t.Fatal(err)
	}
	if mean := res.Latency[0].Mean(); mean != time.Millisecond {
		t.Errorf("mean latency %v, want 1ms", mean)
	}
	if want := 100*16*time.Millisecond - 5*time.Millisecond; res.Elapsed != want {
		t.Errorf("elapsed %v, want %v", res.Elapsed, want)
	}
	if res.Units != 300 {
		t.Errorf("%d units, want 300", res.Units)
	}
}

func TestDurationEndsAPhase(t *testing.T) {
	d := newDriver(t)
	now := int64(0)
	d.Clock = func() int64 { return now }
	w := &script{execute: func(engine.Client) (int, error) { now += int64(time.Millisecond); return 1, nil }}
	res, err := d.Run(t.Context(), Phase{
		Name: "p", Kinds: []string{"k"}, Workers: []Worker{w}, Operations: 1e9, Duration: time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	if !res.TimedOut || res.Units != 1000 || res.Elapsed != time.Second {
		t.Errorf("timed out %v after %d units in %v, want 1000 in 1s", res.TimedOut, res.Units, res.Elapsed)
	}
}

func TestErrorsStopEveryWorker(t *testing.T) {
	broken := errors.New("broken")
	count := 0
	failing := map[string]*script{
		"execute": {execute: func(engine.Client) (int, error) { return 0, broken }},
		"verify": {verify: func() error {
			if count++; count > 50 {
				return broken
			}
			return nil
		}},
	}
	for name, f := range failing {
		d := newDriver(t)
		p := Phase{Name: "p", Kinds: []string{"k"}, Workers: []Worker{&script{}, f, &script{}}} // endless else
		if _, err := d.Run(t.Context(), p); !errors.Is(err, broken) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestContextStopsEveryWorker(t *testing.T) {
	d := newDriver(t)
	ctx, cancel := context.WithCancel(t.Context())
	var n atomic.Int64
	w := func() Worker {
		return &script{execute: func(engine.Client) (int, error) {
			if n.Add(1) == 1000 {
				cancel()
			}
			return 1, nil
		}}
	}
	p := Phase{Name: "p", Kinds: []string{"k"}, Workers: []Worker{w(), w()}}
	if _, err := d.Run(ctx, p); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}

func TestProgressEndsAtOne(t *testing.T) {
	d := newDriver(t)
	share, units := 0.0, int64(0)
	d.Progress = func(s float64, u int64) {
		if s < 0 || s > 1 || u < units {
			t.Errorf("progress %v of %d units after %v of %d", s, u, share, units)
		}
		share, units = s, u
	}
	p := Phase{Name: "p", Kinds: []string{"k"}, Workers: []Worker{&script{}}, Operations: 1000}
	if _, err := d.Run(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	if share != 1 || units != 1000 {
		t.Errorf("the last progress was %v, %d units", share, units)
	}
}

func TestStuckCallsAreGivenUp(t *testing.T) {
	d := newDriver(t)
	d.Patience = 50 * time.Millisecond
	release := make(chan struct{})
	defer close(release)
	stuck := &script{execute: func(engine.Client) (int, error) { <-release; return 1, nil }}
	p := Phase{Name: "p", Kinds: []string{"k"}, Workers: []Worker{&script{}, stuck}, Duration: 10 * time.Millisecond}
	if _, err := d.Run(t.Context(), p); !errors.Is(err, ErrStuck) {
		t.Fatal(err)
	}
}
