package report

import (
	"encoding/csv"
	"io"
	"strconv"
	"time"
)

// CSV writes a line for each kind of operation of each phase, under a line of
// names. Latencies are in nanoseconds; what is known of the phase as a whole
// stands on each of its lines.
func CSV(w io.Writer, r *Report) error {
	c := csv.NewWriter(w)
	var names []string
	for _, col := range csvColumns() {
		names = append(names, col.name)
	}
	if err := c.Write(names); err != nil {
		return err
	}
	for i := range r.Phases {
		p := &r.Phases[i]
		for k := range p.Kinds {
			var line []string
			for _, col := range csvColumns() {
				line = append(line, col.of(r, p, &p.Kinds[k]))
			}
			if err := c.Write(line); err != nil {
				return err
			}
		}
	}
	c.Flush()
	return c.Error()
}

type csvColumn struct {
	name string
	of   func(*Report, *Phase, *Kind) string
}

func csvColumns() []csvColumn {
	all := []csvColumn{
		{"title", func(r *Report, _ *Phase, _ *Kind) string { return r.Title }},
		{"engine", func(r *Report, _ *Phase, _ *Kind) string { return r.Engine }},
		{"started", func(r *Report, _ *Phase, _ *Kind) string { return r.Started.Format(time.RFC3339) }},
		{"phase", func(_ *Report, p *Phase, _ *Kind) string { return p.Name }},
		{"operation", func(_ *Report, _ *Phase, k *Kind) string { return k.Name }},
	}
	all = append(all, kindColumns()...)
	all = append(all, intendedColumns()...)
	return append(all, phaseColumns()...)
}

func kindColumns() []csvColumn {
	number := func(name string, of func(*Kind) int64) csvColumn {
		return csvColumn{name, func(_ *Report, _ *Phase, k *Kind) string { return strconv.FormatInt(of(k), 10) }}
	}
	return []csvColumn{
		number("count", func(k *Kind) int64 { return k.Count }),
		{"ops_per_second", func(_ *Report, _ *Phase, k *Kind) string { return decimal(k.Throughput) }},
		number("min_ns", func(k *Kind) int64 { return int64(k.Min) }),
		number("mean_ns", func(k *Kind) int64 { return int64(k.Mean) }),
		number("p50_ns", func(k *Kind) int64 { return int64(k.P50) }),
		number("p95_ns", func(k *Kind) int64 { return int64(k.P95) }),
		number("p99_ns", func(k *Kind) int64 { return int64(k.P99) }),
		number("p99.9_ns", func(k *Kind) int64 { return int64(k.P999) }),
		number("p99.99_ns", func(k *Kind) int64 { return int64(k.P9999) }),
		number("max_ns", func(k *Kind) int64 { return int64(k.Max) }),
	}
}

// intendedColumns are empty without a target rate.
func intendedColumns() []csvColumn {
	latency := func(name string, of func(*Latencies) time.Duration) csvColumn {
		return csvColumn{"intended_" + name, func(_ *Report, _ *Phase, k *Kind) string {
			if k.Intended == nil {
				return ""
			}
			return strconv.FormatInt(int64(of(k.Intended)), 10)
		}}
	}
	return []csvColumn{
		latency("mean_ns", func(l *Latencies) time.Duration { return l.Mean }),
		latency("p50_ns", func(l *Latencies) time.Duration { return l.P50 }),
		latency("p95_ns", func(l *Latencies) time.Duration { return l.P95 }),
		latency("p99_ns", func(l *Latencies) time.Duration { return l.P99 }),
		latency("p99.9_ns", func(l *Latencies) time.Duration { return l.P999 }),
		latency("p99.99_ns", func(l *Latencies) time.Duration { return l.P9999 }),
		latency("max_ns", func(l *Latencies) time.Duration { return l.Max }),
	}
}

func phaseColumns() []csvColumn {
	number := func(name string, of func(*Phase) int64) csvColumn {
		return csvColumn{name, func(_ *Report, p *Phase, _ *Kind) string { return strconv.FormatInt(of(p), 10) }}
	}
	fraction := func(name string, of func(*Phase) float64) csvColumn {
		return csvColumn{name, func(_ *Report, p *Phase, _ *Kind) string { return decimal(of(p)) }}
	}
	return []csvColumn{
		number("phase_threads", func(p *Phase) int64 { return int64(p.Threads) }),
		number("phase_elapsed_ns", func(p *Phase) int64 { return int64(p.Elapsed) }),
		number("phase_units", func(p *Phase) int64 { return p.Units }),
		fraction("phase_ops_per_second", func(p *Phase) float64 { return p.Throughput }),
		fraction("phase_target_rate", func(p *Phase) float64 { return p.TargetRate }),
		number("phase_cpu_ns_per_op", func(p *Phase) int64 { return int64(p.CPUPerUnit()) }),
		fraction("write_amplification", (*Phase).WriteAmplification),
		fraction("read_amplification", (*Phase).ReadAmplification),
		fraction("space_amplification", (*Phase).SpaceAmplification),
		number("user_bytes", func(p *Phase) int64 { return p.UserBytes }),
		number("written_bytes", func(p *Phase) int64 { return p.Traffic.Bytes() }),
		number("log_bytes", func(p *Phase) int64 { return p.Traffic.LogBytes }),
		number("table_bytes", func(p *Phase) int64 { return p.Traffic.TableBytes }),
		number("returned_bytes", func(p *Phase) int64 { return p.ReadBytes }),
		number("file_read_bytes", func(p *Phase) int64 { return p.Traffic.ReadBytes }),
		number("syncs", func(p *Phase) int64 { return p.Traffic.Syncs }),
		number("disk_bytes", func(p *Phase) int64 { return p.DiskBytes }),
		number("live_bytes", func(p *Phase) int64 { return p.LiveBytes }),
		number("peak_rss_bytes", func(p *Phase) int64 { return p.Usage.PeakRSSBytes }),
		number("heap_bytes", func(p *Phase) int64 { return p.Usage.HeapBytes }),
		number("gc_pauses", func(p *Phase) int64 { return p.Usage.Pauses.Count }),
		number("gc_pause_ns", func(p *Phase) int64 { return int64(p.Usage.Pauses.Total) }),
		number("gc_pause_max_ns", func(p *Phase) int64 { return int64(p.Usage.Pauses.Max) }),
		number("stalls", func(p *Phase) int64 { return p.Stalls.Waited }),
		number("paced", func(p *Phase) int64 { return p.Stalls.Paced }),
		number("stall_ns", func(p *Phase) int64 { return int64(p.Stalls.Time) }),
	}
}

func decimal(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
