package plot

import (
	"math"
	"strings"
	"testing"
	"time"
)

// someSeconds has no calls in second 7, in which writers are held back.
func someSeconds(n int) *Timeline {
	line := &Timeline{Title: "The load, second by second", Engine: "varve"}
	for i := range n {
		begin := time.Duration(i) * time.Second
		at := Interval{begin, begin + time.Second, 700_000 + 1000*float64(i%9), 20_000, 3_000_000}
		if i == 7 {
			at.Throughput, at.P99, at.Max = 0, 0, 0
			line.Spans = append(line.Spans, Span{Stall, begin, begin + time.Second})
		}
		line.Intervals = append(line.Intervals, at)
		line.Spans = append(line.Spans, Span{Flush, begin, begin + 300*time.Millisecond})
	}
	line.Spans = append(line.Spans,
		Span{Compaction, -time.Second, 2 * time.Second}, Span{Compaction, time.Second, 3 * time.Second}, // overlap: one band
		Span{Compaction, 5 * time.Second, 5 * time.Second},                                           // too short to see, and shown
		Span{Compaction, -2 * time.Second, -time.Second}, Span{Compaction, time.Hour, 2 * time.Hour}) // outside
	return line
}

func TestTimelineShowsSpansInLanesAndBehindBothPanels(t *testing.T) {
	d := render(t, someSeconds(10))
	d.want(t, "throughput", "p99", "longest call", "flush", "compaction", "writers held back",
		"thousand operations a second", "latency", "seconds since the workload began", "0", "800", "10", "100µs", "1ms")
	wanted := map[Kind]int{Flush: 10, Compaction: 2, Stall: 1}
	for _, look := range bandLooks {
		want := wanted[look.kind] + 1 // the lane and the legend
		if got := len(d.fills[hex(look.colour)]); got != want {
			t.Errorf("%s: %d bands, want %d", look.name, got, want)
		}
	}
	if d.translucent != 2*(10+2+1) { // behind two panels
		t.Errorf("%d translucent bands", d.translucent)
	}
}

func TestLongerSpanHidesNoOther(t *testing.T) {
	line := someSeconds(10)
	line.Spans = []Span{{Flush, 2 * time.Second, 3 * time.Second}, {Stall, 0, 10 * time.Second}}
	d := render(t, line)
	flushes, stalls := d.fills[hex(bandLooks[0].colour)], d.fills[hex(bandLooks[2].colour)]
	lane := func(paths [][]point) (y float64) {
		for _, p := range paths {
			if p[0].x > 40 && math.Abs(p[0].y-p[2].y) == laneHeight {
				y = p[0].y
			}
		}
		return y
	}
	if f, s := lane(flushes), lane(stalls); f == 0 || s == 0 || math.Abs(f-s) < laneHeight {
		t.Errorf("flushes lie at %v, stalls at %v", f, s)
	}
}

func TestSecondWithoutCallsIsAGapInTheLatencies(t *testing.T) {
	d := render(t, someSeconds(10))
	if got := len(d.strokes[hex(p99Colour)]); got != 3 { // before, behind, legend
		t.Errorf("%d lines of p99", got)
	}
	throughput := d.strokes[hex(engines["varve"])]
	if len(throughput) != 2 || strings.Count(throughput[1], "L") != 19 {
		t.Errorf("throughput is broken: %q", throughput)
	}
}

func TestKindsThatDidNotOccurAreNotInTheLegend(t *testing.T) {
	line := someSeconds(5)
	line.Spans = nil
	for _, text := range render(t, line).texts {
		if text == "flush" || text == "compaction" || text == "writers held back" {
			t.Errorf("%s is in the legend", text)
		}
	}
}

func TestHoursAreFolded(t *testing.T) {
	line := someSeconds(20_000)
	line.Intervals[9999].Max = time.Minute
	d := render(t, line)
	if d.bytes > 60<<10 {
		t.Errorf("%d bytes", d.bytes)
	}
	d.want(t, "10s") // the longest call is not folded away
}

func TestFoldKeepsTheMeanAndTheWorst(t *testing.T) {
	var all []Interval
	for i := range 1001 {
		begin := time.Duration(i) * time.Second
		all = append(all, Interval{begin, begin + time.Second, float64(i % 2), time.Duration(i), time.Duration(2 * i)})
	}
	folded := fold(all)
	if len(folded) > maxIntervals || folded[0].Begin != 0 || folded[len(folded)-1].End != 1001*time.Second {
		t.Fatalf("%d intervals, %v to %v", len(folded), folded[0].Begin, folded[len(folded)-1].End)
	}
	if f := folded[0]; f.Throughput != 0.5 || f.P99 != 3 || f.Max != 6 {
		t.Errorf("%+v", f)
	}
}

func TestFewOperationsAreNotCountedInThousands(t *testing.T) {
	line := &Timeline{Intervals: []Interval{{0, time.Second, 12, 0, 0}}} // and no latency is known
	d := render(t, line)
	d.want(t, "operations a second", "15")
}
