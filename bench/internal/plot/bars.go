package plot

import (
	"errors"
	"fmt"
	"io"
	"math"
)

// Bars compares: for each group (a workload) one horizontal bar for each series
// (an engine), with its value beside it.
type Bars struct {
	Title   string // a sentence that says what is measured, in which unit
	Caption string // below the figure: hardware, settings; may be empty
	Scale   Scale
	Groups  []string // from top to bottom
	Series  []Series // 1 to 7, from top to bottom in each group
}

// Series is the values of one engine.
type Series struct {
	Name   string
	Values []Bar // one for each group
}

// Bar is one value, and the least and most of the rounds whose median it is; both
// are 0 where there was one round. The zero Bar is a missing one: a gap with "–".
type Bar struct{ Value, Min, Max float64 }

// Scale is how long a bar is.
type Scale uint8

const (
	Linear      Scale = iota // proportional to the value
	Logarithmic              // where groups differ by orders of magnitude; its axis says so
	PerGroup                 // proportional to the value, the longest of each group as wide as the figure
)

var (
	errNoValue = errors.New("no value is above 0")
	errZeroLog = errors.New("a logarithmic scale has no 0")
)

// maxSeries is how many engines one figure can tell apart.
const maxSeries = 7

// WriteSVG draws the figure. An error says what cannot be drawn.
func (b *Bars) WriteSVG(w io.Writer) error {
	if err := b.validate(); err != nil {
		return fmt.Errorf("plot: bars %q: %w", b.Title, err)
	}
	f := newFrame(b.Title, b.keys(), b.Caption)
	p := b.panel(f.top())
	s := newSheet(b.Title, f.height(p.height+b.axisHeight()))
	f.draw(s)
	p.columns(s)
	p.columnLabels(s, axisNotes[b.Scale])
	b.draw(s, p)
	return s.writeTo(w)
}

func (b *Bars) validate() error {
	if len(b.Groups) == 0 || len(b.Series) == 0 || len(b.Series) > maxSeries {
		return fmt.Errorf("%d groups of %d series; there must be a group, and 1 to %d series", len(b.Groups), len(b.Series), maxSeries)
	}
	if b.Scale > PerGroup {
		return fmt.Errorf("scale %d is unknown", b.Scale)
	}
	if b.longest() == 0 {
		return errNoValue
	}
	for _, series := range b.Series {
		if len(series.Values) != len(b.Groups) {
			return fmt.Errorf("%s has %d values for %d groups", series.Name, len(series.Values), len(b.Groups))
		}
		for i, v := range series.Values {
			if err := v.validate(b.Scale); err != nil {
				return fmt.Errorf("%s, %s: %w", series.Name, b.Groups[i], err)
			}
		}
	}
	return nil
}

func (v Bar) validate(s Scale) error {
	for _, x := range []float64{v.Value, v.Min, v.Max} {
		if !(x >= 0) || math.IsInf(x, 0) {
			return fmt.Errorf("%v is no length of a bar", x)
		}
	}
	if v.ranges() && !(v.Min <= v.Value && v.Value <= v.Max) {
		return fmt.Errorf("%v is not between its least %v and its most %v", v.Value, v.Min, v.Max)
	}
	if s == Logarithmic && !v.missing() && (v.Value == 0 || v.ranges() && v.Min == 0) {
		return errZeroLog
	}
	return nil
}

func (v Bar) missing() bool { return v == Bar{} }

func (v Bar) ranges() bool { return v.Max != 0 || v.Min != 0 }

// end is where nothing more of the bar is drawn.
func (v Bar) end() float64 { return max(v.Value, v.Max) }

func (b *Bars) longest() float64 {
	most := 0.0
	for _, s := range b.Series {
		for _, v := range s.Values {
			most = max(most, v.end())
		}
	}
	return most
}
