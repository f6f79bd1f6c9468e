package measure

import (
	"testing"
	"time"
)

func TestHistogramTellsWhatWasRecorded(t *testing.T) {
	a, b := NewHistogram(), NewHistogram()
	for i := int64(1); i <= 1000; i++ {
		h := a
		if i%2 == 0 {
			h = b
		}
		h.Record(i * 1000)
	}
	a.Merge(b)
	if a.Count() != 1000 || a.Mean() != 500_500 || a.Max() != time.Millisecond {
		t.Fatalf("count %d, mean %v, max %v", a.Count(), a.Mean(), a.Max())
	}
	for q, want := range map[float64]time.Duration{0.5: 500_000, 0.95: 950_000, 0.99: 990_000, 0.999: 999_000, 1: 1_000_000} {
		if got := a.Quantile(q); got < want || float64(got) > 1.002*float64(want) {
			t.Errorf("quantile %v: %v, want %v", q, got, want)
		}
	}
}

func TestHistogramKeepsWhatIsOutOfRange(t *testing.T) {
	h := NewHistogram()
	h.Record(-5)
	h.Record(int64(time.Hour))
	if h.Count() != 2 || h.Max() != time.Hour {
		t.Fatalf("count %d, max %v", h.Count(), h.Max())
	}
	if q := h.Quantile(1); q < time.Minute || q > 61*time.Second {
		t.Errorf("quantile 1 is %v, want about a minute", q)
	}
}

func TestEmptyHistogram(t *testing.T) {
	h := NewHistogram()
	if h.Mean() != 0 || h.Max() != 0 || h.Quantile(0.99) != 0 {
		t.Error("an empty histogram tells of latencies")
	}
}

func TestClockCost(t *testing.T) {
	if c := NewClock().Cost(); c <= 0 || c > 100*time.Microsecond {
		t.Errorf("a clock reading takes %v", c)
	}
}

func BenchmarkRecord(b *testing.B) {
	h, n := NewHistogram(), int64(0)
	for b.Loop() {
		n = (n + 7919) & (1<<20 - 1)
		h.Record(n)
	}
}

func BenchmarkClock(b *testing.B) {
	c := NewClock()
	for b.Loop() {
		c()
	}
}

func TestResetHistogramIsEmpty(t *testing.T) {
	h := NewHistogram()
	h.Record(1000)
	h.Record(5000)
	if m := h.Min(); m < 999 || m > 1001 {
		t.Errorf("min %v", m)
	}
	h.Reset()
	if h.Count() != 0 || h.Max() != 0 || h.Mean() != 0 || h.Min() != 0 {
		t.Error("a reset histogram tells of latencies")
	}
}

// Nothing is asserted of how late it is: the machine may be busy.
func TestSleeperDoesNotReturnEarly(t *testing.T) {
	s, err := NewSleeper()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []time.Duration{-1, 0, time.Microsecond, 300 * time.Microsecond} {
		start := time.Now()
		if s.Sleep(d); time.Since(start) < d {
			t.Errorf("slept %v, not %v", time.Since(start), d)
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
