package plot

import (
	"math"
	"testing"
	"time"
)

func someCurves() *Percentiles {
	var service, intended []Point
	for rest := 1.0; rest > 1e-5; rest /= 1.2 {
		l := time.Duration(800 / rest)
		service = append(service, Point{1 - rest, l})
		intended = append(intended, Point{1 - rest, 3 * l})
	}
	end := service[len(service)-1].Latency
	return &Percentiles{
		Title: "Latency of workload A by percentile",
		Curves: []Curve{
			{"read", append(service, Point{1, 2 * end}), append(intended, Point{1, 6 * end})},
			{"update", []Point{{0, 900}, {0.99, 2 * time.Millisecond}, {1, 3 * time.Millisecond}}, nil},
		},
	}
}

func TestPercentilesHaveAxesAndCurves(t *testing.T) {
	d := render(t, someCurves())
	d.want(t, "read", "update", "0", "90", "99", "99.9", "99.99", "max", "1µs", "10µs", "1ms", "100ms", "percentile of the calls")
	if d.dashed != 2 { // the curve and its key
		t.Errorf("%d dashed lines", d.dashed)
	}
	for i, name := range []string{"read", "update"} {
		if n := len(d.strokes[hex(others[i])]); n != 3-i { // read has an intended one
			t.Errorf("%s: %d lines", name, n)
		}
	}
}

func TestRarityAxisGivesEachNineTheSameRoom(t *testing.T) {
	s := rarityScale(4)
	step := s.share(0.9) - s.share(0)
	for _, pair := range [][2]float64{{0.9, 0.99}, {0.99, 0.999}, {0.999, 0.9999}} {
		if got := s.share(pair[1]) - s.share(pair[0]); math.Abs(got-step) > 1e-9 {
			t.Errorf("%v: %v, want %v", pair, got, step)
		}
	}
	if s.share(0) != 0 || s.share(1) != 1 || s.share(0.99999) != 1 {
		t.Errorf("ends at %v, %v; beyond its end %v", s.share(0), s.share(1), s.share(0.99999))
	}
}

func TestCurveOfFewCallsEndsLevel(t *testing.T) {
	p := someCurves()
	area := p.panel(0)
	line := area.curve(p.Curves[1].Service)
	if n := len(line); n != 4 || line[n-2].y != line[n-1].y || line[n-2].x > area.atX(0.999) || line[n-1].x != area.x+area.width {
		t.Errorf("%v", line)
	}
}

func TestCurveOfOneLatencyCanBeDrawn(t *testing.T) {
	for _, l := range []time.Duration{0, 1, time.Hour} {
		render(t, &Percentiles{Curves: []Curve{{"read", []Point{{1, l}}, nil}}})
	}
}
