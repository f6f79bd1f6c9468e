package plot

import (
	"math"
	"testing"
)

func someBars(s Scale) *Bars {
	return &Bars{
		Title: "Throughput in thousand operations a second", Caption: "Measured on paper.", Scale: s,
		Groups: []string{"load", "C"},
		Series: []Series{
			{"varve", []Bar{{Value: 1000, Min: 900, Max: 1200}, {Value: 40}}},
			{"pebble", []Bar{{Value: 500}, {Value: 5.25, Min: 5.25, Max: 5.25}}},
			{"bbolt", []Bar{{}, {Value: 20}}},
		},
	}
}

// lengths of the bars of an engine, without its block in the legend.
func lengths(d drawing, engine string) []float64 {
	var all []float64
	for _, c := range d.fills[hex(engines[engine])][1:] {
		all = append(all, c[1].x-c[0].x)
	}
	return all
}

func TestBarsHaveTheirLengthsAndLabels(t *testing.T) {
	d := render(t, someBars(Linear))
	d.want(t, "varve", "pebble", "bbolt", "load", "C", "1,000", "500", "40.0", "5.25", "20.0", "–", "Measured on paper.")
	varve, pebble, bbolt := lengths(d, "varve"), lengths(d, "pebble"), lengths(d, "bbolt")
	if len(varve) != 2 || len(pebble) != 2 || len(bbolt) != 1 {
		t.Fatalf("%d, %d and %d bars", len(varve), len(pebble), len(bbolt))
	}
	for i, pair := range [][2]float64{{varve[0], 2 * pebble[0]}, {varve[1], 2 * bbolt[0]}, {varve[0], 25 * varve[1]}} {
		if math.Abs(pair[0]-pair[1]) > 1 {
			t.Errorf("pair %d: %v, not %v", i, pair[0], pair[1])
		}
	}
	if whiskers := len(d.strokes[hex(ink)]); whiskers != 3 { // a line and two ends, of the one bar with a range
		t.Errorf("%d lines of whiskers", whiskers)
	}
}

func TestPerGroupMakesTheLongestOfEachGroupAsLong(t *testing.T) {
	d := render(t, someBars(PerGroup))
	varve, pebble := lengths(d, "varve"), lengths(d, "pebble")
	// The whisker of the first reaches to 1,200.
	if math.Abs(varve[0]/varve[1]-1000.0/1200) > 0.01 || math.Abs(pebble[0]/varve[0]-0.5) > 0.01 {
		t.Errorf("varve %v, pebble %v", varve, pebble)
	}
	d.want(t, axisNotes[PerGroup])
}

func TestLogarithmicBarsShowOrdersOfMagnitude(t *testing.T) {
	d := render(t, someBars(Logarithmic))
	d.want(t, axisNotes[Logarithmic], "10", "100", "1,000", "–")
	varve, pebble := lengths(d, "varve"), lengths(d, "pebble")
	decade := (varve[0] - varve[1]) / math.Log10(25)
	if got := varve[0] - pebble[0]; math.Abs(got-decade*math.Log10(2)) > 1 {
		t.Errorf("half is %v shorter, a decade is %v", got, decade)
	}
	if pebble[1] < 5 {
		t.Errorf("the shortest bar is %v long", pebble[1])
	}
}

func TestOneSeriesHasNoLegend(t *testing.T) {
	b := someBars(Linear)
	b.Series = b.Series[:1]
	if d := render(t, b); len(d.fills[hex(engines["varve"])]) != 2 {
		t.Errorf("%d blocks", len(d.fills[hex(engines["varve"])]))
	}
}

func TestNothingLeavesTheSheet(t *testing.T) {
	b := someBars(Linear)
	b.Groups[0] = "a group whose name is as long as a sentence, and then some more words"
	for name, f := range map[string]Figure{"bars": b, "curves": someCurves(), "timeline": someSeconds(60)} {
		for colour, paths := range render(t, f).fills {
			for _, p := range paths {
				for _, c := range p {
					if c.x < 0 || c.x > sheetWidth || c.y < 0 || math.IsNaN(c.x+c.y) {
						t.Errorf("%s: %s at %v", name, colour, c)
					}
				}
			}
		}
	}
}
