package plot

import (
	"errors"
	"fmt"
	"io"
	"math"
	"time"
)

// Percentiles shows whole distributions of latencies: the further right, the rarer
// the slow call. Each step of its axis (90, 99, 99.9 ...) is ten times rarer.
type Percentiles struct {
	Title   string
	Caption string  // below the figure; may be empty
	Curves  []Curve // 1 to 7
}

// Curve is the latencies of one kind of call, or of one engine.
type Curve struct {
	Name string
	// Service is latencies around the call alone.
	Service []Point
	// Intended is latencies from the moment when the schedule wanted the call to
	// begin, drawn dashed; nil where nothing was scheduled.
	Intended []Point
}

// Point says that the share Quantile (0 to 1) of the calls took no longer than
// Latency. The points of a curve ascend.
type Point struct {
	Quantile float64
	Latency  time.Duration
}

// maxStep is how far behind the rarest percentile the maximum stands: half as rare.
var maxStep = math.Log10(2)

// rarest is the end of the axis: beyond one call in a million there is one point.
const rarest = 6

var (
	errNoCurve = fmt.Errorf("there must be 1 to %d curves", maxSeries)
	errNoPoint = errors.New("a curve has no points")
)

// WriteSVG draws the figure. An error says what cannot be drawn.
func (p *Percentiles) WriteSVG(w io.Writer) error {
	if err := p.validate(); err != nil {
		return fmt.Errorf("plot: percentiles %q: %w", p.Title, err)
	}
	f := newFrame(p.Title, p.keys(), p.Caption)
	area := p.panel(f.top())
	s := newSheet(p.Title, f.height(area.height+36))
	f.draw(s)
	area.columns(s)
	area.levels(s)
	area.columnLabels(s, "percentile of the calls")
	for i, c := range coloursOf(p.names()) {
		s.line(stroke{colour: c, width: 2}, area.curve(p.Curves[i].Service)...)
		if len(p.Curves[i].Intended) > 0 {
			s.line(stroke{c, 2, true}, area.curve(p.Curves[i].Intended)...)
		}
	}
	return s.writeTo(w)
}

func (p *Percentiles) validate() error {
	if len(p.Curves) == 0 || len(p.Curves) > maxSeries {
		return errNoCurve
	}
	for _, c := range p.Curves {
		if len(c.Service) == 0 {
			return fmt.Errorf("%s: %w", c.Name, errNoPoint)
		}
		if err := errors.Join(validatePoints(c.Service), validatePoints(c.Intended)); err != nil {
			return fmt.Errorf("%s: %w", c.Name, err)
		}
	}
	return nil
}

func validatePoints(points []Point) error {
	before := Point{}
	for _, at := range points {
		if !(at.Quantile >= before.Quantile && at.Quantile <= 1) || at.Latency < before.Latency {
			return fmt.Errorf("point %v after %v: quantiles ascend from 0 to 1, latencies from 0", at, before)
		}
		before = at
	}
	return nil
}

func (p *Percentiles) names() []string {
	var names []string
	for _, c := range p.Curves {
		names = append(names, c.Name)
	}
	return names
}

func (p *Percentiles) keys() []key {
	var keys []key
	intended := false
	for i, c := range coloursOf(p.names()) {
		keys = append(keys, key{p.Curves[i].Name, c, solid})
		intended = intended || len(p.Curves[i].Intended) > 0
	}
	if intended {
		keys = append(keys, key{"dashed: counted from when the schedule wanted the call to begin", muted, dashes})
	}
	return keys
}

func (p *Percentiles) panel(top float64) *panel {
	least, most, rarity := math.Inf(1), 0.0, 1.0
	for _, c := range p.Curves {
		for _, at := range append(c.Service[:len(c.Service):len(c.Service)], c.Intended...) {
			least, most = min(least, nanoseconds(at)), max(most, nanoseconds(at))
			if at.Quantile < 1 {
				rarity = max(rarity, -math.Log10(1-at.Quantile))
			}
		}
	}
	up := logarithmic(least, max(most, 2*least), latency)
	x := margin + up.labelsWidth()
	return &panel{
		x: x, y: top, width: sheetWidth - margin - 14 - x, height: 300,
		across: rarityScale(min(rarity, rarest)), up: up,
	}
}

// nanoseconds is a latency as a logarithm can take it.
func nanoseconds(p Point) float64 { return float64(max(p.Latency, 1)) }

// rarityScale is HdrHistogram's axis: the logarithm of 1/(1-quantile), to the
// rarest quantile that was measured, and a step beyond it the maximum.
func rarityScale(end float64) scale {
	s := scale{most: 1, project: func(quantile float64) float64 {
		if quantile == 1 {
			return end + maxStep
		}
		return min(-math.Log10(1-quantile), end+maxStep)
	}}
	for nines, label := range []string{"0", "90", "99", "99.9", "99.99", "99.999", "99.9999"} {
		if float64(nines) <= end+0.01 {
			s.ticks = append(s.ticks, tick{1 - math.Pow(10, float64(-nines)), label})
		}
	}
	s.ticks = append(s.ticks, tick{1, "max"})
	return s
}

// curve is the points on the panel, without those that cannot be seen beside the
// one before. A curve of fewer calls than another reaches its maximum earlier, and
// goes on level: nothing rarer was seen.
func (p *panel) curve(points []Point) []point {
	var line []point
	for i, at := range points {
		to := p.at(at.Quantile, nanoseconds(at))
		if at.Quantile == 1 && i > 0 {
			line = append(line, p.at(1-(1-points[i-1].Quantile)/2, nanoseconds(at)))
		}
		if n := len(line); n > 0 && i < len(points)-1 && math.Hypot(to.x-line[n-1].x, to.y-line[n-1].y) < 0.5 {
			continue
		}
		line = append(line, to)
	}
	return line
}
