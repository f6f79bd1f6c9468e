package driver

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/varvekv/varve/bench/internal/engine"
	"github.com/varvekv/varve/bench/internal/measure"
)

// handClock is a time that sleepers and calls of one worker move.
type handClock struct {
	now    int64
	slept  []time.Duration
	closed int
	onWake func()
}

func (c *handClock) read() int64 { return c.now }

func (c *handClock) Sleep(d time.Duration) {
	c.slept = append(c.slept, d)
	c.now += int64(d)
	if c.onWake != nil {
		c.onWake()
	}
}

func (c *handClock) Close() error { c.closed++; return nil }

func (c *handClock) drive(t *testing.T) *Driver {
	d := newDriver(t)
	d.Clock = c.read
	d.NewSleeper = func() (measure.Sleeper, error) { return c, nil }
	return d
}

func TestScheduleIsKept(t *testing.T) {
	c := &handClock{now: 1000}
	var began []int64
	w := &script{
		prepare: func() int { c.now += 10; return 0 },
		execute: func(engine.Client) (int, error) {
			began = append(began, c.now)
			c.now += int64(time.Millisecond)
			return 1, nil
		},
	}
	res, err := c.drive(t).Run(t.Context(), Phase{Name: "p", Kinds: []string{"k"}, Workers: []Worker{w}, Operations: 4, TargetRate: 100})
	if err != nil {
		t.Fatal(err)
	}
	ten := int64(10 * time.Millisecond)
	if want := []int64{1010, 1010 + ten, 1010 + 2*ten, 1010 + 3*ten}; !slices.Equal(began, want) {
		t.Errorf("calls at %v, want %v", began, want)
	}
	if len(c.slept) != 3 || c.closed != 1 || res.TargetRate != 100 {
		t.Errorf("slept %v, closed %d, rate %v", c.slept, c.closed, res.TargetRate)
	}
	if s, i := res.Latency[0].Max(), res.Intended[0].Max(); s != time.Millisecond || i != time.Millisecond {
		t.Errorf("service %v, intended %v of calls that were on time", s, i)
	}
}

func TestWorkersShareTheRate(t *testing.T) {
	var due []int64
	for place := range 4 {
		s := newSchedule(500, 1000, place, 4)
		due = append(due, s.next(), s.next(), s.next())
	}
	slices.Sort(due)
	for i, at := range due {
		if want := 500 + int64(i)*int64(time.Millisecond); at != want {
			t.Fatalf("call %d of all is due at %d, want %d", i, at, want)
		}
	}
}

// One call in a hundred takes 50 ms where one is scheduled every millisecond:
// a closed loop would find 1 % of the calls slow, whoever keeps the schedule
// finds half of them late.
func TestCallsBehindASlowOneShowTheirWait(t *testing.T) {
	c, n := &handClock{}, 0
	w := &script{execute: func(engine.Client) (int, error) {
		n++
		c.now += int64(100 * time.Microsecond)
		if n%100 == 1 {
			c.now += int64(50 * time.Millisecond)
		}
		return 1, nil
	}}
	res, err := c.drive(t).Run(t.Context(), Phase{
		Name: "p", Kinds: []string{"k"}, Workers: []Worker{w}, Operations: 10_000, TargetRate: 1000,
	})
	if err != nil {
		t.Fatal(err)
	}
	service, intended := res.Latency[0], res.Intended[0]
	if q := service.Quantile(0.98); q > 101*time.Microsecond {
		t.Errorf("service p98 %v", q)
	}
	if q := intended.Quantile(0.9); q < 30*time.Millisecond {
		t.Errorf("intended p90 %v", q)
	}
	// The backlog of a slow call is worked off at 0.9 ms a call: 55 calls are late.
	if q := intended.Quantile(0.40); q > 101*time.Microsecond {
		t.Errorf("intended p40 %v", q)
	}
	if m := intended.Max(); m != service.Max() {
		t.Errorf("the slowest call took %v, intended %v", service.Max(), m)
	}
	if rate := res.Throughput(); rate < 990 || rate > 1010 {
		t.Errorf("%v calls a second, want 1000", rate)
	}
}

func TestAWaitEndsWithItsPhase(t *testing.T) {
	c := &handClock{}
	p := Phase{Name: "p", Kinds: []string{"k"}, Workers: []Worker{&script{}}, Duration: 3 * time.Second, TargetRate: 0.5}
	res, err := c.drive(t).Run(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	if !res.TimedOut || res.Units != 2 || c.now != int64(3*time.Second) { // at 0 s and at 2 s
		t.Errorf("%d units, timed out %v, at %v", res.Units, res.TimedOut, time.Duration(c.now))
	}
	for _, d := range c.slept {
		if d > waitMax {
			t.Errorf("one sleep of %v", d)
		}
	}
}

func TestAWaitEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	woken := 0
	c := &handClock{}
	c.onWake = func() {
		if woken++; woken == 3 {
			cancel()
			<-ctx.Done()
		}
	}
	_, err := c.drive(t).Run(ctx, Phase{Name: "p", Kinds: []string{"k"}, Workers: []Worker{&script{}}, TargetRate: 1e-6})
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}

func TestASleeperThatCannotBeMade(t *testing.T) {
	broken := errors.New("no timer")
	d := newDriver(t)
	d.NewSleeper = func() (measure.Sleeper, error) { return nil, broken }
	p := Phase{Name: "p", Kinds: []string{"k"}, Workers: []Worker{&script{}, &script{}}, Operations: 1, TargetRate: 1}
	if _, err := d.Run(t.Context(), p); !errors.Is(err, broken) {
		t.Fatal(err)
	}
}

func TestClosedLoopHasNoIntendedLatency(t *testing.T) {
	res, err := newDriver(t).Run(t.Context(), Phase{Name: "p", Kinds: []string{"k"}, Workers: []Worker{&script{}}, Operations: 10})
	if err != nil || res.Intended != nil {
		t.Fatalf("%v, %v", res, err)
	}
}
