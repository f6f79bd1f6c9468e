// Package summary turns the outcomes of a comparison into figures: medians over
// rounds, their spread, ratios, and whether our targets are met. It shows nothing.
package summary

import (
	"cmp"
	"slices"

	"github.com/varvekv/varve/bench/compare/internal/child"
	"github.com/varvekv/varve/bench/compare/internal/peer"
	"github.com/varvekv/varve/bench/compare/internal/plan"
	"github.com/varvekv/varve/bench/compare/internal/results"
	"github.com/varvekv/varve/bench/internal/report"
)

// Ours is the engine that the others are compared with; Reference the peer that
// is always named beside the best one.
const (
	Ours      = "varve"
	Reference = "pebble"
)

// Summary is what a comparison brought.
type Summary struct {
	Record   *results.Record `json:"record"`
	Sections []Section       `json:"sections"`
	Failures []Failure       `json:"failures,omitempty"`
	Left     []plan.LeftOut  `json:"left_out,omitempty"`
	// Unsettled names the units in which an engine was read before it had worked
	// off what was written.
	Unsettled []string `json:"unsettled,omitempty"`
	// Others is the share of the machine that others used while units ran, 0 to
	// 1: in the middle of the units, and at most.
	OthersMedian float64          `json:"others_median"`
	OthersMost   float64          `json:"others_most"`
	Open         int              `json:"open,omitempty"`   // units that have not run
	Builds       int              `json:"builds,omitempty"` // how many builds of the program ran units
	Ran          *results.Outcome `json:"-"`                // one that ran, for the machine; nil where none did
}

// Failure is a unit that did not run to its end.
type Failure struct {
	Unit  string `json:"unit"`
	Error string `json:"error"`
}

// Section is what was measured at one size with one profile.
type Section struct {
	Size    plan.Size    `json:"size"`
	Profile peer.Profile `json:"profile"`
	Engines []string     `json:"engines"` // the order of cells
	Rows    []Row        `json:"rows"`

	outcomes []*results.Outcome // those that went well, by round
}

// Row is one metric of one row, engine by engine.
type Row struct {
	Job      string    `json:"job"`
	Name     string    `json:"name"`
	Metric   Metric    `json:"metric"`
	Cells    []Cell    `json:"cells"` // by engine
	Best     string    `json:"best_peer,omitempty"`
	VsBest   float64   `json:"vs_best_peer,omitempty"` // ours over theirs; 0: one is missing
	VsPebble float64   `json:"vs_pebble,omitempty"`
	Verdicts []Verdict `json:"targets,omitempty"`
}

// Cell is one engine's values over the rounds.
type Cell struct {
	Rounds map[int]float64 `json:"rounds"` // by number, those that succeeded
	Median float64         `json:"median"` // 0: there is none
	Min    float64         `json:"min"`
	Max    float64         `json:"max"`
	Cut    bool            `json:"cut,omitempty"` // in some round a time limit ended the load
}

// Make sums a comparison up.
func Make(d *results.Directory, r *results.Record, units []plan.Unit, left []plan.LeftOut) *Summary {
	s := &Summary{Record: r, Left: left}
	builds := map[string]bool{}
	var others []float64
	for i := range units {
		o := d.Outcome(&units[i])
		switch {
		case o == nil:
			s.Open++
			continue
		case o.Failed():
			s.Failures = append(s.Failures, Failure{Unit: units[i].ID(), Error: o.Error})
		default:
			s.Ran = o
			s.take(o)
		}
		builds[o.Build] = true
		others = append(others, o.Others)
	}
	s.Builds = len(builds)
	if len(others) > 0 {
		s.OthersMedian, s.OthersMost = median(others), slices.Max(others)
	}
	for i := range s.Sections {
		s.Sections[i].finish()
	}
	return s
}

func (s *Summary) take(o *results.Outcome) {
	if slices.ContainsFunc(o.Report.Phases, func(p report.Phase) bool { return p.Settling >= child.SettleMax }) {
		s.Unsettled = append(s.Unsettled, o.Unit.ID())
	}
	z := s.section(&o.Unit)
	z.outcomes = append(z.outcomes, o)
	column := slices.Index(z.Engines, o.Unit.Engine)
	for _, m := range measurements(o) {
		c := &z.row(o.Unit.Job.Name, m.row, m.metric).Cells[column]
		if c.Rounds == nil {
			c.Rounds = map[int]float64{}
		}
		c.Rounds[o.Unit.Round] = m.value
		c.Cut = c.Cut || m.cut
	}
}

