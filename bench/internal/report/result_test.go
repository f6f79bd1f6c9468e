package report

import (
	"slices"
	"testing"
	"time"

	"github.com/varvekv/varve/bench/internal/measure"
)

func TestPercentilesReachAsFarAsTheCount(t *testing.T) {
	for _, count := range []int64{1, 10, 1000, 1_000_000} {
		p := percentilePoints(count)
		if p[0] != 0 || p[len(p)-1] != 1 || !slices.IsSorted(p) {
			t.Errorf("%d: points %v", count, p)
		}
		if last := p[len(p)-2]; (1-last)*float64(count) < 0.5 || (1-last)*float64(count) > 2 {
			t.Errorf("%d: the last point before 1 is %v", count, last)
		}
	}
	if n := len(percentilePoints(10_000_000)); n > 120 {
		t.Errorf("%d points", n)
	}
}

func TestLatenciesOfADistribution(t *testing.T) {
	h := measure.NewHistogram()
	for i := int64(1); i <= 100_000; i++ {
		h.Record(i * 1000)
	}
	l := latenciesOf(h)
	if l.P9999 < 99_980*time.Microsecond || l.P9999 > 100*time.Millisecond || l.Max != 100*time.Millisecond {
		t.Errorf("%+v", l)
	}
	for i, p := range l.Percentiles {
		if want := p.Q * float64(l.Max); float64(p.Latency) < want*0.998 || i > 0 && p.Latency < l.Percentiles[i-1].Latency {
			t.Errorf("percentile %v is %v", p.Q, p.Latency)
		}
	}
}
