package report

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// Table writes the report for people: what it ran on, latencies, resources.
func Table(w io.Writer, r *Report) error {
	var b strings.Builder
	writeHeader(&b, r)
	for _, t := range []string{latencyTable(r.Phases), trafficTable(r.Phases), processTable(r.Phases)} {
		b.WriteString("\n" + t + "\n")
	}
	writeTargets(&b, r.Phases)
	writeStalls(&b, r.Phases)
	writeNotes(&b, r)
	_, err := io.WriteString(w, b.String())
	return err
}

func writeHeader(b *strings.Builder, r *Report) {
	m := r.Machine
	fmt.Fprintf(b, "%s · %s · %s\n", r.Title, r.Engine, r.Started.Format(time.RFC3339))
	fmt.Fprintf(b, "  %s, %d cores, %s memory, %s %s, %s, %s", orUnknown(m.CPU), m.Cores,
		Bytes(m.MemoryBytes), m.System, m.Kernel, orUnknown(m.FileSystem), m.Go)
	if m.Revision != "" {
		fmt.Fprintf(b, ", revision %s", m.Revision)
	}
	b.WriteString("\n")
	writeOptions(b, r.Options)
	fmt.Fprintf(b, "  one clock reading takes %v; a latency contains about one\n", r.Clock)
	if f := r.Flush; f != nil {
		fmt.Fprintf(b, "  appending 128 B and flushing them takes %s in the median, %s at p99\n", Latency(f.Median), Latency(f.P99))
	}
}

// optionColumns is where lines of options break.
const optionColumns = 120

func writeOptions(b *strings.Builder, options []Option) {
	line := " "
	for _, o := range options {
		next := " " + o.Name + "=" + o.Value
		if len(line)+len(next) > optionColumns {
			b.WriteString(line + "\n")
			line = " "
		}
		line += next
	}
	b.WriteString(line + "\n")
}

func orUnknown(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}

func latencyTable(phases []Phase) string {
	t := newTable("workload", "threads", "operation", "count", "ops/s", "mean", "p50", "p95", "p99", "p99.9", "p99.99", "max")
	for i := range phases {
		p := &phases[i]
		if len(p.Kinds) != 1 || p.Units != p.Kinds[0].Count {
			t.AppendRow(table.Row{p.Name, p.Threads, "all", Count(p.Units), Count(int64(p.Throughput))})
		}
		for j := range p.Kinds {
			k := &p.Kinds[j]
			counts := table.Row{p.Name, p.Threads, k.Name, Count(k.Count), Count(int64(k.Throughput))}
			t.AppendRow(append(counts, latencyCells(k.service())...))
			if k.Intended != nil {
				row := table.Row{"", "", "  as scheduled", "", ""}
				t.AppendRow(append(row, latencyCells(k.Intended)...))
			}
		}
		t.AppendSeparator()
	}
	return t.Render()
}

func latencyCells(l *Latencies) table.Row {
	return table.Row{
		Latency(l.Mean), Latency(l.P50), Latency(l.P95), Latency(l.P99), Latency(l.P999), Latency(l.P9999), Latency(l.Max),
	}
}

// trafficTable is what went to the file system and came from it.
func trafficTable(phases []Phase) string {
	t := newTable("workload", "", "time", "user wrote", "log", "tables", "write amp", "user read", "files read", "read amp",
		"syncs", "disk", "space amp")
	for i := range phases {
		p := &phases[i]
		t.AppendRow(table.Row{
			p.Name, ended(p), fmt.Sprintf("%.1fs", p.Elapsed.Seconds()),
			Bytes(p.UserBytes), Bytes(p.Traffic.LogBytes), Bytes(p.Traffic.TableBytes), times(p.WriteAmplification()),
			Bytes(p.ReadBytes), Bytes(p.Traffic.ReadBytes), times(p.ReadAmplification()),
			Count(p.Traffic.Syncs), Bytes(p.DiskBytes), times(p.SpaceAmplification()),
		})
	}
	if len(phases) > 1 {
		sum := total(phases)
		t.AppendFooter(table.Row{
			"all", "", fmt.Sprintf("%.1fs", sum.Elapsed.Seconds()),
			Bytes(sum.UserBytes), Bytes(sum.Traffic.LogBytes), Bytes(sum.Traffic.TableBytes), times(sum.WriteAmplification()),
			Bytes(sum.ReadBytes), Bytes(sum.Traffic.ReadBytes), "", Count(sum.Traffic.Syncs),
		})
	}
	return t.Render()
}

