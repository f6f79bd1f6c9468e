package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// Table writes the report for people: what it ran on, latencies, resources.
func Table(w io.Writer, r *Report) error {
	var b strings.Builder
	writeHeader(&b, r)
	b.WriteString("\n" + latencyTable(r.Phases) + "\n\n" + resourceTable(r.Phases) + "\n")
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
	b.WriteString("\n ")
	for _, o := range r.Options {
		fmt.Fprintf(b, " %s=%s", o.Name, o.Value)
	}
	fmt.Fprintf(b, "\n  one clock reading takes %v; a latency contains about one\n", r.Clock)
	if f := r.Flush; f != nil {
		fmt.Fprintf(b, "  append of 128 B and flush: median %s, p99 %s\n", Latency(f.Median), Latency(f.P99))
	}
}

func orUnknown(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}

func latencyTable(phases []Phase) string {
	t := newTable("workload", "threads", "operation", "count", "ops/s", "mean", "p50", "p95", "p99", "p99.9", "max")
	for _, p := range phases {
		if len(p.Kinds) != 1 || p.Units != p.Kinds[0].Count {
			t.AppendRow(table.Row{p.Name, p.Threads, "all", Count(p.Units), Count(int64(p.Throughput))})
		}
		for _, k := range p.Kinds {
			t.AppendRow(table.Row{
				p.Name, p.Threads, k.Name, Count(k.Count), Count(int64(k.Throughput)), Latency(k.Mean),
				Latency(k.P50), Latency(k.P95), Latency(k.P99), Latency(k.P999), Latency(k.Max),
			})
		}
		t.AppendSeparator()
	}
	return t.Render()
}

func resourceTable(phases []Phase) string {
	t := newTable("workload", "", "time", "CPU/op", "user data", "log", "tables", "write amp",
		"flushes", "disk", "space amp", "peak RSS", "RSS", "Go heap", "allocs/op")
	for _, p := range phases {
		t.AppendRow(table.Row{
			p.Name, ended(&p), fmt.Sprintf("%.1fs", p.Elapsed.Seconds()), Latency(p.CPUPerUnit()),
			Bytes(p.UserBytes), Bytes(p.Traffic.LogBytes), Bytes(p.Traffic.TableBytes),
			times(p.WriteAmplification()), Count(p.Traffic.Syncs),
			Bytes(p.DiskBytes), times(p.SpaceAmplification()),
			Bytes(p.Usage.PeakRSSBytes), Bytes(p.Usage.RSSBytes), Bytes(p.Usage.HeapBytes),
			fmt.Sprintf("%.2f", float64(p.Usage.Allocations)/float64(max(1, p.Units))),
		})
	}
	if len(phases) > 1 {
		t.AppendFooter(totalRow(phases))
	}
	return t.Render()
}

// totalRow sums what can be summed: work begun in one phase is often paid for in
// the next, so the amplification of them all is the one to quote.
func totalRow(phases []Phase) table.Row {
	var sum Phase
	for _, p := range phases {
		sum.Elapsed += p.Elapsed
		sum.Usage.CPU += p.Usage.CPU
		sum.Units += p.Units
		sum.UserBytes += p.UserBytes
		sum.Traffic = sum.Traffic.Add(p.Traffic)
		sum.Usage.PeakRSSBytes = max(sum.Usage.PeakRSSBytes, p.Usage.PeakRSSBytes)
	}
	return table.Row{
		"all", "", fmt.Sprintf("%.1fs", sum.Elapsed.Seconds()), Latency(sum.CPUPerUnit()),
		Bytes(sum.UserBytes), Bytes(sum.Traffic.LogBytes), Bytes(sum.Traffic.TableBytes),
		times(sum.WriteAmplification()), Count(sum.Traffic.Syncs), "", "", Bytes(sum.Usage.PeakRSSBytes),
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
