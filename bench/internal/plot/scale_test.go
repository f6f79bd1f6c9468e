package plot

import (
	"math"
	"testing"
	"time"
)

func TestNumbersAndTicks(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 0.4: "0.40", 9.99: "9.99", 9.996: "10.0", 99.94: "99.9", 99.96: "100", 1450.4: "1,450", 19_300_000: "19,300,000",
	} {
		if got := number(v); got != want {
			t.Errorf("%v: %s, want %s", v, got, want)
		}
	}
	for v, want := range map[float64]string{0: "0", 0.2: "0.2", 2.5: "2.5", 1500: "1,500", 0.30000000000000004: "0.3"} {
		if got := plain(v); got != want {
			t.Errorf("%v: %s, want %s", v, got, want)
		}
	}
	for v, want := range map[time.Duration]string{
		50: "50ns", time.Microsecond: "1µs", 200 * time.Microsecond: "200µs", 10 * time.Millisecond: "10ms", 100 * time.Second: "100s",
	} {
		if got := latency(float64(v)); got != want {
			t.Errorf("%v: %s, want %s", v, got, want)
		}
	}
}

func TestTicksAreRoundAndWithinTheirScale(t *testing.T) {
	for _, most := range []float64{0.003, 1, 7, 99, 1566, 2e7} {
		s := linear(most, 6)
		checkTicks(t, &s, 4, 13)
		s.toTick()
		if s.most < most || s.ticks[len(s.ticks)-1].value < most*0.9999 {
			t.Errorf("to %v: ends at %v with %v", most, s.most, s.ticks)
		}
	}
	for _, ends := range [][2]float64{{1, 2}, {300, 900}, {80, 4e6}, {5, 6e12}, {999, 1001}} {
		s := logarithmic(ends[0], ends[1], latency)
		checkTicks(t, &s, 2, 13)
		if s.least > ends[0]*1.001 || s.most < ends[1]*0.999 {
			t.Errorf("%v: from %v to %v", ends, s.least, s.most)
		}
	}
}

func checkTicks(t *testing.T, s *scale, least, most int) {
	t.Helper()
	if len(s.ticks) < least || len(s.ticks) > most {
		t.Errorf("%v to %v: %d ticks", s.least, s.most, len(s.ticks))
	}
	before := math.Inf(-1)
	for _, k := range s.ticks {
		if k.value <= before || k.value > s.most*1.001 || k.value < s.least*0.999 {
			t.Errorf("%v to %v: tick at %v behind %v", s.least, s.most, k.value, before)
		}
		before = k.value
	}
}