// processTable is what the process used, and how the engine held it back.
func processTable(phases []Phase) string {
	t := newTable("workload", "CPU/op", "allocs/op", "peak RSS", "RSS", "Go heap", "GC", "pauses", "longest",
		"flushes", "compactions", "stalls", "paced", "held back")
	for i := range phases {
		p := &phases[i]
		t.AppendRow(append(processCells(p), Bytes(p.Usage.RSSBytes), Bytes(p.Usage.HeapBytes), Count(p.Usage.Collections),
			Latency(p.Usage.Pauses.Total), Latency(p.Usage.Pauses.Max),
			count(p.Spans, SpanFlush), count(p.Spans, SpanCompaction),
			Count(p.Stalls.Waited), Count(p.Stalls.Paced), Latency(p.Stalls.Time)))
	}
	if len(phases) > 1 {
		sum := total(phases)
		sum.Name = "all"
		t.AppendFooter(processCells(&sum))
	}
	return t.Render()
}

func processCells(p *Phase) table.Row {
	return table.Row{
		p.Name, Latency(p.CPUPerUnit()), fmt.Sprintf("%.2f", float64(p.Usage.Allocations)/float64(max(1, p.Units))),
		Bytes(p.Usage.PeakRSSBytes),
	}
}

func count(spans []Span, kind string) string {
	n := int64(0)
	for _, s := range spans {
		if s.Kind == kind && !s.GoesOn {
			n++
		}
	}
	return Count(n)
}

// total sums what can be summed: work begun in one phase is often paid for in
// the next, so the amplification of them all is the one to quote.
func total(phases []Phase) (sum Phase) {
	for _, p := range phases {
		sum.Elapsed += p.Elapsed
		sum.Usage.CPU += p.Usage.CPU
		sum.Usage.Allocations += p.Usage.Allocations
		sum.Units += p.Units
		sum.UserBytes += p.UserBytes
		sum.ReadBytes += p.ReadBytes
		sum.Traffic = sum.Traffic.Add(p.Traffic)
		sum.Usage.PeakRSSBytes = max(sum.Usage.PeakRSSBytes, p.Usage.PeakRSSBytes)
	}
	return sum
}

// writeTargets tells which phases ran by a schedule.
func writeTargets(b *strings.Builder, phases []Phase) {
	for _, p := range phases {
		if p.TargetRate > 0 {
			fmt.Fprintf(b, "%s: %s ops/s were scheduled; the latencies \"as scheduled\" count from when a call was to begin\n",
				p.Name, Count(int64(p.TargetRate)))
		}
	}
}

// writeStalls tells for how long each reason to hold writers back was in force.
func writeStalls(b *strings.Builder, phases []Phase) {
	for _, p := range phases {
		for i, reason := range slices.Sorted(maps.Keys(p.Stalls.Reasons)) {
			before := ", "
			if i == 0 {
				before = p.Name + ": writers were held back for "
			}
			fmt.Fprintf(b, "%s%s (%s)", before, reason, Latency(p.Stalls.Reasons[reason]))
		}
		if len(p.Stalls.Reasons) > 0 {
			b.WriteString("\n")
		}
	}
}

// ended tells in a word what bounded a phase.
func ended(p *Phase) string {
	if p.TimedOut {
		return "by time"
	}
	return "by count"
}

func newTable(columns ...string) table.Writer {
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.Style().Format.Header, t.Style().Format.Footer = text.FormatDefault, text.FormatDefault
	t.Style().Options.SeparateRows = false
	header := table.Row{}
	var configs []table.ColumnConfig
	for i, c := range columns {
		header = append(header, c)
		if c != "workload" && c != "operation" {
			configs = append(configs, table.ColumnConfig{Number: i + 1, Align: text.AlignRight, AlignHeader: text.AlignRight, AlignFooter: text.AlignRight})
		}
	}
	t.AppendHeader(header)
	t.SetColumnConfigs(configs)
	return t
}

func writeNotes(b *strings.Builder, r *Report) {
	for _, n := range r.Notes {
		fmt.Fprintf(b, "%s\n", n)
	}
	if r.Metrics != "" {
		fmt.Fprintf(b, "\n%s at the end:\n%s\n", r.Engine, strings.TrimRight(r.Metrics, "\n"))
	}
	fmt.Fprintf(b, "took %.1fs\n", r.Duration.Seconds())
}
