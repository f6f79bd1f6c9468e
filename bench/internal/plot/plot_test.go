package plot

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

// drawing is what a reader of an SVG finds in it.
type drawing struct {
	texts   []string
	fills   map[string][][]point // the corners of filled paths, by colour
	strokes map[string][]string  // the data of stroked paths, by colour
	dashed  int
	// translucent counts filled paths of any colour that let others through.
	translucent int
	bytes       int
}

func render(t *testing.T, f Figure) drawing {
	t.Helper()
	var first, second bytes.Buffer
	if err := errors.Join(f.WriteSVG(&first), f.WriteSVG(&second)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("the same figure is not the same bytes")
	}
	return read(t, first.String())
}

func read(t *testing.T, svg string) drawing {
	t.Helper()
	d := drawing{fills: map[string][][]point{}, strokes: map[string][]string{}, bytes: len(svg)}
	decoder := xml.NewDecoder(strings.NewReader(svg))
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return d
		}
		if err != nil {
			t.Fatalf("not well-formed: %v\n%s", err, svg)
		}
		switch e := token.(type) {
		case xml.CharData:
			if text := strings.TrimSpace(string(e)); text != "" {
				d.texts = append(d.texts, text)
			}
		case xml.StartElement:
			d.add(e)
		}
	}
}

func (d *drawing) add(e xml.StartElement) {
	if e.Name.Local != "path" {
		return
	}
	var data string
	style := map[string]string{}
	for _, a := range e.Attr {
		switch a.Name.Local {
		case "d":
			data = a.Value
		case "style":
			for _, property := range strings.Split(a.Value, ";") {
				name, value, _ := strings.Cut(property, ":")
				style[name] = value
			}
		}
	}
	if style["stroke-dasharray"] != "" {
		d.dashed++
	}
	if colour, ok := style["stroke"]; ok {
		d.strokes[colour] = append(d.strokes[colour], data)
		return
	}
	if style["fill-opacity"] != "" {
		d.translucent++
	}
	d.fills[style["fill"]] = append(d.fills[style["fill"]], corners(data))
}

func corners(data string) []point {
	var points []point
	for _, step := range strings.FieldsFunc(data, func(r rune) bool { return strings.ContainsRune("MLZ", r) }) {
		var p point
		if _, err := fmt.Sscanf(step, "%g,%g", &p.x, &p.y); err == nil {
			points = append(points, p)
		}
	}
	return points
}

func (d *drawing) want(t *testing.T, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !slices.Contains(d.texts, text) {
			t.Errorf("no %q among %q", text, d.texts)
		}
	}
}

// figures is one of each kind.
func figures() map[string]Figure {
	return map[string]Figure{"bars": someBars(Linear), "percentiles": someCurves(), "timeline": someSeconds(60)}
}

func TestTitleAndCaptionAreEscapedAndWrapped(t *testing.T) {
	b := someBars(Linear)
	b.Title = strings.Repeat("reads & <writes> ", 10)
	b.Caption = strings.Repeat("ext4 ", 60)
	d := render(t, b)
	title := strings.Join(strings.Fields(b.Title), " ")
	if d.texts[0] != title {
		t.Errorf("the document is called %q", d.texts[0])
	}
	d.want(t, wrap(bold(titleSize), title, contentsWidth)...)
	if lines := wrap(regular(smallSize), b.Caption, contentsWidth); len(lines) < 2 || textWidth(regular(smallSize), lines[0]) > contentsWidth {
		t.Errorf("%q", lines)
	}
}

func TestFigureIsALightCardOfOneWidth(t *testing.T) {
	for name, f := range figures() {
		var b bytes.Buffer
		if err := f.WriteSVG(&b); err != nil {
			t.Fatal(err)
		}
		head, _, _ := strings.Cut(b.String(), "<g")
		for _, want := range []string{`width="840"`, `viewBox="0 0 840 `, `fill="#FFFFFF"`, "Helvetica,Arial", "<title>"} {
			if !strings.Contains(head, want) {
				t.Errorf("%s: no %s in %s", name, want, head)
			}
		}
		if strings.Contains(b.String(), "font-family:") {
			t.Errorf("%s: a text insists on a font", name)
		}
		if b.Len() > 60<<10 {
			t.Errorf("%s: %d bytes", name, b.Len())
		}
	}
}

