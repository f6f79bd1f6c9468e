package summary

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/varvekv/varve/bench/compare/internal/child"
	"github.com/varvekv/varve/bench/compare/internal/peer"
	"github.com/varvekv/varve/bench/compare/internal/plan"
	"github.com/varvekv/varve/bench/compare/internal/results"
	"github.com/varvekv/varve/bench/internal/host"
	"github.com/varvekv/varve/bench/internal/report"
)

var engines = []string{"varve", "pebble", "bbolt"}

// comparison is made of hand-written outcomes.
type comparison struct {
	t      *testing.T
	d      *results.Directory
	record *results.Record
	units  []plan.Unit
}

func newComparison(t *testing.T, rounds int) *comparison {
	p := plan.Quick(engines)
	p.Rounds, p.Sizes = rounds, []plan.Size{{Records: 1000, ValueBytes: 100}}
	r := &results.Record{Plan: *p}
	d, err := results.Create(t.TempDir(), r)
	if err != nil {
		t.Fatal(err)
	}
	c := &comparison{t: t, d: d, record: r}
	c.units, _ = p.Expand(func(string, string) bool { return true })
	return c
}

// add is a job's result by an engine in a round.
func (c *comparison) add(round int, engine, job string, phases ...report.Phase) *results.Outcome {
	for i := range c.units {
		u := c.units[i]
		if u.Round == round && u.Engine == engine && u.Job.Name == job {
			o := &results.Outcome{Schema: results.Schema, Unit: u, Build: "b", Result: &child.Result{Report: report.Report{Phases: phases}}}
			c.put(o)
			return o
		}
	}
	c.t.Fatalf("no unit %d %s %s", round, engine, job)
	return nil
}

func (c *comparison) put(o *results.Outcome) {
	if err := c.d.Add(o); err != nil {
		c.t.Fatal(err)
	}
}

func (c *comparison) sum() *Summary { return Make(c.d, c.record, c.units, nil) }

func rate(name string, opsPerSecond float64) report.Phase {
	return report.Phase{Name: name, Throughput: opsPerSecond, Units: 1, Elapsed: time.Second}
}

func (s *Summary) mustFind(t *testing.T, job, row string, m Metric) *Row {
	t.Helper()
	if len(s.Sections) != 1 {
		t.Fatalf("%d sections, want 1", len(s.Sections))
	}
	r := s.Sections[0].find(job, row, m)
	if r == nil {
		t.Fatalf("no row %s, %s", row, m)
	}
	return r
}

func TestMedianSpreadAndRatiosOfRounds(t *testing.T) {
	c := newComparison(t, 3)
	// The second round was half as fast for all: ratios of rounds do not see it.
	for round, v := range map[int][3]float64{1: {300, 100, 150}, 2: {150, 50, 75}, 3: {320, 80, 160}} {
		for i, e := range engines {
			c.add(round, e, "ycsb", rate("C", v[i]))
		}
	}
	r := c.sum().mustFind(t, "ycsb", "C", Throughput)
	if got := r.Cells[0]; got.Median != 300 || got.Min != 150 || got.Max != 320 || len(got.Rounds) != 3 {
		t.Errorf("varve %+v, want 300 in 150 to 320", got)
	}
	if r.Best != "bbolt" || r.VsBest != 2 {
		t.Errorf("best peer %s at %g, want bbolt at 2", r.Best, r.VsBest)
	}
	if r.VsPebble != 3 {
		t.Errorf("against pebble %g, want 3, the median of 3, 3 and 4", r.VsPebble)
	}
}

func TestRatioNeedsACommonRound(t *testing.T) {
	c := newComparison(t, 2)
	c.add(1, "varve", "ycsb", rate("C", 100))
	c.add(2, "pebble", "ycsb", rate("C", 50))
	if r := c.sum().mustFind(t, "ycsb", "C", Throughput); r.VsPebble != 0 || r.Best != "pebble" || r.VsBest != 0 || len(r.Verdicts) != 0 {
		t.Errorf("%+v, want no ratio and no verdict", r)
	}
}

func TestMedianOfTwo(t *testing.T) {
	if m := median([]float64{4, 1}); m != 2.5 {
		t.Errorf("%g, want 2.5", m)
	}
}

