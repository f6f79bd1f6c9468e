package summary

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/varvekv/varve/bench/compare/internal/peer"
	"github.com/varvekv/varve/bench/compare/internal/plan"
)

// target is one of our goals: our median against another figure, times a factor.
// Of throughput we want at least that, of anything else at most.
type target struct {
	rows    []string
	metric  Metric
	factor  float64
	against string // an engine, or one of the constants below
}

// What a target is set against, when it is no single engine.
const (
	bestPeer  = "best peer"
	bestLSM   = "best LSM peer" // of those that have a log to replay, and tables to merge
	sustained = "best peer with half our load or more"
	bareDisk  = "bare write and flush"
	absolute  = "" // the factor is the figure itself
)

// bigJob is the job whose data is larger than the cache. Its targets are its own.
const bigJob = "big"

// lsm are the peers that are log-structured merge trees.
var lsm = []string{"pebble", "rocksdb", "badger", "goleveldb"}

// targets are what we set out to reach on a two-core machine, four clients, each
// engine tuned. LMDB is the reference for reads: a memory-mapped B+tree in C.
var targets = []target{
	{[]string{plan.Load, "C", "D"}, Throughput, 1.5, bestPeer},
	{[]string{"A", "B", "F"}, Throughput, 2.0, bestPeer},
	{[]string{"E"}, Throughput, 1.25, bestPeer},
	{[]string{"C", "D", "E", "readrandom", "seekrandom"}, Throughput, 1.0, "lmdb"},

	{[]string{"fillseq", "fillbatch"}, Throughput, 1.5, "pebble"},
	{[]string{"fillbatch"}, Throughput, 1.0, "bbolt"}, // which is at its best in batches
	{[]string{"fillrandom", "overwrite", "readrandom", "readmissing"}, Throughput, 1.5, bestPeer},
	{[]string{"deleterandom"}, Throughput, 1.25, bestPeer},
	{[]string{"readrandom-smallcache"}, Throughput, 1.0, bestPeer},
	{[]string{"seekrandom", "seekrandom-deleted"}, Throughput, 1.5, bestPeer},
	{[]string{"readseq", "readseq-deleted"}, Throughput, 1.0, "bbolt"},
	{[]string{"readseq", "readseq-deleted"}, Throughput, 3.0, "pebble"},

	{[]string{"fillsync-1"}, Throughput, 1.2, bestPeer},
	{[]string{"fillsync-1"}, Throughput, 0.9, bareDisk},
	{[]string{"fillsync-8", "fillsync-64"}, Throughput, 2.0, bestPeer},
	{[]string{openRow}, OpenTime, 1.0 / 3, bestLSM},

	{[]string{plan.Load, wholeRow}, WriteAmp, 1.0, sustained},
	{[]string{plan.Load}, Disk, 1.1, bestLSM},
	{[]string{plan.Load, mixedRow}, PeakRSS, 1.1, "pebble"},
	{[]string{"tail"}, P999, 0.5, "pebble"},
	{[]string{"tail"}, Max, 0.5, "pebble"},
	{[]string{"tail"}, Max, 50e6, absolute}, // nanoseconds
}

// bigTargets are those of the job whose data is larger than the cache.
var bigTargets = []target{
	{[]string{plan.Load, "C"}, Throughput, 1.5, bestPeer},
	{[]string{"A", "E"}, Throughput, 2.0, bestPeer},
}

// Verdict tells whether a target is met.
type Verdict struct {
	Target string  `json:"target"` // in words: "≥ 1.5 × pebble"
	Ratio  float64 `json:"ratio"`  // ours over what it is set against
	Met    bool    `json:"met"`
}

// judge holds a row against our targets, those whose other side was measured.
// They speak of tuned engines.
func (z *Section) judge(r *Row) (verdicts []Verdict) {
	if z.Profile != peer.Tuned {
		return nil
	}
	list := targets
	if r.Job == bigJob {
		list = bigTargets
	}
	for _, t := range list {
		if t.metric == r.Metric && slices.Contains(t.rows, r.Name) {
			if v, ok := z.judgeOne(r, &t); ok {
				verdicts = append(verdicts, v)
			}
		}
	}
	return verdicts
}

func (z *Section) judgeOne(r *Row, t *target) (Verdict, bool) {
	ours := z.cell(r, Ours)
	if ours == nil || ours.Median == 0 {
		return Verdict{}, false
	}
	sign := "≥"
	if t.metric.LowerIsBetter() {
		sign = "≤"
	}
	if t.against == absolute {
		return Verdict{Target: sign + " " + t.metric.Format(t.factor), Ratio: ours.Median / t.factor, Met: ours.Max <= t.factor}, true
	}
	ratio, name := z.against(r, t.against)
	if ratio == 0 {
		return Verdict{}, false
	}
	met := ratio >= t.factor
	if t.metric.LowerIsBetter() {
		met = ratio <= t.factor
	}
	return Verdict{Target: fmt.Sprintf("%s %s × %s", sign, plain(t.factor), name), Ratio: ratio, Met: met}, true
}

// plain is a factor without needless digits: 1.5, 0.33, 1.
func plain(factor float64) string {
	return strings.TrimRight(strings.TrimRight(strconv.FormatFloat(factor, 'f', 2, 64), "0"), ".")
}

// against is our ratio to what a target names, and its name; 0 where it was not
// measured.
func (z *Section) against(r *Row, what string) (ratio float64, name string) {
	var allowed func(string) bool
	switch what {
	case bestPeer:
	case bestLSM:
		allowed = func(e string) bool { return slices.Contains(lsm, e) }
	case sustained:
		allowed = z.sustains(r.Job)
	case bareDisk:
		return z.againstBare(r), what
	default:
		return z.ratio(r, what), what
	}
	best := z.best(r, allowed)
	if best < 0 {
		return 0, ""
	}
	return z.ratio(r, z.Engines[best]), z.Engines[best]
}

// sustains tells of an engine whether its load is at least half as fast as ours.
func (z *Section) sustains(job string) func(engine string) bool {
	load := z.find(job, plan.Load, Throughput)
	ours := z.cell(load, Ours)
	return func(engine string) bool {
		theirs := z.cell(load, engine)
		return ours != nil && theirs != nil && theirs.Median >= ours.Median/2
	}
}

// againstBare is our durable writes over what the disk did for one writer
// without an engine, in the same processes.
func (z *Section) againstBare(r *Row) float64 {
	bare := z.cell(z.find(r.Job, r.Name, Bare), Ours)
	if bare == nil || bare.Median == 0 {
		return 0
	}
	return z.cell(r, Ours).Median / bare.Median
}
