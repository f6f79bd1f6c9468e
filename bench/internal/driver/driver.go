// Package driver lets goroutines work on an engine in phases and measures them:
// a closed loop, each worker as fast as the engine answers. It knows nothing of
// what the workers do.
//
// The clock runs around Execute alone; choosing keys, making values and judging
// what came back happen outside the latency, though inside the throughput.
package driver

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
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
}

// Progress is told, every tenth of a second and at the end, how far a phase is:
// a share from 0 to 1, which is the end, and the units done.
type Progress func(share float64, units int64)

// Driver runs phases on one engine.
type Driver struct {
	Engine   engine.Engine
	Clock    measure.Clock
	Progress Progress // nil = nobody
	// Patience is how long calls may go on once a phase is to end; 0 = for ever.
	Patience time.Duration
}

// ErrStuck is an engine whose calls do not return. The goroutines that wait for
// them are left behind, and the engine is not to be touched again.
var ErrStuck = errors.New("calls of the engine do not return")

// Result is what a phase brought.
type Result struct {
	Name     string
	Threads  int
	Elapsed  time.Duration
	Units    int64
	Latency  []*measure.Histogram // by kind
	Kinds    []string
	TimedOut bool // it ended by its duration
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
	if err := r.openClients(); err != nil {
		return nil, err
	}
	defer context.AfterFunc(ctx, func() { r.fail(context.Cause(ctx)) })()

	r.start = d.Clock()
	var workers sync.WaitGroup
	for i := range r.lanes {
		workers.Go(func() { r.work(&r.lanes[i]) })
	}
	ended := make(chan struct{})
	go func() { workers.Wait(); close(ended) }()
	if !r.watch(ended) {
		return nil, fmt.Errorf("%s: %w, %v after the phase was to end", p.Name, ErrStuck, d.Patience)
	}

	r.closeClients()
	if err := r.outcome(); err != nil {
		return nil, fmt.Errorf("%s: %w", p.Name, err)
	}
	return r.result(), nil
}

// run is one phase under way.
type run struct {
	driver *Driver
	phase  *Phase
	lanes  []lane
	start  int64
	block  int64 // operations a worker takes from issued at once

	issued   atomic.Int64
	stop     atomic.Bool
	timedOut atomic.Bool

	once sync.Once // sets err
	err  error
}

// lane is what belongs to one worker's goroutine.
type lane struct {
	worker  Worker
	client  engine.Client
	latency []*measure.Histogram // by kind; nil until one occurs
	units   int64
	end     int64 // clock at its last operation

	shown atomic.Int64 // units, now and then, for the progress
	_     [64]byte     // its neighbour's cache line is its own
}

const (
	blockMax   = 256
	showEvery  = 64 // operations
	watchEvery = 100 * time.Millisecond
)

func newRun(d *Driver, p *Phase) *run {
	r := &run{driver: d, phase: p, lanes: make([]lane, len(p.Workers))}
	r.block = blockMax
	if p.Operations > 0 {
		// Small enough that workers end together.
		r.block = max(1, min(blockMax, p.Operations/int64(16*len(p.Workers))))
	}
	for i := range r.lanes {
		r.lanes[i].worker = p.Workers[i]
		r.lanes[i].latency = make([]*measure.Histogram, len(p.Kinds))
	}
	return r
}

func (r *run) openClients() error {
	for i := range r.lanes {
		c, err := r.driver.Engine.NewClient()
		if err != nil {
			r.closeClients()
			return fmt.Errorf("%s: open client %d: %w", r.phase.Name, i, err)
		}
		r.lanes[i].client = c
	}
	return nil
}

func (r *run) closeClients() {
	for i := range r.lanes {
		if c := r.lanes[i].client; c != nil {
			if err := c.Close(); err != nil {
				r.fail(fmt.Errorf("close client %d: %w", i, err))
			}
		}
	}
}

func (r *run) fail(err error) {
	r.once.Do(func() { r.err = err })
	r.stop.Store(true)
}