func TestLessIsBetterForAnythingButThroughput(t *testing.T) {
	c := newComparison(t, 1)
	for e, p999 := range map[string]time.Duration{"varve": 10, "pebble": 40, "bbolt": 30} {
		c.add(1, e, "ycsb", report.Phase{Name: "load", Kinds: []report.Kind{
			{Name: "fast", P999: 1}, {Name: "insert", P50: 1, P99: 2, P999: p999, Max: 90},
		}})
	}
	r := c.sum().mustFind(t, "ycsb", "load", P999)
	if r.Best != "bbolt" || math.Abs(r.VsBest-1.0/3) > 1e-9 || r.VsPebble != 0.25 {
		t.Errorf("%+v, want bbolt at a third and pebble at a quarter", r)
	}
}

func TestWriteAmplificationTakesTheSystemsCount(t *testing.T) {
	c := newComparison(t, 1)
	load := report.Phase{Name: "load", UserBytes: 1000}
	load.Traffic.LogBytes = 3000
	e := report.Phase{Name: "E", UserBytes: 1000}
	e.Traffic.LogBytes = 1000
	o := c.add(1, "varve", "ycsb", load, e)
	o.Written = map[string]int64{"load": 5000}
	c.put(o)
	s := c.sum()
	if r := s.mustFind(t, "ycsb", "load", WriteAmp); r.Cells[0].Median != 5 {
		t.Errorf("load: %g, want the system's 5", r.Cells[0].Median)
	}
	if r := s.mustFind(t, "ycsb", wholeRow, WriteAmp); r.Cells[0].Median != 3 {
		t.Errorf("all: %g, want 3: of E the engine's own count", r.Cells[0].Median)
	}
}

func TestTargets(t *testing.T) {
	c := newComparison(t, 1)
	loads := map[string][2]float64{"varve": {1500, 2}, "pebble": {1000, 2.5}, "bbolt": {500, 1}} // rate, write amplification
	for e, v := range loads {
		load := rate("load", v[0])
		load.UserBytes, load.Traffic.LogBytes = 100, int64(100*v[1])
		load.DiskBytes, load.Usage = int64(v[0]), host.Usage{PeakRSSBytes: int64(v[0])}
		c.add(1, e, "ycsb", load, rate("E", v[0]/100))
		o := c.add(1, e, "sync", rate("fillsync-1", v[0]*9))
		o.Report.Flush = &host.FlushCost{Median: 100 * time.Microsecond}
		c.put(o)
	}
	s := c.sum()
	for _, w := range []struct {
		job, row string
		metric   Metric
		want     string // each verdict in words
	}{
		{"ycsb", "load", Throughput, "✓ ≥ 1.5 × pebble 1.50"},
		{"ycsb", "E", Throughput, "✓ ≥ 1.25 × pebble 1.50"}, // lmdb was not measured
		{"ycsb", "load", WriteAmp, "✓ ≤ 1 × pebble 0.80"},   // bbolt loads too slowly to count
		{"ycsb", "load", Disk, "✗ ≤ 1.1 × pebble 1.50"},     // bbolt is no LSM
		{"ycsb", "load", PeakRSS, "✗ ≤ 1.1 × pebble 1.50"},
		{"sync", "fillsync-1", Throughput, "✓ ≥ 1.2 × pebble 1.50, ✓ ≥ 0.9 × bare write and flush 1.35"},
	} {
		r := s.mustFind(t, w.job, w.row, w.metric)
		var got []string
		for _, v := range r.Verdicts {
			mark := map[bool]string{true: "✓", false: "✗"}[v.Met]
			got = append(got, mark+" "+v.Target+" "+Metric(WriteAmp).Format(v.Ratio))
		}
		if strings.Join(got, ", ") != w.want {
			t.Errorf("%s, %s: %v, want %s", w.row, w.metric, got, w.want)
		}
	}
}

func TestAbsoluteTargetHoldsInEveryRound(t *testing.T) {
	z := &Section{Profile: peer.Tuned, Engines: []string{"varve"}}
	r := z.row("tail", "tail", Max)
	for round, ms := range []float64{10, 60, 20} {
		if r.Cells[0].Rounds == nil {
			r.Cells[0].Rounds = map[int]float64{}
		}
		r.Cells[0].Rounds[round] = ms * 1e6
	}
	z.finish()
	if v := r.Verdicts; len(v) != 1 || v[0].Met || v[0].Target != "≤ 50.0ms" {
		t.Errorf("%+v, want 50 ms missed: the median is below, one round is not", v)
	}
	z.Profile = peer.Defaults
	if v := z.judge(r); v != nil {
		t.Errorf("at defaults %+v: the targets speak of tuned engines", v)
	}
}

