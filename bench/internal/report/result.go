package report

import (
	"time"

	"github.com/varvekv/varve/bench/internal/driver"
	"github.com/varvekv/varve/bench/internal/measure"
)

// FromResult takes over what the driver measured, kinds that did not occur left out.
func FromResult(r *driver.Result) Phase {
	p := Phase{
		Name: r.Name, Threads: r.Threads, Elapsed: r.Elapsed, Units: r.Units,
		Throughput: r.Throughput(), TargetRate: r.TargetRate, TimedOut: r.TimedOut,
	}
	for i, s := range r.Seconds {
		p.Series = append(p.Series, Second{At: time.Duration(i) * time.Second, Units: s.Units, P50: s.P50, P99: s.P99, Max: s.Max})
	}
	for k, h := range r.Latency {
		if h.Count() == 0 {
			continue
		}
		l := latenciesOf(h)
		kind := Kind{
			Name: r.Kinds[k], Count: h.Count(), Throughput: float64(h.Count()) / r.Elapsed.Seconds(),
			Min: l.Min, Mean: l.Mean, P50: l.P50, P95: l.P95, P99: l.P99, P999: l.P999, P9999: l.P9999, Max: l.Max,
			Percentiles: l.Percentiles,
		}
		if r.Intended != nil {
			intended := latenciesOf(r.Intended[k])
			kind.Intended = &intended
		}
		p.Kinds = append(p.Kinds, kind)
	}
	return p
}

func latenciesOf(h *measure.Histogram) Latencies {
	l := Latencies{
		Min: h.Min(), Mean: h.Mean(), P50: h.Quantile(0.5), P95: h.Quantile(0.95), P99: h.Quantile(0.99),
		P999: h.Quantile(0.999), P9999: h.Quantile(0.9999), Max: h.Max(),
	}
	for _, q := range percentilePoints(h.Count()) {
		l.Percentiles = append(l.Percentiles, Percentile{Q: q, Latency: h.Quantile(q)})
	}
	return l
}

// ticksPerHalf is how many points lie between 1 - x and 1 - x/2, for each x that
// is a power of 1/2: equally dense on the axis that percentile plots use.
const ticksPerHalf = 4

// percentilePoints is the shares at which a distribution of so many is worth
// looking at: from 0 to where one call is left beyond, and 1.
func percentilePoints(count int64) []float64 {
	var points []float64
	for rest := 1.0; rest*float64(count) >= 1; rest /= 2 {
		for tick := range ticksPerHalf {
			points = append(points, 1-rest*(1-float64(tick)/(2*ticksPerHalf)))
		}
	}
	return append(points, 1)
}
