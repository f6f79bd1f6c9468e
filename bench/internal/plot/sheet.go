package plot

import (
	"bytes"
	"errors"
	"fmt"
	"html"
	"image/color"
	"io"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/vgsvg"
)

// sheet is a figure being drawn. Lengths are pixels; y grows downwards, as in SVG.
type sheet struct {
	canvas *vgsvg.Canvas
	title  string
	height float64
}

// sheetWidth fits the text column of a README.
const sheetWidth = 840

type point struct{ x, y float64 }

// stroke is how a line looks.
type stroke struct {
	colour color.NRGBA
	width  float64
	dashed bool
}

// anchor is which part of a text stands at its point.
type anchor float64

const (
	left   anchor = 0
	middle anchor = 0.5
	right  anchor = 1
)

func newSheet(title string, height float64) *sheet {
	return &sheet{canvas: vgsvg.New(sheetWidth, vg.Length(height)), title: title, height: height}
}

func (s *sheet) at(p point) vg.Point {
	return vg.Point{X: vg.Length(p.x), Y: vg.Length(s.height - p.y)}
}

func (s *sheet) rectangle(x, y, width, height float64, fill color.NRGBA) {
	p := s.path([]point{{x, y}, {x + width, y}, {x + width, y + height}, {x, y + height}})
	p.Close()
	s.canvas.SetColor(fill)
	s.canvas.Fill(p)
}

func (s *sheet) line(look stroke, points ...point) {
	var dashes []vg.Length
	if look.dashed {
		dashes = []vg.Length{5, 3}
	}
	s.canvas.SetColor(look.colour)
	s.canvas.SetLineWidth(vg.Length(look.width))
	s.canvas.SetLineDash(dashes, 0)
	s.canvas.Stroke(s.path(points))
}

func (s *sheet) path(points []point) vg.Path {
	var p vg.Path
	for i, to := range points {
		if i == 0 {
			p.Move(s.at(to))
			continue
		}
		p.Line(s.at(to))
	}
	return p
}

// text writes one line whose letters stand on at.y.
func (s *sheet) text(f font.Face, colour color.NRGBA, at point, a anchor, t string) {
	at.x -= float64(a) * textWidth(f, t)
	s.canvas.SetColor(colour)
	s.canvas.FillString(f, s.at(at), t)
}

// What vgsvg says of a font, which is the same for all texts but the bold ones.
const (
	fontName   = "font-family:Liberation Sans;font-variant:normal;"
	fontNormal = "font-weight:normal;font-style:normal;"
	fontBold   = "font-weight:bold;font-style:normal;"
)

var errNoDrawing = errors.New("plot: the canvas's SVG has no drawing in it")

// writeTo writes the document under a head of its own: vgsvg's measures in points,
// which a browser shows a third larger, and knows neither a title nor fonts that
// stand in for one another.
func (s *sheet) writeTo(w io.Writer) error {
	var b bytes.Buffer
	if _, err := s.canvas.WriteTo(&b); err != nil {
		return fmt.Errorf("plot: render: %w", err)
	}
	drawing := bytes.Index(b.Bytes(), []byte("<g "))
	if drawing < 0 {
		return errNoDrawing
	}
	svg := b.Bytes()[drawing:]
	svg = bytes.ReplaceAll(svg, []byte(fontName), nil)
	svg = bytes.ReplaceAll(svg, []byte(fontNormal), nil)
	svg = bytes.ReplaceAll(svg, []byte(fontBold), []byte("font-weight:bold;"))
	svg = bytes.ReplaceAll(svg, []byte("\n\tstyle="), []byte(" style="))
	if _, err := io.WriteString(w, s.head()); err != nil {
		return fmt.Errorf("plot: write: %w", err)
	}
	if _, err := w.Write(svg); err != nil {
		return fmt.Errorf("plot: write: %w", err)
	}
	return nil
}

// head opens the document on a light card: readable on a dark page, unseen on a
// white one but for its border.
func (s *sheet) head() string {
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%.5g" viewBox="0 0 %[1]d %.5[2]g" role="img" font-family="%s">
<title>%s</title>
<rect x="0.5" y="0.5" width="%d" height="%.5g" rx="6" fill="%s" stroke="%s"/>
`, sheetWidth, s.height, fontFamilies, html.EscapeString(s.title), sheetWidth-1, s.height-1, hex(paper), hex(border))
}

func hex(c color.NRGBA) string { return fmt.Sprintf("#%02X%02X%02X", c.R, c.G, c.B) }
