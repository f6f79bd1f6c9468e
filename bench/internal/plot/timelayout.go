package plot

import (
	"cmp"
	"image/color"
	"math"
	"slices"
)

var (
	p99Colour = ink
	maxColour = axis
)

type bandLook struct {
	kind   Kind
	name   string
	colour color.NRGBA
}

// bandLooks is the order of the lanes.
var bandLooks = [...]bandLook{
	{Flush, "flush", rgb(0x5b9bd0)},
	{Compaction, "compaction", rgb(0xc3a24c)},
	{Stall, "writers held back", rgb(0xd9605a)},
}

// Spans are drawn twice: each kind in a lane of its own, where nothing hides it,
// and faintly behind the lines, which shows what goes with what.
const (
	laneHeight = 8
	laneStep   = 11
	behind     = 0x22 // how much of a colour is seen behind the lines, of 0xff
)

func timelinePanels(intervals []Interval, spans []Span, top float64) (upper, lower *panel) {
	most, least, longest := 0.0, math.Inf(1), 0.0
	for _, i := range intervals {
		most = max(most, i.Throughput)
		longest = max(longest, float64(i.Max))
		if i.P99 > 0 {
			least = min(least, float64(i.P99))
		}
	}
	least = min(least, max(longest, 1)) // no interval may have a latency
	upper = &panel{y: top + 16, height: 140, up: linear(most/throughputUnit(intervals), 4)}
	upper.up.toTick()
	lanes := float64(laneStep * len(lanesOf(spans)))
	lower = &panel{y: upper.y + upper.height + 36 + lanes, height: 170, up: logarithmic(least, max(longest, 2*least), latency)}
	x := margin + max(upper.up.labelsWidth(), lower.up.labelsWidth())
	seconds := linear(intervals[len(intervals)-1].End.Seconds(), 10)
	seconds.least = intervals[0].Begin.Seconds()
	for _, p := range []*panel{upper, lower} {
		p.x, p.width, p.across = x, sheetWidth-margin-14-x, seconds
	}
	return upper, lower
}

// throughputUnit is 1,000 operations, or 1 where there are few.
func throughputUnit(intervals []Interval) float64 {
	most := 0.0
	for _, i := range intervals {
		most = max(most, i.Throughput)
	}
	if most >= 5000 {
		return 1000
	}
	return 1
}

func throughputHeading(intervals []Interval) string {
	if throughputUnit(intervals) == 1 {
		return "operations a second"
	}
	return "thousand operations a second"
}

func (p *panel) heading(s *sheet, t string) {
	s.text(regular(smallSize), muted, point{p.x, p.y - 8}, left, t)
}

// lanesOf is the kinds that occur.
func lanesOf(spans []Span) []bandLook {
	var lanes []bandLook
	for _, look := range bandLooks {
		if slices.ContainsFunc(spans, func(s Span) bool { return s.Kind == look.kind }) {
			lanes = append(lanes, look)
		}
	}
	return lanes
}

// bands draws the spans behind a panel.
func (p *panel) bands(s *sheet, spans []Span) {
	for _, look := range lanesOf(spans) {
		for _, x := range p.stretches(spans, look.kind) {
			s.rectangle(x.from, p.y, x.to-x.from, p.height, faint(look.colour, behind))
		}
	}
}

// lanes draws the spans below a panel, a lane for each kind.
func (p *panel) lanes(s *sheet, spans []Span) {
	y := p.y + p.height + 8
	for _, look := range lanesOf(spans) {
		s.rectangle(p.x, y, p.width, laneHeight, lane)
		for _, x := range p.stretches(spans, look.kind) {
			s.rectangle(x.from, y, x.to-x.from, laneHeight, look.colour)
		}
		y += laneStep
	}
}

// stretch is a span on the sheet. Those of a kind that touch or cannot be told
// apart are one: a run of hours has very many.
type stretch struct{ from, to float64 }

// thinnest is how narrow a band can be and be seen.
const thinnest = 1.0

func (p *panel) stretches(spans []Span, kind Kind) []stretch {
	var all []stretch
	for _, s := range spans {
		from, to := p.atX(s.Begin.Seconds()), p.atX(s.End.Seconds())
		outside := s.End.Seconds() <= p.across.least || s.Begin.Seconds() >= p.across.most
		if s.Kind == kind && !outside {
			all = append(all, stretch{from, min(max(to, from+thinnest), p.x+p.width)})
		}
	}
	slices.SortFunc(all, func(a, b stretch) int { return cmp.Compare(a.from, b.from) })
	var joined []stretch
	for _, x := range all {
		if n := len(joined); n > 0 && x.from <= joined[n-1].to+thinnest/2 {
			joined[n-1].to = max(joined[n-1].to, x.to)
			continue
		}
		joined = append(joined, x)
	}
	return joined
}

func throughputOf(intervals []Interval) func(Interval) float64 {
	unit := throughputUnit(intervals)
	return func(i Interval) float64 { return i.Throughput / unit }
}

func p99Of(i Interval) float64 { return latencyOf(float64(i.P99), i) }

func maxOf(i Interval) float64 { return latencyOf(float64(i.Max), i) }

// latencyOf is NaN where no call ended.
func latencyOf(v float64, i Interval) float64 {
	if i.Max == 0 {
		return math.NaN()
	}
	return max(v, 1)
}

// drawIntervals draws a level line over each interval, joined to its neighbours':
// what was counted over a second is not known any closer. NaN breaks the line.
func drawIntervals(s *sheet, p *panel, intervals []Interval, look stroke, value func(Interval) float64) {
	var line []point
	draw := func() {
		if len(line) > 0 {
			s.line(look, line...)
		}
		line = nil
	}
	for _, i := range intervals {
		v := value(i)
		if math.IsNaN(v) {
			draw()
			continue
		}
		line = append(line, p.at(i.Begin.Seconds(), v), p.at(i.End.Seconds(), v))
	}
	draw()
}
