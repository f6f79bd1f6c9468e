// Package plot draws figures as SVG: Bars compares, Percentiles shows a whole
// distribution of latencies, Timeline shows a run second by second. They are made
// for a README: one size, their own light background, colours that a colour-blind
// reader can tell apart, the same colour for the same engine everywhere.
//
// The same figure is the same bytes: no date, no chance, no font of the machine.
// The package writes to an io.Writer and never to a file. What cannot be drawn
// (nothing at all, a NaN, a negative latency) is an error and writes nothing.
//
//	b := plot.Bars{
//		Title:  "YCSB throughput in thousand operations a second",
//		Groups: []string{"A", "C"},
//		Series: []plot.Series{{Name: "varve", Values: []plot.Bar{{Value: 769}, {Value: 1450}}}},
//	}
//	err := b.WriteSVG(w)
//
// Of gonum's plot it uses the canvas, not the charts: those come with writers of
// PDF, TIFF and TeX and twelve fonts, 6 MB in every program that can plot.
package plot

import "io"

// Figure is what can be drawn.
type Figure interface {
	// WriteSVG writes the figure as one SVG document.
	WriteSVG(w io.Writer) error
}

var (
	_ Figure = (*Bars)(nil)
	_ Figure = (*Percentiles)(nil)
	_ Figure = (*Timeline)(nil)
)