var errFull = errors.New("disk full")

type fullDisk struct{ room int }

func (w *fullDisk) Write(p []byte) (int, error) {
	if len(p) > w.room {
		return w.room, errFull
	}
	w.room -= len(p)
	return len(p), nil
}

func TestWriteErrorIsReturned(t *testing.T) {
	for name, f := range figures() {
		for _, room := range []int{0, 600} {
			if err := f.WriteSVG(&fullDisk{room}); !errors.Is(err, errFull) {
				t.Errorf("%s, room for %d: %v", name, room, err)
			}
		}
	}
}

func TestUnusableInputIsAnErrorAndWritesNothing(t *testing.T) {
	nan, s := math.NaN(), time.Second
	bar := func(v Bar) *Bars { return &Bars{Groups: []string{"A"}, Series: []Series{{"x", []Bar{v}}}} }
	curve := func(p ...Point) *Percentiles { return &Percentiles{Curves: []Curve{{"x", p, nil}}} }
	line := func(i ...Interval) *Timeline { return &Timeline{Intervals: i} }
	for name, f := range map[string]Figure{
		"no groups":                 &Bars{Series: []Series{{"x", nil}}},
		"no series":                 &Bars{Groups: []string{"A"}},
		"too many series":           &Bars{Groups: []string{"A"}, Series: slices.Repeat([]Series{{"x", []Bar{{1, 0, 0}}}}, 8)},
		"no values":                 bar(Bar{}),
		"NaN":                       bar(Bar{Value: nan}),
		"negative":                  bar(Bar{Value: -1}),
		"infinite":                  bar(Bar{Value: math.Inf(1)}),
		"median outside":            bar(Bar{5, 1, 4}),
		"a value too few":           &Bars{Groups: []string{"A", "B"}, Series: []Series{{"x", []Bar{{1, 0, 0}}}}},
		"unknown scale":             &Bars{Groups: []string{"A"}, Series: []Series{{"x", []Bar{{1, 0, 0}}}}, Scale: 9},
		"logarithm of 0":            &Bars{Groups: []string{"A"}, Series: []Series{{"x", []Bar{{0, 0, 7}}}}, Scale: Logarithmic},
		"no curves":                 &Percentiles{},
		"no points":                 curve(),
		"quantile above 1":          curve(Point{1.1, s}),
		"quantile NaN":              curve(Point{nan, s}),
		"quantiles descend":         curve(Point{0.5, s}, Point{0.4, s}),
		"latencies descend":         curve(Point{0.5, s}, Point{0.6, 1}),
		"negative latency":          curve(Point{0.5, -1}),
		"intended descends":         &Percentiles{Curves: []Curve{{"x", []Point{{0, 1}}, []Point{{1, 2}, {0, 3}}}}},
		"no intervals":              line(),
		"nothing done":              line(Interval{End: s}),
		"empty interval":            line(Interval{Throughput: 1}),
		"overlap":                   line(Interval{0, s, 1, 1, 1}, Interval{s / 2, 2 * s, 1, 1, 1}),
		"throughput NaN":            line(Interval{0, s, nan, 1, 1}),
		"negative throughput":       line(Interval{0, s, -1, 1, 1}),
		"p99 above the maximum":     line(Interval{0, s, 1, 2, 1}),
		"negative p99":              line(Interval{0, s, 1, -2, 1}),
		"span ends before it began": &Timeline{Intervals: []Interval{{0, s, 1, 1, 1}}, Spans: []Span{{Flush, s, 0}}},
		"unknown span":              &Timeline{Intervals: []Interval{{0, s, 1, 1, 1}}, Spans: []Span{{"rain", 0, s}}},
	} {
		var b bytes.Buffer
		if err := f.WriteSVG(&b); err == nil || b.Len() > 0 {
			t.Errorf("%s: error %v, %d bytes written", name, err, b.Len())
		}
	}
}
