package show

import (
	"fmt"
	"slices"

	"github.com/varvekv/varve/bench/compare/internal/summary"
	"github.com/varvekv/varve/bench/internal/picture"
	"github.com/varvekv/varve/bench/internal/plot"
	"github.com/varvekv/varve/bench/internal/report"
)

// drawn are the rows whose latencies are drawn, all engines in one figure.
var drawn = []string{"load", "tail", "fillsync-1"}

// enginesMax is as many engines as one figure can tell apart.
const enginesMax = 7

// Pictures is the summary drawn: throughput by job, and latencies of writes.
func Pictures(s *summary.Summary) (all []picture.Picture) {
	for i := range s.Sections {
		z := &s.Sections[i]
		for _, j := range s.Record.Plan.Jobs {
			if p := bars(s, z, j.Name); p != nil {
				all = append(all, *p)
			}
			for _, row := range j.Rows {
				if p := latencies(s, z, j.Name, row); p != nil {
					all = append(all, *p)
				}
			}
		}
	}
	return all
}

// bars is nil where the job measured no throughput in this section.
func bars(s *summary.Summary, z *summary.Section, job string) *picture.Picture {
	var rows []*summary.Row
	var names []string
	for _, r := range z.Group(summary.Throughput.Group()) {
		if r.Job == job {
			rows, names = append(rows, r), append(names, r.Name)
		}
	}
	if len(rows) == 0 {
		return nil
	}
	engines := z.Engines[:min(enginesMax, len(z.Engines))]
	title := fmt.Sprintf("Throughput in thousand operations a second: %s", Title(z))
	return &picture.Picture{
		Name: fmt.Sprintf("throughput-%v-%s-%s", z.Size, z.Profile, job),
		Figure: picture.Compare(title, caption(s), engines, names, func(engine, row int) picture.Cell {
			c := rows[row].Cells[engine]
			if len(c.Rounds) < 2 {
				return picture.Cell{Median: c.Median}
			}
			return picture.Cell{Median: c.Median, Min: c.Min, Max: c.Max}
		}),
	}
}

// latencies is nil for rows that are not drawn, and where no distribution is known.
func latencies(s *summary.Summary, z *summary.Section, job, row string) *picture.Picture {
	if !slices.Contains(drawn, row) {
		return nil
	}
	f := &plot.Percentiles{
		Title:   fmt.Sprintf("Latency of a write by percentile, %s: %s", row, Title(z)),
		Caption: caption(s),
	}
	for _, e := range z.Engines[:min(enginesMax, len(z.Engines))] {
		if k := z.Slowest(job, row, e); k != nil && len(k.Percentiles) > 0 {
			f.Curves = append(f.Curves, picture.Curve(e, k))
		}
	}
	if len(f.Curves) == 0 {
		return nil
	}
	return &picture.Picture{Name: fmt.Sprintf("latency-%v-%s-%s-%s", z.Size, z.Profile, job, row), Figure: f}
}

func caption(s *summary.Summary) string {
	if s.Ran == nil {
		return ""
	}
	r := report.Report{Machine: s.Ran.Report.Machine, Started: s.Ran.Started}
	p := &s.Record.Plan
	return fmt.Sprintf("%s Plan %s, rounds: %d, client threads: %d.", picture.Caption(&r), p.Name, p.Rounds, p.Threads)
}
