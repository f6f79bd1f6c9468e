package picture

import "github.com/varvekv/varve/bench/internal/plot"

// Cell is the throughput of one engine in one row, in operations a second: the
// median of its rounds, and the least and most of them. The zero Cell is an engine
// that has no such row.
type Cell struct{ Median, Min, Max float64 }

// Compare draws the throughput of engines (up to seven; ours first) in some rows, in
// thousand operations a second. Rows differ by orders of magnitude and only ratios
// inside a row mean anything on a noisy machine, so each row has its own length.
func Compare(title, caption string, engines, rows []string, cell func(engine, row int) Cell) *plot.Bars {
	b := &plot.Bars{Title: title, Caption: caption, Groups: rows, Scale: plot.PerGroup}
	for e, name := range engines {
		s := plot.Series{Name: name}
		for r := range rows {
			c := cell(e, r)
			s.Values = append(s.Values, plot.Bar{Value: c.Median / 1000, Min: c.Min / 1000, Max: c.Max / 1000})
		}
		b.Series = append(b.Series, s)
	}
	return b
}
