// Package report holds what a run of benchmarks brought and shows it, as tables
// for people (Table) and as JSON for programs (JSON). It measures nothing.
package report

import (
	"time"

	"github.com/varvekv/varve/bench/internal/engine"
	"github.com/varvekv/varve/bench/internal/host"
)

// Schema is the version of the JSON form. It changes when a field changes meaning.
const Schema = 2

// Report is one run of the command.
type Report struct {
	Schema   int             `json:"schema"`
	Title    string          `json:"title"`
	Engine   string          `json:"engine"`
	Started  time.Time       `json:"started"`
	Machine  host.Machine    `json:"machine"`
	Clock    time.Duration   `json:"clock_ns"` // one reading; each latency holds about one
	Flush    *host.FlushCost `json:"flush,omitempty"`
	Options  []Option        `json:"options"`
	Phases   []Phase         `json:"phases"`
	Notes    []string        `json:"notes,omitempty"`
	Metrics  string          `json:"metrics,omitempty"` // the engine's own words
	Duration time.Duration   `json:"duration_ns"`
}

// Option is one setting of the run, in words.
type Option struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Phase is one workload or row.
type Phase struct {
	Name       string        `json:"name"`
	Threads    int           `json:"threads"`
	Elapsed    time.Duration `json:"elapsed_ns"`
	Units      int64         `json:"units"` // operations, or entries where one call handles many
	Throughput float64       `json:"throughput"`
	// TargetRate is the calls a second that were scheduled over all threads;
	// 0 = none were, each thread called as fast as it was answered.
	TargetRate float64        `json:"target_rate,omitempty"`
	TimedOut   bool           `json:"timed_out,omitempty"` // ended by its duration
	Kinds      []Kind         `json:"operations"`
	UserBytes  int64          `json:"user_bytes"`           // keys and values that were written
	ReadBytes  int64          `json:"read_bytes,omitempty"` // keys and values that were returned; what was read from files is in Traffic
	Traffic    engine.Traffic `json:"traffic"`
	DiskBytes  int64          `json:"disk_bytes"` // in use at the end
	LiveBytes  int64          `json:"live_bytes"` // keys and values in the database at the end
	Usage      host.Usage     `json:"usage"`
	Stalls     engine.Stalls  `json:"stalls"`
	Settling   time.Duration  `json:"settling_ns,omitempty"` // waited for background work behind it, its traffic included
	Series     []Second       `json:"series,omitempty"`      // second by second, without gaps
	Spans      []Span         `json:"spans,omitempty"`       // what the engine did meanwhile, by Begin
}

// Second is one second of a phase: the calls that ended in it. The last one may
// be shorter.
type Second struct {
	At    time.Duration `json:"at_ns"` // its beginning, from the phase's
	Units int64         `json:"units"`
	P50   time.Duration `json:"p50_ns"`
	P99   time.Duration `json:"p99_ns"`
	Max   time.Duration `json:"max_ns"`
}

// Span is a stretch of the engine's own work, or of writers held back, in time
// from the phase's beginning. One that began before it has a negative Begin.
type Span struct {
	Kind  string        `json:"kind"` // SpanFlush, SpanCompaction or SpanStall
	Begin time.Duration `json:"begin_ns"`
	End   time.Duration `json:"end_ns"`
	Bytes int64         `json:"bytes,omitempty"` // written
	Note  string        `json:"note,omitempty"`  // the stall's reason, the compaction's levels
	// GoesOn is a span that had not ended when the phase had: the next phase
	// has it again, and whole.
	GoesOn bool `json:"goes_on,omitempty"`
}

// Kinds of span.
const (
	SpanFlush      = engine.SpanFlush
	SpanCompaction = engine.SpanCompaction
	SpanStall      = engine.SpanStall
)

// Kind is one kind of operation in a phase. Its latencies are service times:
// around the call alone.
type Kind struct {
	Name        string        `json:"name"`
	Count       int64         `json:"count"`
	Throughput  float64       `json:"throughput"`
	Min         time.Duration `json:"min_ns"`
	Mean        time.Duration `json:"mean_ns"`
	P50         time.Duration `json:"p50_ns"`
	P95         time.Duration `json:"p95_ns"`
	P99         time.Duration `json:"p99_ns"`
	P999        time.Duration `json:"p999_ns"`
	P9999       time.Duration `json:"p9999_ns"`
	Max         time.Duration `json:"max_ns"`
	Percentiles []Percentile  `json:"percentiles,omitempty"`
	// Intended is latencies from the moment when the schedule wanted the call
	// to begin, so that a call that waits behind a slow one shows it. Nil
	// without a target rate.
	Intended *Latencies `json:"intended,omitempty"`
}

// Latencies is one distribution of latencies.
type Latencies struct {
	Min         time.Duration `json:"min_ns"`
	Mean        time.Duration `json:"mean_ns"`
	P50         time.Duration `json:"p50_ns"`
	P95         time.Duration `json:"p95_ns"`
	P99         time.Duration `json:"p99_ns"`
	P999        time.Duration `json:"p999_ns"`
	P9999       time.Duration `json:"p9999_ns"`
	Max         time.Duration `json:"max_ns"`
	Percentiles []Percentile  `json:"percentiles,omitempty"`
}

// Percentile is one point of a distribution: the share Q (0 to 1) of the calls
// took no longer than Latency.
type Percentile struct {
	Q       float64       `json:"q"`
	Latency time.Duration `json:"latency_ns"`
}

// WriteAmplification is bytes written to files over bytes written by the user;
// 0 where the user wrote nothing.
func (p *Phase) WriteAmplification() float64 { return ratio(p.Traffic.Bytes(), p.UserBytes) }

// ReadAmplification is bytes read from files over bytes returned to the user;
// 0 where nothing was returned, or the engine does not tell.
func (p *Phase) ReadAmplification() float64 { return ratio(p.Traffic.ReadBytes, p.ReadBytes) }

// SpaceAmplification is disk in use over the user's live bytes.
func (p *Phase) SpaceAmplification() float64 { return ratio(p.DiskBytes, p.LiveBytes) }

// CPUPerUnit is processor time, the harness's own included, for each unit.
func (p *Phase) CPUPerUnit() time.Duration {
	if p.Units == 0 {
		return 0
	}
	return p.Usage.CPU / time.Duration(p.Units)
}

func ratio(a, b int64) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}