// outcome closes the question how the run went: a later fail comes too late.
func (r *run) outcome() error {
	r.once.Do(func() {})
	return r.err
}

// take hands a worker its next operations: none when all are out.
func (r *run) take() int64 {
	if r.phase.Operations == 0 {
		return r.block
	}
	first := r.issued.Add(r.block) - r.block
	return max(0, min(r.block, r.phase.Operations-first))
}

func (r *run) work(l *lane) {
	for !r.stop.Load() {
		n := r.take()
		if n == 0 {
			break
		}
		if err := r.workBlock(l, n); err != nil {
			r.fail(err)
			break
		}
	}
	l.shown.Store(l.units)
}

// workBlock is the inner loop: two clock readings and one atomic load are all
// it adds to an operation.
func (r *run) workBlock(l *lane, n int64) error {
	clock, worker, client := r.driver.Clock, l.worker, l.client
	deadline := int64(1<<63 - 1)
	if r.phase.Duration > 0 {
		deadline = r.start + int64(r.phase.Duration)
	}
	for i := int64(0); i < n && !r.stop.Load(); i++ {
		kind := worker.Prepare()
		before := clock()
		units, err := worker.Execute(client)
		after := clock()
		if err != nil {
			return fmt.Errorf("%s: %w", r.phase.Kinds[kind], err)
		}
		if err := worker.Verify(); err != nil {
			return fmt.Errorf("%s: %w", r.phase.Kinds[kind], err)
		}
		l.record(kind, after-before)
		l.units += int64(units)
		l.end = after
		if i%showEvery == 0 {
			l.shown.Store(l.units)
		}
		if after >= deadline {
			r.timedOut.Store(true)
			r.stop.Store(true)
		}
	}
	return nil
}

func (l *lane) record(kind int, nanoseconds int64) {
	h := l.latency[kind]
	if h == nil {
		h = measure.NewHistogram()
		l.latency[kind] = h
	}
	h.Record(nanoseconds)
}

// watch shows the progress until the workers have ended. It is false when they
// do not end although they should: patience is over.
func (r *run) watch(ended <-chan struct{}) bool {
	show := r.driver.Progress
	if show == nil {
		show = func(float64, int64) {}
	}
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	shouldEnd := int64(0) // clock; 0 = not yet
	for {
		select {
		case <-ended:
			show(1, r.unitsShown())
			return true
		case <-tick.C:
			show(r.share(), r.unitsShown())
		}
		now := r.driver.Clock()
		if shouldEnd == 0 && r.overdue(now) {
			shouldEnd = now
		}
		if p := int64(r.driver.Patience); p > 0 && shouldEnd != 0 && now-shouldEnd > p {
			return false
		}
	}
}

func (r *run) overdue(now int64) bool {
	d := int64(r.phase.Duration)
	return r.stop.Load() || d > 0 && now-r.start > d
}

func (r *run) unitsShown() int64 {
	n := int64(0)
	for i := range r.lanes {
		n += r.lanes[i].shown.Load()
	}
	return n
}

// share is how far the nearer of the two ends has come.
func (r *run) share() float64 {
	share := 0.0
	if d := r.phase.Duration; d > 0 {
		share = float64(r.driver.Clock()-r.start) / float64(d)
	}
	if n := r.phase.Operations; n > 0 {
		share = max(share, float64(r.issued.Load())/float64(n))
	}
	return min(share, almost)
}

// almost is as far as a phase can be before it has ended.
const almost = 0.999

func (r *run) result() *Result {
	res := &Result{
		Name: r.phase.Name, Threads: len(r.lanes), Kinds: r.phase.Kinds, TimedOut: r.timedOut.Load(),
	}
	for range r.phase.Kinds {
		res.Latency = append(res.Latency, measure.NewHistogram())
	}
	end := r.start
	for i := range r.lanes {
		l := &r.lanes[i]
		res.Units += l.units
		end = max(end, l.end)
		for k, h := range l.latency {
			if h != nil {
				res.Latency[k].Merge(h)
			}
		}
	}
	res.Elapsed = time.Duration(end - r.start)
	return res
}
