package driver

import (
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/varvekv/varve/bench/internal/engine"
	"github.com/varvekv/varve/bench/internal/measure"
)

// run is one phase under way.
type run struct {
	driver   *Driver
	phase    *Phase
	lanes    []lane
	recorder *recorder
	start    int64 // clock
	deadline int64 // clock
	block    int64 // operations a worker takes from issued at once

	issued   atomic.Int64
	stop     atomic.Bool
	timedOut atomic.Bool

	once sync.Once // sets err
	err  error
}

// lane is what belongs to one worker's goroutine.
type lane struct {
	worker   Worker
	client   engine.Client
	sleeper  measure.Sleeper // nil without a target rate
	schedule schedule
	interval *interval // the second under way
	turn     int64     // clock when it ends
	units    int64
	end      int64 // clock at its last operation

	shown atomic.Int64 // units, now and then, for the progress
	_     [64]byte     // its neighbour's cache line is its own
}

const (
	blockMax  = 256
	showEvery = 64 // operations
)

func newRun(d *Driver, p *Phase) *run {
	r := &run{driver: d, phase: p, lanes: make([]lane, len(p.Workers))}
	r.recorder = newRecorder(len(p.Kinds), p.TargetRate > 0, d.Interval)
	r.block = blockMax
	if p.Operations > 0 {
		// Small enough that workers end together.
		r.block = max(1, min(blockMax, p.Operations/int64(16*len(p.Workers))))
	}
	for i := range r.lanes {
		r.lanes[i].worker = p.Workers[i]
	}
	return r
}

func (r *run) openLanes() error {
	for i := range r.lanes {
		if err := r.openLane(&r.lanes[i]); err != nil {
			r.closeLanes()
			return fmt.Errorf("%s: client %d: %w", r.phase.Name, i, err)
		}
	}
	return nil
}

func (r *run) openLane(l *lane) (err error) {
	if l.client, err = r.driver.Engine.NewClient(); err != nil || r.phase.TargetRate <= 0 {
		return err
	}
	newSleeper := r.driver.NewSleeper
	if newSleeper == nil {
		newSleeper = measure.NewSleeper
	}
	l.sleeper, err = newSleeper()
	return err
}

func (r *run) closeLanes() {
	for i := range r.lanes {
		l := &r.lanes[i]
		if l.client != nil {
			r.failIf(l.client.Close(), i)
		}
		if l.sleeper != nil {
			r.failIf(l.sleeper.Close(), i)
		}
	}
}

func (r *run) failIf(err error, client int) {
	if err != nil {
		r.fail(fmt.Errorf("close client %d: %w", client, err))
	}
}

// begin starts the clock.
func (r *run) begin() {
	r.start = r.driver.Clock()
	r.deadline = math.MaxInt64
	if d := r.phase.Duration; d > 0 {
		r.deadline = r.start + int64(d)
	}
	for i := range r.lanes {
		l := &r.lanes[i]
		l.interval, l.turn = r.recorder.take(0), r.start+int64(time.Second)
		if rate := r.phase.TargetRate; rate > 0 {
			l.schedule = newSchedule(r.start, rate, i, len(r.lanes))
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

func (r *run) timeUp() {
	r.timedOut.Store(true)
	r.stop.Store(true)
}

// issue hands a worker its next operations: none when all are out.
func (r *run) issue() int64 {
	if r.phase.Operations == 0 {
		return r.block
	}
	first := r.issued.Add(r.block) - r.block
	return max(0, min(r.block, r.phase.Operations-first))
}

func (r *run) work(l *lane) {
	for !r.stop.Load() {
		n := r.issue()
		if n == 0 {
			break
		}
		if err := r.workBlock(l, n); err != nil {
			r.fail(err)
			break
		}
	}
	r.recorder.give(l.interval)
	l.shown.Store(l.units)
}

// workBlock is the inner loop: two clock readings, one atomic load and a few
// branches are all it adds to an operation.
func (r *run) workBlock(l *lane, n int64) error {
	clock, worker, client := r.driver.Clock, l.worker, l.client
	late := int64(-1) // nanoseconds behind the schedule; negative: there is none
	for i := int64(0); i < n && !r.stop.Load(); i++ {
		if l.sleeper != nil {
			if late = r.await(l); late < 0 {
				return nil
			}
		}
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
		if after >= l.turn {
			r.turnOver(l, after)
		}
		l.interval.record(kind, units, after-before, late)
		l.units += int64(units)
		l.end = after
		if i%showEvery == 0 {
			l.shown.Store(l.units)
		}
		if after >= r.deadline {
			r.timeUp()
		}
	}
	return nil
}

// turnOver gives the lane's second away and begins the one in which now lies.
func (r *run) turnOver(l *lane, now int64) {
	r.recorder.give(l.interval)
	second := (now - r.start) / int64(time.Second)
	l.interval = r.recorder.take(int(second))
	l.turn = r.start + (second+1)*int64(time.Second)
}

func (r *run) result() *Result {
	end, units := r.start, int64(0)
	for i := range r.lanes {
		end, units = max(end, r.lanes[i].end), units+r.lanes[i].units
	}
	res := &Result{
		Name: r.phase.Name, Threads: len(r.lanes), Kinds: r.phase.Kinds, TargetRate: r.phase.TargetRate,
		Start: r.start, Elapsed: time.Duration(end - r.start), Units: units, TimedOut: r.timedOut.Load(),
	}
	r.recorder.finish(res)
	return res
}
