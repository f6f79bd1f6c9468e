package summary

import (
	"slices"
	"time"

	"github.com/varvekv/varve/bench/compare/internal/plan"
	"github.com/varvekv/varve/bench/compare/internal/results"
	"github.com/varvekv/varve/bench/internal/report"
)

// Rows that sum up several phases of a job.
const (
	mixedRow = "A–F" // YCSB's workloads behind the load
	wholeRow = "all" // the whole job
)

// openRow is the row whose figure is how long one call takes; openFill prepares
// for it and is no row.
const (
	openRow  = "openlog"
	openFill = "openlog-fill"
)

// measured is one value of one unit.
type measured struct {
	row    string
	metric Metric
	value  float64
	cut    bool // the load or fill was ended by its time limit: not all is there
}

// timed are the rows whose latencies are shown: writes that go on for long, and
// writes that wait for the disk. Reads' are in the outcomes' files.
var timed = []string{plan.Load, "tail", "fillsync-1"}

// settled are the rows behind which the database was settled and is as large as
// the plan says.
var settled = []string{plan.Load, "fillrandom"}

// writing are the rows whose write amplification is shown.
var writing = []string{plan.Load, "fillrandom", "overwrite"}

// measurements is everything of one unit that the tables show.
func measurements(o *results.Outcome) (all []measured) {
	for i := range o.Report.Phases {
		all = append(all, ofPhase(o, &o.Report.Phases[i])...)
	}
	if o.Unit.Job.Kind == plan.YCSB {
		all = append(all, ofJob(o)...)
	}
	return all
}

func ofPhase(o *results.Outcome, p *report.Phase) (all []measured) {
	add := func(m Metric, v float64) {
		if v > 0 {
			all = append(all, measured{row: p.Name, metric: m, value: v, cut: isCut(p)})
		}
	}
	switch p.Name {
	case openFill:
		return nil
	case openRow:
		if len(p.Kinds) > 0 {
			add(OpenTime, float64(p.Kinds[0].P50)) // of several openings
		}
		return all
	}
	add(Throughput, p.Throughput)
	add(CPU, float64(p.CPUPerUnit()))
	if slices.Contains(timed, p.Name) && len(p.Kinds) > 0 {
		k := slowest(p.Kinds)
		add(P50, float64(k.P50))
		add(P99, float64(k.P99))
		add(P999, float64(k.P999))
		add(Max, float64(k.Max))
	}
	if slices.Contains(writing, p.Name) {
		add(WriteAmp, amplification(o, p.UserBytes, p))
	}
	if slices.Contains(settled, p.Name) {
		add(Disk, float64(p.DiskBytes))
		add(PeakRSS, float64(p.Usage.PeakRSSBytes))
	}
	if f := o.Report.Flush; f != nil && p.Name == "fillsync-1" && f.Median > 0 {
		add(Bare, float64(time.Second)/float64(f.Median))
	}
	return all
}

// isCut tells that a phase that should write a number of records ran out of time.
func isCut(p *report.Phase) bool { return p.TimedOut && slices.Contains(writing, p.Name) }

// slowest is the kind of operation with the longest tail.
func slowest(kinds []report.Kind) report.Kind {
	return slices.MaxFunc(kinds, func(a, b report.Kind) int { return int(a.P999 - b.P999) })
}

// amplification is bytes written over the user's: by the system's count, the
// same yardstick for all, or else the engine's.
func amplification(o *results.Outcome, user int64, phases ...*report.Phase) float64 {
	if user == 0 {
		return 0
	}
	written := int64(0)
	for _, p := range phases {
		if n := o.Written[p.Name]; n > 0 {
			written += n
		} else {
			written += p.Traffic.Bytes()
		}
	}
	return float64(written) / float64(user)
}

// ofJob is what a whole YCSB run brought: work begun in one phase is often paid
// for in the next.
func ofJob(o *results.Outcome) (all []measured) {
	var phases []*report.Phase
	user, peak := int64(0), int64(0)
	for i := range o.Report.Phases {
		p := &o.Report.Phases[i]
		phases = append(phases, p)
		user += p.UserBytes
		if p.Name != plan.Load {
			peak = max(peak, p.Usage.PeakRSSBytes)
		}
	}
	if a := amplification(o, user, phases...); a > 0 {
		all = append(all, measured{row: wholeRow, metric: WriteAmp, value: a})
	}
	if peak > 0 {
		all = append(all, measured{row: mixedRow, metric: PeakRSS, value: float64(peak)})
	}
	return all
}
