package driver

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/varvekv/varve/bench/internal/engine"
	"github.com/varvekv/varve/bench/internal/measure"
)

// A call takes 100 ms, but the one that begins at 1.5 s takes 3 s.
func TestSecondsOfAPhase(t *testing.T) {
	c := &handClock{}
	w := &script{execute: func(engine.Client) (int, error) {
		if took := 100 * time.Millisecond; c.now == int64(1500*time.Millisecond) {
			c.now += int64(3 * time.Second)
		} else {
			c.now += int64(took)
		}
		return 2, nil
	}}
	d := c.drive(t)
	var told []string
	d.Interval = func(second, kind int, h *measure.Histogram) {
		told = append(told, fmt.Sprintf("%d/%d:%d", second, kind, h.Count()))
	}
	res, err := d.Run(t.Context(), Phase{
		Name: "p", Kinds: []string{"k"}, Workers: []Worker{w}, Operations: 1000, Duration: 6 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	var units []int64
	for _, s := range res.Seconds {
		units = append(units, s.Units)
	}
	// A call that ends with the second belongs to the next one; the very last
	// has no second of its own.
	if got := fmt.Sprint(units); got != "[18 12 0 0 10 22]" {
		t.Errorf("units %s", got)
	}
	if s := res.Seconds[4]; s.Max != 3*time.Second || s.P50 > 101*time.Millisecond {
		t.Errorf("second 4: %+v", s)
	}
	if s := res.Seconds[2]; s != (Second{}) {
		t.Errorf("second 2: %+v", s)
	}
	if got := strings.Join(told, " "); got != "0/0:9 1/0:6 4/0:5 5/0:11" {
		t.Errorf("told of %s", got)
	}
	if n := res.Latency[0].Count(); 2*n != res.Units {
		t.Errorf("%d latencies of %d units", n, res.Units)
	}
}

func TestARestIsASecondWhenItIsLongEnough(t *testing.T) {
	for rest, want := range map[time.Duration]int{50 * time.Millisecond: 2, 500 * time.Millisecond: 3} {
		c := newRecorder(1, false, nil)
		for second := range 3 {
			v := c.take(second)
			v.record(0, 1, 1000, -1)
			c.give(v)
		}
		res := &Result{Elapsed: 2*time.Second + rest}
		c.finish(res)
		if len(res.Seconds) != want || res.Latency[0].Count() != 3 {
			t.Errorf("rest of %v: %+v", rest, res.Seconds)
		}
	}
}

// A worker whose call lasts longer than the others are waited for.
func TestLateSecondsCount(t *testing.T) {
	c := newRecorder(2, true, nil)
	late := c.take(0)
	late.record(1, 1, int64(time.Hour), 5)
	for second := range 10 {
		v := c.take(second)
		v.record(0, 1, 1000, 0)
		c.give(v)
		c.gather()
	}
	c.give(late)
	res := &Result{Elapsed: 10 * time.Second}
	c.finish(res)
	if s := res.Seconds[0]; s.Units != 2 || s.Max != time.Hour {
		t.Errorf("%+v", s)
	}
	if res.Latency[1].Count() != 1 || res.Intended[1].Max() != time.Hour+5 || res.Latency[0].Count() != 10 {
		t.Error("the totals miss it")
	}
}

func TestIntervalsAreUsedAgain(t *testing.T) {
	c := newRecorder(1, false, nil)
	seen := map[*interval]bool{}
	for second := range 50 {
		v := c.take(second)
		if seen[v] = true; v.units != 0 {
			t.Fatal("an interval that is not empty")
		}
		v.record(0, 1, 1000, -1)
		c.give(v)
		c.gather()
	}
	if len(seen) > pendingMax+3 {
		t.Errorf("%d intervals for one worker", len(seen))
	}
}

// BenchmarkSecond is what the watcher does once a second for four workers with
// two kinds of operation.
func BenchmarkSecond(b *testing.B) {
	c := newRecorder(2, false, nil)
	second := 0
	for b.Loop() {
		for range 4 {
			v := c.take(second)
			for n := int64(1); n < 2000; n++ {
				v.record(int(n&1), 1, n*n, -1)
			}
			c.give(v)
		}
		c.gather()
		second++
	}
}
