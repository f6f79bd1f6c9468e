package report

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// YCSB writes the report in the lines of the Java program's text exporter, each
// phase as a run of its own behind a line that names it. Its latencies are whole
// microseconds, cut off, as there.
func YCSB(w io.Writer, r *Report) error {
	var b strings.Builder
	for i := range r.Phases {
		writeYCSB(&b, &r.Phases[i])
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func writeYCSB(b *strings.Builder, p *Phase) {
	fmt.Fprintf(b, "Workload: %s, threads: %d", p.Name, p.Threads)
	if p.TargetRate > 0 {
		fmt.Fprintf(b, ", target: %s", decimal(p.TargetRate))
	}
	b.WriteString("\n")
	line := func(metric, measurement, v string) { fmt.Fprintf(b, "[%s], %s, %s\n", metric, measurement, v) }
	count := func(n int64) string { return strconv.FormatInt(n, 10) }

	line("OVERALL", "RunTime(ms)", count(p.Elapsed.Milliseconds()))
	line("OVERALL", "Throughput(ops/sec)", decimal(p.Throughput))
	line("TOTAL_GCs", "Count", count(p.Usage.Collections))
	line("TOTAL_GC_TIME", "Time(ms)", count(p.Usage.Pauses.Total.Milliseconds()))
	line("TOTAL_GC_TIME_%", "Time(%)", decimal(100*p.Usage.Pauses.Total.Seconds()/max(p.Elapsed.Seconds(), 1e-9)))
	latencies := func(metric string, n int64, l *Latencies) {
		line(metric, "Operations", count(n))
		line(metric, "AverageLatency(us)", decimal(float64(l.Mean)/1e3))
		for _, v := range []struct {
			name    string
			latency time.Duration
		}{
			{"Min", l.Min}, {"Max", l.Max}, {"50thPercentile", l.P50}, {"95thPercentile", l.P95},
			{"99thPercentile", l.P99}, {"99.9Percentile", l.P999}, {"99.99Percentile", l.P9999},
		} {
			line(metric, v.name+"Latency(us)", count(v.latency.Microseconds()))
		}
	}
	for _, k := range p.Kinds {
		name := strings.ToUpper(k.Name)
		latencies(name, k.Count, k.service())
		line(name, "Return=OK", count(k.Count)) // anything else ends a run
		if k.Intended != nil {
			latencies("Intended-"+name, k.Count, k.Intended)
		}
	}
}

func (k *Kind) service() *Latencies {
	return &Latencies{
		Min: k.Min, Mean: k.Mean, P50: k.P50, P95: k.P95, P99: k.P99, P999: k.P999, P9999: k.P9999, Max: k.Max,
		Percentiles: k.Percentiles,
	}
}
