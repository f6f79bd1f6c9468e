package host

import (
	"math"
	"runtime/metrics"
	"time"
)

// Pauses is how Go's collector stopped the program. Count is exact; Total and
// Max are as coarse as the runtime's histogram: up to a quarter too much.
type Pauses struct {
	Count int64         `json:"count"`
	Total time.Duration `json:"total_ns"`
	Max   time.Duration `json:"max_ns"`
}

// pausesMetric is every stop for the collector, from the decision to stop until
// the program runs again. There are two or so for each collection.
const pausesMetric = "/sched/pauses/total/gc:seconds"

type pauseMeter struct{ before []uint64 }

func startPauses() *pauseMeter {
	m := &pauseMeter{}
	if h := readPauses(); h != nil {
		m.before = append(m.before, h.Counts...)
	}
	return m
}

func (m *pauseMeter) stop() Pauses {
	h := readPauses()
	if h == nil || len(h.Counts) != len(m.before) {
		return Pauses{}
	}
	return pausesBetween(m.before, h)
}

// readPauses is nil where the runtime does not know the metric.
func readPauses() *metrics.Float64Histogram {
	s := []metrics.Sample{{Name: pausesMetric}}
	metrics.Read(s)
	if s[0].Value.Kind() != metrics.KindFloat64Histogram {
		return nil
	}
	return s[0].Value.Float64Histogram()
}

func pausesBetween(before []uint64, h *metrics.Float64Histogram) Pauses {
	var p Pauses
	for i, n := range h.Counts {
		n -= before[i]
		if n == 0 {
			continue
		}
		upper := bucketTop(h.Buckets, i)
		p.Count += int64(n)
		p.Total += time.Duration(n) * upper
		p.Max = upper // buckets ascend
	}
	return p
}

// bucketTop is the upper end of a bucket; of the last one, which is endless,
// the lower.
func bucketTop(bounds []float64, i int) time.Duration {
	top := bounds[i+1]
	if math.IsInf(top, 1) {
		top = bounds[i]
	}
	return time.Duration(top * float64(time.Second))
}
