package host

import (
	"math"
	"runtime"
	"runtime/metrics"
	"testing"
	"time"
)

func TestPausesBetweenReadings(t *testing.T) {
	h := &metrics.Float64Histogram{
		Counts:  []uint64{4, 7, 9, 2},
		Buckets: []float64{0, 0.001, 0.002, 0.004, math.Inf(1)},
	}
	got := pausesBetween([]uint64{4, 5, 9, 1}, h)
	want := Pauses{Count: 3, Total: 2*2*time.Millisecond + 4*time.Millisecond, Max: 4 * time.Millisecond}
	if got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if p := pausesBetween(h.Counts, h); p != (Pauses{}) {
		t.Errorf("nothing happened: %+v", p)
	}
}

func TestPausesOfACollection(t *testing.T) {
	m := Start()
	runtime.GC()
	if u := m.Stop(); u.Pauses.Count < 1 || u.Pauses.Max <= 0 || u.Pauses.Total < u.Pauses.Max {
		t.Errorf("%+v", u.Pauses)
	}
}
