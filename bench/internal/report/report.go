// Package report holds what a run of benchmarks brought and shows it, as tables
// for people (Table) and as JSON for programs (JSON). It measures nothing.
package report

import (
	"time"

	"github.com/varvekv/varve/bench/internal/driver"
	"github.com/varvekv/varve/bench/internal/engine"
	"github.com/varvekv/varve/bench/internal/host"
)

// Schema is the version of the JSON form. It changes when a field changes meaning.
const Schema = 1

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
	Name       string         `json:"name"`
	Threads    int            `json:"threads"`
	Elapsed    time.Duration  `json:"elapsed_ns"`
	Units      int64          `json:"units"` // operations, or entries where one call handles many
	Throughput float64        `json:"throughput"`
	TimedOut   bool           `json:"timed_out,omitempty"` // ended by its duration
	Kinds      []Kind         `json:"operations"`
	UserBytes  int64          `json:"user_bytes"` // keys and values that were written
	Traffic    engine.Traffic `json:"traffic"`
	DiskBytes  int64          `json:"disk_bytes"` // in use at the end
	LiveBytes  int64          `json:"live_bytes"` // keys and values in the database at the end
	Usage      host.Usage     `json:"usage"`
	Settling   time.Duration  `json:"settling_ns,omitempty"` // waited for background work behind it, its traffic included
}

// Kind is the latencies of one kind of operation in a phase.
type Kind struct {
	Name       string        `json:"name"`
	Count      int64         `json:"count"`
	Throughput float64       `json:"throughput"`
	Mean       time.Duration `json:"mean_ns"`
	P50        time.Duration `json:"p50_ns"`
	P95        time.Duration `json:"p95_ns"`
	P99        time.Duration `json:"p99_ns"`
	P999       time.Duration `json:"p999_ns"`
	Max        time.Duration `json:"max_ns"`
}

// FromResult takes over what the driver measured, kinds that did not occur left out.
func FromResult(r *driver.Result) Phase {
	p := Phase{
		Name: r.Name, Threads: r.Threads, Elapsed: r.Elapsed, Units: r.Units,
		Throughput: r.Throughput(), TimedOut: r.TimedOut,
	}
	for k, h := range r.Latency {
		if h.Count() == 0 {
			continue
		}
		p.Kinds = append(p.Kinds, Kind{
			Name: r.Kinds[k], Count: h.Count(), Throughput: float64(h.Count()) / r.Elapsed.Seconds(),
			Mean: h.Mean(), P50: h.Quantile(0.5), P95: h.Quantile(0.95), P99: h.Quantile(0.99),
			P999: h.Quantile(0.999), Max: h.Max(),
		})
	}
	return p
}

// WriteAmplification is bytes written to files over bytes written by the user;
// 0 where the user wrote nothing.
func (p *Phase) WriteAmplification() float64 { return ratio(p.Traffic.Bytes(), p.UserBytes) }

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
