package plot

import (
	"errors"
	"fmt"
	"image/color"
	"io"
	"slices"
	"time"
)

// Timeline shows a run as it went: throughput above, latencies below, and behind
// both when the engine flushed, compacted and held writers back.
type Timeline struct {
	Title     string
	Caption   string // below the figure; may be empty
	Engine    string // whose run it is; gives the throughput its colour
	Intervals []Interval
	Spans     []Span // in any order; what lies outside the intervals is cut off
}

// Interval is one stretch of the run, mostly a second. Intervals ascend and do not
// overlap. One in which no call ended has no latencies (both 0): a gap.
type Interval struct {
	Begin, End time.Duration // from the run's beginning
	Throughput float64       // operations a second
	P99, Max   time.Duration
}

// Span is a stretch of the engine's own work, or of writers being held back.
type Span struct {
	Kind       Kind
	Begin, End time.Duration // from the run's beginning; may begin before it
}

// Kind is what a span is.
type Kind string

const (
	Compaction Kind = "compaction" // tables are merged
	Flush      Kind = "flush"      // a memtable becomes tables
	Stall      Kind = "stall"      // writers are held back
)

var (
	errNoInterval = errors.New("there are no intervals")
	errNoCalls    = errors.New("no interval has a throughput")
)

// WriteSVG draws the figure. An error says what cannot be drawn.
func (t *Timeline) WriteSVG(w io.Writer) error {
	if err := t.validate(); err != nil {
		return fmt.Errorf("plot: timeline %q: %w", t.Title, err)
	}
	intervals := fold(t.Intervals)
	f := newFrame(t.Title, t.keys(), t.Caption)
	upper, lower := timelinePanels(intervals, t.Spans, f.top())
	s := newSheet(t.Title, f.height(lower.y+lower.height+36-f.top()))
	f.draw(s)
	for _, p := range []*panel{upper, lower} {
		p.bands(s, t.Spans)
		p.levels(s)
	}
	upper.lanes(s, t.Spans)
	lower.columnLabels(s, "seconds since the workload began")
	upper.heading(s, throughputHeading(intervals))
	lower.heading(s, "latency")
	drawIntervals(s, upper, intervals, stroke{colour: t.colour(), width: 2}, throughputOf(intervals))
	drawIntervals(s, lower, intervals, stroke{colour: maxColour, width: 1.5}, maxOf)
	drawIntervals(s, lower, intervals, stroke{colour: p99Colour, width: 1.5}, p99Of)
	return s.writeTo(w)
}

func (t *Timeline) colour() color.NRGBA { return coloursOf([]string{t.Engine})[0] }

func (t *Timeline) validate() error {
	if len(t.Intervals) == 0 {
		return errNoInterval
	}
	end, sum := t.Intervals[0].Begin, 0.0
	for _, i := range t.Intervals {
		if i.Begin < end || i.End <= i.Begin {
			return fmt.Errorf("interval %v to %v behind %v", i.Begin, i.End, end)
		}
		if !(i.Throughput >= 0 && i.Throughput < 1e15) || i.P99 < 0 || i.Max < i.P99 {
			return fmt.Errorf("interval at %v: %v operations a second, p99 %v, max %v", i.Begin, i.Throughput, i.P99, i.Max)
		}
		end = i.End
		sum += i.Throughput
	}
	if sum == 0 {
		return errNoCalls
	}
	for _, s := range t.Spans {
		if s.End < s.Begin || !slices.ContainsFunc(bandLooks[:], func(l bandLook) bool { return l.kind == s.Kind }) {
			return fmt.Errorf("span of kind %q from %v to %v", s.Kind, s.Begin, s.End)
		}
	}
	return nil
}

func (t *Timeline) keys() []key {
	keys := []key{
		{"throughput", t.colour(), solid}, {"p99", p99Colour, solid}, {"longest call", maxColour, solid},
	}
	for _, look := range lanesOf(t.Spans) {
		keys = append(keys, key{look.name, look.colour, band})
	}
	return keys
}

// maxIntervals is how many can be told apart; a longer run is folded.
const maxIntervals = 400

// fold joins neighbours until few enough are left: throughput is their mean by
// time, latencies are the worst of them.
func fold(intervals []Interval) []Interval {
	for len(intervals) > maxIntervals {
		half := make([]Interval, 0, (len(intervals)+1)/2)
		for i := 0; i < len(intervals); i += 2 {
			joined := intervals[i]
			if i+1 < len(intervals) {
				joined = join(joined, intervals[i+1])
			}
			half = append(half, joined)
		}
		intervals = half
	}
	return intervals
}

func join(a, b Interval) Interval {
	lengthA, lengthB := (a.End - a.Begin).Seconds(), (b.End - b.Begin).Seconds()
	return Interval{
		Begin: a.Begin, End: b.End,
		Throughput: (a.Throughput*lengthA + b.Throughput*lengthB) / (lengthA + lengthB),
		P99:        max(a.P99, b.P99), Max: max(a.Max, b.Max),
	}
}