func TestBigJobHasTargetsOfItsOwn(t *testing.T) {
	z := &Section{Profile: peer.Tuned, Engines: []string{"varve", "pebble"}}
	for _, job := range []string{"ycsb", bigJob} {
		r := z.row(job, "E", Throughput)
		r.Cells[0].Rounds, r.Cells[1].Rounds = map[int]float64{1: 150}, map[int]float64{1: 100}
	}
	z.finish()
	if small, big := z.Rows[0].Verdicts, z.Rows[1].Verdicts; len(small) != 1 || !small[0].Met || len(big) != 1 || big[0].Met {
		t.Errorf("small %+v, big %+v: want 1.25 met and 2 missed", small, big)
	}
}

func TestEveryTargetNamesRowsThatExist(t *testing.T) {
	known := append(append(plan.RowNames(plan.YCSB), plan.RowNames(plan.Rows)...), mixedRow, wholeRow)
	for _, tg := range append(targets, bigTargets...) {
		for _, row := range tg.rows {
			if !strings.Contains(" "+strings.Join(known, " ")+" ", " "+row+" ") {
				t.Errorf("no row is called %s", row)
			}
		}
	}
}

func TestOpeningIsHeldAgainstEnginesWithALog(t *testing.T) {
	z := &Section{Profile: peer.Tuned, Engines: engines}
	r := z.row(openRow, openRow, OpenTime)
	for i, v := range []float64{30, 100, 1} {
		r.Cells[i].Rounds = map[int]float64{1: v}
	}
	z.finish()
	if v := r.Verdicts; len(v) != 1 || !v[0].Met || v[0].Target != "≤ 0.33 × pebble" {
		t.Errorf("%+v, want pebble's third met: bbolt has no log to replay", v)
	}
}

func TestFailedAndMissingUnitsAreCounted(t *testing.T) {
	c := newComparison(t, 1)
	o := c.add(1, "varve", "ycsb", rate("C", 1))
	o.Error = "it broke"
	c.put(o)
	c.add(1, "pebble", "ycsb", rate("C", 1)).Build = "other"
	s := c.sum()
	if len(s.Failures) != 1 || s.Failures[0].Error != "it broke" || s.Open != len(c.units)-2 {
		t.Errorf("failures %+v, open %d of %d", s.Failures, s.Open, len(c.units))
	}
	if s.Builds != 2 {
		t.Errorf("%d builds, want 2", s.Builds)
	}
	if r := s.mustFind(t, "ycsb", "C", Throughput); r.Cells[0].Median != 0 {
		t.Errorf("a failed unit counts as %+v", r.Cells[0])
	}
}

func TestBusyMachineAndUnsettledUnitsAreTold(t *testing.T) {
	c := newComparison(t, 1)
	for i, e := range engines {
		load := rate("load", 1)
		load.Settling = time.Duration(i) * child.SettleMax / 2
		o := c.add(1, e, "ycsb", load)
		o.Others = float64(i) / 10
		c.put(o)
	}
	s := c.sum()
	if s.OthersMedian != 0.1 || s.OthersMost != 0.2 {
		t.Errorf("others used %g, at most %g; want 0.1 and 0.2", s.OthersMedian, s.OthersMost)
	}
	if len(s.Unsettled) != 1 || !strings.Contains(s.Unsettled[0], "bbolt") {
		t.Errorf("unsettled %v, want bbolt's", s.Unsettled)
	}
}

func TestOpeningIsItsMedianCall(t *testing.T) {
	o := &results.Outcome{Result: &child.Result{}}
	o.Report.Phases = []report.Phase{rate(openFill, 3), {Name: openRow, Elapsed: 10 * time.Second, Throughput: 5, Kinds: []report.Kind{{P50: time.Second}}}}
	got := measurements(o)
	if len(got) != 1 || got[0].metric != OpenTime || got[0].value != 1e9 {
		t.Errorf("%+v, want one second", got)
	}
}
