package picture

import (
	"fmt"
	"time"

	"github.com/varvekv/varve/bench/internal/plot"
	"github.com/varvekv/varve/bench/internal/report"
)

// manyTimes is how much faster the fastest phase may be than the slowest before
// the slowest could not be seen beside it.
const manyTimes = 200

// throughput is nil for a report without phases that did anything.
func throughput(r *report.Report) plot.Figure {
	b := &plot.Bars{
		Title:   fmt.Sprintf("%s on %s: throughput in thousand operations a second", r.Title, r.Engine),
		Caption: Caption(r),
		Series:  []plot.Series{{Name: r.Engine}},
	}
	most, least := 0.0, 0.0
	for _, p := range r.Phases {
		if p.Throughput <= 0 {
			continue
		}
		b.Groups = append(b.Groups, p.Name)
		b.Series[0].Values = append(b.Series[0].Values, plot.Bar{Value: p.Throughput / 1000})
		most = max(most, p.Throughput)
		if least == 0 || p.Throughput < least {
			least = p.Throughput
		}
	}
	if len(b.Groups) == 0 {
		return nil
	}
	if most > manyTimes*least {
		b.Scale = plot.Logarithmic
	}
	return b
}

// percentiles is nil where no distribution is known.
func percentiles(r *report.Report, p *report.Phase) plot.Figure {
	f := &plot.Percentiles{
		Title:   fmt.Sprintf("%s %s on %s: latency by percentile", r.Title, p.Name, r.Engine),
		Caption: Caption(r),
	}
	for i := range p.Kinds {
		if c := Curve(p.Kinds[i].Name, &p.Kinds[i]); len(c.Service) > 0 {
			f.Curves = append(f.Curves, c)
		}
	}
	if len(f.Curves) == 0 {
		return nil
	}
	return f
}

// Curve is the latencies of one kind of operation, under a name: its own beside
// other kinds, the engine's beside other engines.
func Curve(name string, k *report.Kind) plot.Curve {
	c := plot.Curve{Name: name, Service: points(k.Percentiles)}
	if k.Intended != nil {
		c.Intended = points(k.Intended.Percentiles)
	}
	return c
}

func points(percentiles []report.Percentile) []plot.Point {
	var all []plot.Point
	for _, p := range percentiles {
		all = append(all, plot.Point{Quantile: p.Q, Latency: p.Latency})
	}
	return all
}

// shortestInterval is what a rate can be told of: the rest that ends a phase may be
// shorter, and its rate is mostly chance.
const shortestInterval = 200 * time.Millisecond

// timeline is nil for a phase that was over before there was anything to see.
func timeline(r *report.Report, p *report.Phase) plot.Figure {
	f := &plot.Timeline{
		Title:   fmt.Sprintf("%s %s on %s, second by second", r.Title, p.Name, r.Engine),
		Caption: Caption(r), Engine: r.Engine,
	}
	units := int64(0)
	for i, s := range p.Series {
		end := p.Elapsed
		if i+1 < len(p.Series) {
			end = p.Series[i+1].At
		}
		if end-s.At < shortestInterval {
			continue
		}
		units += s.Units
		f.Intervals = append(f.Intervals, plot.Interval{
			Begin: s.At, End: end, Throughput: float64(s.Units) / (end - s.At).Seconds(), P99: s.P99, Max: s.Max,
		})
	}
	if len(f.Intervals) < 2 || units == 0 {
		return nil
	}
	for _, s := range p.Spans {
		f.Spans = append(f.Spans, plot.Span{Kind: plot.Kind(s.Kind), Begin: s.Begin, End: s.End})
	}
	return f
}
