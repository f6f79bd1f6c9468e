// Package driver lets goroutines work on an engine in phases and measures them:
// in a closed loop, each worker as fast as the engine answers, or by a schedule
// of so many calls a second. It knows nothing of what the workers do.
//
// The clock runs around Execute alone; choosing keys, making values and judging
// what came back happen outside the latency, though inside the throughput.
//
// A schedule is an open loop: when a call is to begin does not depend on how
// long the ones before it took. Counted from that moment a latency contains the
// wait behind slow calls, which a closed loop leaves out (Tene's "coordinated
// omission").
package driver

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/varvekv/varve/bench/internal/engine"
	"github.com/varvekv/varve/bench/internal/measure"
)

// Worker is what one goroutine of a phase does, again and again.
type Worker interface {
	// Prepare decides on the next operation and tells its kind, an index into
	// the phase's Kinds.
	Prepare() (kind int)
	// Execute does it: this is what is measured. The units are how many
	// operations it stands for in the throughput: 1, or the entries of a batch.
	Execute(c engine.Client) (units int, err error)
	// Verify judges what Execute brought. An error ends the run.
	Verify() error
}

// Phase is one measured stretch of work.
type Phase struct {
	Name    string
	Kinds   []string
	Workers []Worker // a goroutine each
	// Operations ends the phase when so many Executes are done; 0 = never.
	Operations int64
	// Duration ends the phase when it has lasted so long; 0 = never.
	Duration time.Duration
	// TargetRate is the Executes a second to schedule over all workers; 0 = as
	// many as the engine answers.
	TargetRate float64
}

// Progress is told, every tenth of a second and at the end, how far a phase is:
// a share from 0 to 1, which is the end, and the units done.
type Progress func(share float64, units int64)

// Interval is told the latencies of each kind that occurred in one second of a
// phase, counted from 0, in order; the histogram is valid until it returns.
type Interval func(second, kind int, latency *measure.Histogram)

// Driver runs phases on one engine.
type Driver struct {
	Engine   engine.Engine
	Clock    measure.Clock
	Progress Progress // nil = nobody
	Interval Interval // nil = nobody
	// Patience is how long calls may go on once a phase is to end; 0 = for ever.
	Patience time.Duration
	// NewSleeper makes what a worker waits with for its schedule;
	// nil = measure.NewSleeper.
	NewSleeper func() (measure.Sleeper, error)
}

// ErrStuck is an engine whose calls do not return. The goroutines that wait for
// them are left behind, and the engine is not to be touched again.
var ErrStuck = errors.New("calls of the engine do not return")

// Result is what a phase brought.
type Result struct {
	Name       string
	Threads    int
	Start      int64 // clock when it began
	Elapsed    time.Duration
	Units      int64
	Kinds      []string
	Latency    []*measure.Histogram // by kind: service, around the call
	Intended   []*measure.Histogram // by kind: from the scheduled moment; nil without a target rate
	Seconds    []Second
	TargetRate float64
	TimedOut   bool // it ended by its duration
}

// Throughput is units in a second.
func (r *Result) Throughput() float64 {
	if r.Elapsed <= 0 {
		return 0
	}
	return float64(r.Units) / r.Elapsed.Seconds()
}

// Run runs a phase to its end. The first error of any worker stops all of them
// and is returned; so is the context's.
func (d *Driver) Run(ctx context.Context, p Phase) (*Result, error) {
	r := newRun(d, &p)
	if err := r.openLanes(); err != nil {
		return nil, err
	}
	defer context.AfterFunc(ctx, func() { r.fail(context.Cause(ctx)) })()

	r.begin()
	var workers sync.WaitGroup
	for i := range r.lanes {
		workers.Go(func() { r.work(&r.lanes[i]) })
	}
	ended := make(chan struct{})
	go func() { workers.Wait(); close(ended) }()
	if !r.watch(ended) {
		return nil, fmt.Errorf("%s: %w, %v after the phase was to end", p.Name, ErrStuck, d.Patience)
	}

	r.closeLanes()
	if err := r.outcome(); err != nil {
		return nil, fmt.Errorf("%s: %w", p.Name, err)
	}
	return r.result(), nil
}