func (s *Summary) section(u *plan.Unit) *Section {
	for i := range s.Sections {
		if z := &s.Sections[i]; z.Size == u.Size && z.Profile == u.Profile {
			return z
		}
	}
	s.Sections = append(s.Sections, Section{Size: u.Size, Profile: u.Profile, Engines: s.Record.Plan.Engines})
	return &s.Sections[len(s.Sections)-1]
}

// row is found or made.
func (z *Section) row(job, name string, m Metric) *Row {
	if r := z.find(job, name, m); r != nil {
		return r
	}
	z.Rows = append(z.Rows, Row{Job: job, Name: name, Metric: m, Cells: make([]Cell, len(z.Engines))})
	return &z.Rows[len(z.Rows)-1]
}

func (z *Section) find(job, name string, m Metric) *Row {
	for i := range z.Rows {
		if r := &z.Rows[i]; r.Job == job && r.Name == name && r.Metric == m {
			return r
		}
	}
	return nil
}

// finish makes figures of values.
func (z *Section) finish() {
	for i := range z.Rows {
		r := &z.Rows[i]
		for j := range r.Cells {
			r.Cells[j].finish()
		}
		if best := z.best(r, nil); best >= 0 {
			r.Best, r.VsBest = z.Engines[best], z.ratio(r, z.Engines[best])
		}
		r.VsPebble = z.ratio(r, Reference)
	}
	for i := range z.Rows {
		z.Rows[i].Verdicts = z.judge(&z.Rows[i])
	}
}

func (c *Cell) finish() {
	var values []float64
	for _, v := range c.Rounds {
		values = append(values, v)
	}
	if len(values) == 0 {
		return
	}
	c.Median, c.Min, c.Max = median(values), slices.Min(values), slices.Max(values)
}

func median(values []float64) float64 {
	s := slices.Sorted(slices.Values(values))
	if n := len(s); n%2 == 1 {
		return s[n/2]
	} else {
		return (s[n/2-1] + s[n/2]) / 2
	}
}

// best is the peer with the best median among those allowed (nil: all); -1
// where there is none.
func (z *Section) best(r *Row, allowed func(engine string) bool) int {
	best := -1
	for i, e := range z.Engines {
		if e == Ours || r.Cells[i].Median == 0 || allowed != nil && !allowed(e) {
			continue
		}
		if best < 0 || better(r.Metric, r.Cells[i].Median, r.Cells[best].Median) {
			best = i
		}
	}
	return best
}

func better(m Metric, a, b float64) bool {
	if m.LowerIsBetter() {
		return a < b
	}
	return a > b
}

// ratio is ours over an engine's: the median of the rounds' own ratios, because
// what the machine did to a round it did to both. 0 where they have no round in
// common.
func (z *Section) ratio(r *Row, engine string) float64 {
	ours, theirs := z.cell(r, Ours), z.cell(r, engine)
	if ours == nil || theirs == nil {
		return 0
	}
	var ratios []float64
	for round, v := range ours.Rounds {
		if w := theirs.Rounds[round]; w > 0 {
			ratios = append(ratios, v/w)
		}
	}
	if len(ratios) == 0 {
		return 0
	}
	return median(ratios)
}

// cell is an engine's; nil where the row or the engine is missing.
func (z *Section) cell(r *Row, engine string) *Cell {
	if i := slices.Index(z.Engines, engine); i >= 0 && r != nil {
		return &r.Cells[i]
	}
	return nil
}

// Slowest is the kind of operation with the longest tail in a row by an engine,
// in the last round that has one; nil where none has.
func (z *Section) Slowest(job, row, engine string) (k *report.Kind) {
	for _, o := range z.outcomes {
		if o.Unit.Job.Name != job || o.Unit.Engine != engine {
			continue
		}
		for _, p := range o.Report.Phases {
			if p.Name == row && len(p.Kinds) > 0 {
				last := slowest(p.Kinds)
				k = &last
			}
		}
	}
	return k
}

// Group is the section's rows of one table: those of one metric together, in the
// order in which they ran.
func (z *Section) Group(name string) (rows []*Row) {
	for i := range z.Rows {
		if r := &z.Rows[i]; r.Metric.Group() == name && r.Metric != Bare {
			rows = append(rows, r)
		}
	}
	order := []Metric{WriteAmp, Disk, PeakRSS} // of any other, the rows' own
	slices.SortStableFunc(rows, func(a, b *Row) int {
		return cmp.Compare(slices.Index(order, a.Metric), slices.Index(order, b.Metric))
	})
	return rows
}
