// Package show puts a summary into words: tables for a terminal or for Markdown,
// CSV and JSON for programs. It computes nothing.
package show

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/varvekv/varve/bench/compare/internal/plan"
	"github.com/varvekv/varve/bench/compare/internal/results"
	"github.com/varvekv/varve/bench/compare/internal/summary"
	"github.com/varvekv/varve/bench/internal/report"
)

// style is how headings and tables are drawn.
type style struct {
	heading func(level int, s string) string
	render  func(table.Writer) string
}

var terminal = style{
	heading: func(_ int, s string) string { return "\n" + s + "\n" },
	render: func(t table.Writer) string {
		t.SetStyle(table.StyleLight)
		t.Style().Format.Header = text.FormatDefault
		return t.Render()
	},
}

var markdown = style{
	heading: func(level int, s string) string { return "\n" + strings.Repeat("#", level) + " " + s + "\n\n" },
	render:  func(t table.Writer) string { return t.RenderMarkdown() },
}

// Terminal writes the summary for people who look at a terminal.
func Terminal(w io.Writer, s *summary.Summary) error { return write(w, s, &terminal) }

// Markdown writes it for documents.
func Markdown(w io.Writer, s *summary.Summary) error { return write(w, s, &markdown) }

func write(w io.Writer, s *summary.Summary, y *style) error {
	var b strings.Builder
	p := &s.Record.Plan
	b.WriteString(y.heading(2, fmt.Sprintf("Comparison %q: rounds: %d, client threads: %d", p.Name, p.Rounds, p.Threads)))
	writeMachine(&b, s)
	for i := range s.Sections {
		writeSection(&b, &s.Sections[i], y)
	}
	writeTrouble(&b, s, y)
	b.WriteString(y.heading(3, "Durability: how each engine obtains it"))
	b.WriteString(durabilities(s.Record.Engines, y) + "\n")
	b.WriteString(y.heading(3, "Settings"))
	b.WriteString(settings(s.Record, y) + "\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// busy is the share of the machine, used by others, from which figures are not to
// be trusted; the kernel's own writing stays below it.
const busy = 0.1

func writeMachine(b *strings.Builder, s *summary.Summary) {
	if s.Ran == nil {
		b.WriteString("No unit has run.\n")
		return
	}
	m := s.Ran.Report.Machine
	fmt.Fprintf(b, "%s, %d cores, %s memory, %s %s, %s, %s; begun %s.\n", m.CPU, m.Cores, report.Bytes(m.MemoryBytes),
		m.System, m.Kernel, m.FileSystem, m.Go, s.Ran.Started.Format("2006-01-02"))
	b.WriteString("Medians over the rounds, [smallest–largest] behind them; ratios are varve's over the peer's, the median of the rounds' own.\n")
	if s.Open > 0 {
		fmt.Fprintf(b, "Not complete: %d units have not run.\n", s.Open)
	}
	if s.OthersMedian > busy {
		fmt.Fprintf(b, "Careful: others used %.0f %% of the machine while units ran, %.0f %% at most: not a quiet machine.\n",
			100*s.OthersMedian, 100*s.OthersMost)
	}
	for _, u := range s.Unsettled {
		fmt.Fprintf(b, "Careful: in %s the engine was read before its background work had come to rest.\n", u)
	}
	if s.Builds > 1 {
		fmt.Fprintf(b, "Careful: %d different builds of this program ran the units.\n", s.Builds)
	}
}

func writeSection(b *strings.Builder, z *summary.Section, y *style) {
	b.WriteString(y.heading(3, Title(z)))
	cut := false
	for _, group := range summary.Groups() {
		rows := z.Group(group)
		if len(rows) == 0 {
			continue
		}
		b.WriteString(y.heading(4, group))
		b.WriteString(sectionTable(z, rows, y) + "\n")
		for _, r := range rows {
			cut = cut || slices.ContainsFunc(r.Cells, func(c summary.Cell) bool { return c.Cut })
		}
	}
	if cut {
		b.WriteString("\n† ended by its time limit, in some round at least: not every record was written.\n")
	}
}

// Title names a section: "200,000 × 100 B, tuned".
func Title(z *summary.Section) string {
	return fmt.Sprintf("%s × %d B, %s", report.Count(int64(z.Size.Records)), z.Size.ValueBytes, z.Profile)
}

func sectionTable(z *summary.Section, rows []*summary.Row, y *style) string {
	t := table.NewWriter()
	header := table.Row{"row"}
	for _, e := range z.Engines {
		header = append(header, e)
	}
	t.AppendHeader(append(header, "best peer", "× best", "× "+summary.Reference, "target"))
	var right []table.ColumnConfig
	for i := range len(z.Engines) + 3 {
		if i != len(z.Engines) { // the best peer's name
			right = append(right, table.ColumnConfig{Number: i + 2, Align: text.AlignRight, AlignHeader: text.AlignRight})
		}
	}
	t.SetColumnConfigs(right)
	for _, r := range rows {
		line := table.Row{r.Metric.Label(r.Name)}
		for _, c := range r.Cells {
			line = append(line, cell(r.Metric, &c))
		}
		t.AppendRow(append(line, r.Best, ratio(r.VsBest), ratio(r.VsPebble), verdicts(r)))
	}
	return y.render(t)
}

func cell(m summary.Metric, c *summary.Cell) string {
	if c.Median == 0 {
		return "-"
	}
	s := m.Format(c.Median)
	if len(c.Rounds) > 1 {
		s += " [" + m.Format(c.Min) + "–" + m.Format(c.Max) + "]"
	}
	if c.Cut {
		s += " †"
	}
	return s
}

func ratio(v float64) string {
	if v == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", v)
}

func verdicts(r *summary.Row) string {
	var all []string
	for _, v := range r.Verdicts {
		mark := "✗"
		if v.Met {
			mark = "✓"
		}
		all = append(all, fmt.Sprintf("%s %s (%.2f)", mark, v.Target, v.Ratio))
	}
	return strings.Join(all, "; ")
}

func writeTrouble(b *strings.Builder, s *summary.Summary, y *style) {
	if len(s.Failures) > 0 {
		b.WriteString(y.heading(3, "Failed units"))
		for _, f := range s.Failures {
			fmt.Fprintf(b, "- %s: %s\n", f.Unit, f.Error)
		}
	}
	for _, l := range s.Left {
		fmt.Fprintf(b, "\n%s is left out of %s: it cannot promise that a write is %s.\n", l.Engine, l.Job, l.Durability)
	}
}

// Preface writes what is known before anything has run: durabilities, settings.
func Preface(w io.Writer, r *results.Record, left []plan.LeftOut) error {
	var b strings.Builder
	b.WriteString("Durability: how each engine obtains it\n" + durabilities(r.Engines, &terminal) + "\n")
	for _, l := range left {
		fmt.Fprintf(&b, "%s is left out of %s: it cannot promise that a write is %s.\n", l.Engine, l.Job, l.Durability)
	}
	b.WriteString("\nSettings\n" + settings(r, &terminal) + "\n")
	_, err := io.WriteString(w, b.String())
	return err
}
