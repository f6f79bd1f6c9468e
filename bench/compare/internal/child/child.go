// Package child runs one unit in this process: it opens the engine, runs the
// job, and hands back what was measured. Whoever wants a fresh process for each
// unit starts one (package process).
package child

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"strings"
	"time"

	"github.com/varvekv/varve/bench/compare/internal/peer"
	"github.com/varvekv/varve/bench/compare/internal/plan"
	"github.com/varvekv/varve/bench/internal/driver"
	"github.com/varvekv/varve/bench/internal/engine"
	"github.com/varvekv/varve/bench/internal/host"
	"github.com/varvekv/varve/bench/internal/measure"
	"github.com/varvekv/varve/bench/internal/report"
	"github.com/varvekv/varve/bench/internal/row"
	"github.com/varvekv/varve/bench/internal/session"
	"github.com/varvekv/varve/bench/internal/workload"
	"github.com/varvekv/varve/bench/internal/ycsb"
)

// Result is what a unit brought.
type Result struct {
	Report report.Report `json:"report"`
	// Written is the bytes that the system saw this process write, by phase,
	// settling included: the same yardstick for every engine, those that count
	// their own traffic and those that do not. Empty where no system tells.
	Written map[string]int64 `json:"written,omitempty"`
}

// probeTime is how long the disk's flushes are measured before durable writes.
const probeTime = 300 * time.Millisecond

// SettleMax is how long an engine may work off its load before it is read. One
// that is not done then is read all the same, and named.
const SettleMax = time.Minute

// Run runs a unit with databases below dir, and tells log what it does. What was
// measured is returned beside an error too.
func Run(ctx context.Context, u *plan.Unit, p peer.Peer, dir string, log io.Writer) (*Result, error) {
	r := &run{unit: u, peer: p, dir: dir, log: log, clock: measure.NewClock()}
	r.result.Report = report.Report{
		Schema: report.Schema, Title: u.Job.Name, Engine: p.Name, Started: time.Now(),
		Machine: host.Describe(dir), Clock: r.clock.Cost(), Options: options(u),
	}
	err := r.run(ctx)
	r.endPhase()
	r.result.Report.Duration = time.Since(r.result.Report.Started)
	return &r.result, err
}

type run struct {
	unit   *plan.Unit
	peer   peer.Peer
	dir    string
	log    io.Writer
	clock  measure.Clock
	opened int
	result Result

	phase string // under way; empty before the first
	io    host.IO
}

func (r *run) run(ctx context.Context) (err error) {
	if r.unit.Job.Promise() == engine.Synced {
		c, err := host.ProbeFlush(filepath.Join(r.dir, "probe"), probeTime)
		if err != nil {
			return err
		}
		r.result.Report.Flush = &c
	}
	if r.unit.Job.Kind == plan.YCSB {
		return r.ycsb(ctx)
	}
	u, out := r.unit, &r.result.Report
	out.Phases, err = row.Run(ctx, row.Config{
		Records: u.Size.Records, FillDuration: u.Job.LoadDuration.D(), Duration: u.Job.Duration.D(),
		Threads: u.Threads, ValueBytes: u.Size.ValueBytes, Seed: u.Seed, Durability: u.Job.Promise(),
		Rows: u.Job.Rows, Open: r.open,
	})
	return err
}

func (r *run) ycsb(ctx context.Context) (err error) {
	s, discard, err := r.open(row.Request{Durability: r.unit.Job.Promise()})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, discard(err)) }()
	u, out := r.unit, &r.result.Report
	out.Phases, out.Notes, err = ycsb.Run(ctx, s, ycsb.Config{
		Records: u.Size.Records, LoadDuration: u.Job.LoadDuration.D(), Duration: u.Job.Duration.D(),
		Threads: u.Threads, ValueBytes: u.Size.ValueBytes, Seed: u.Seed, Mixes: mixes(u.Job.Rows),
	})
	return err
}

// mixes is the workloads of these names; the load runs anyway.
func mixes(names []string) (mixes []workload.Mix) {
	core := workload.Core()
	for _, name := range names {
		if i := slices.IndexFunc(core, func(m workload.Mix) bool { return m.Name == name }); i >= 0 {
			mixes = append(mixes, core[i])
		}
	}
	return mixes
}

// open opens what a row wants; discard closes it and removes it.
func (r *run) open(q row.Request) (*session.Session, func(ended error) error, error) {
	o := r.unit.EngineOptions(q.Dir)
	o.Durability = q.Durability
	if o.Dir == "" {
		r.opened++
		o.Dir = filepath.Join(r.dir, fmt.Sprintf("db-%d", r.opened))
	}
	if q.CacheBytes > 0 {
		o.CacheBytes = q.CacheBytes
	}
	if q.MemtableBytes > 0 {
		o.MemtableBytes = q.MemtableBytes
	}
	e, err := r.peer.Open(o, r.unit.Profile)
	if err != nil {
		return nil, nil, err
	}
	r.result.Report.Engine = e.Name()
	discard := func(ended error) error {
		if errors.Is(ended, driver.ErrStuck) {
			// It fails when stderr does: there is nowhere to tell. Close would wait
			// for the calls that do not return.
			_ = pprof.Lookup("goroutine").WriteTo(r.log, 1)
			return nil
		}
		r.result.Report.Metrics = e.Metrics()
		if err := e.Close(); err != nil {
			return fmt.Errorf("close: %w", err)
		}
		return os.RemoveAll(o.Dir)
	}
	return &session.Session{Engine: e, Dir: o.Dir, Clock: r.clock, Begin: r.begin, SettleMax: SettleMax}, discard, nil
}

// begin is told that a phase begins, and gives its progress a place to go to.
func (r *run) begin(phase string) driver.Progress {
	r.endPhase()
	r.phase, r.io = phase, host.ReadIO()
	start := r.clock()
	return func(share float64, units int64) {
		if elapsed := time.Duration(r.clock() - start); share == 1 && elapsed > 0 {
			// It fails when the parent is gone, which is noticed elsewhere.
			_, _ = fmt.Fprintf(r.log, "%s %s ops/s\n", phase, report.Count(int64(float64(units)/elapsed.Seconds())))
		}
	}
}

// endPhase takes the system's count: of what calls asked for or of the pages
// that became dirty, the larger. Engines that write through mapped memory are in
// the second alone, small appends in the first alone.
func (r *run) endPhase() {
	if r.phase == "" {
		return
	}
	d := host.ReadIO().Since(r.io)
	if n := max(d.WriteChars, d.WriteBytes); n > 0 {
		if r.result.Written == nil {
			r.result.Written = map[string]int64{}
		}
		r.result.Written[r.phase] += n
	}
	r.phase = ""
}

func options(u *plan.Unit) []report.Option {
	return []report.Option{
		{Name: "engine", Value: u.Engine},
		{Name: "profile", Value: string(u.Profile)},
		{Name: "round", Value: fmt.Sprint(u.Round)},
		{Name: "rows", Value: strings.Join(u.Job.Rows, ",")},
		{Name: "records", Value: report.Count(int64(u.Size.Records))},
		{Name: "value-size", Value: fmt.Sprint(u.Size.ValueBytes)},
		{Name: "threads", Value: fmt.Sprint(u.Threads)},
		{Name: "durability", Value: u.Job.Durability},
		{Name: "cache", Value: report.Bytes(u.CacheBytes)},
		{Name: "memtable", Value: report.Bytes(u.MemtableBytes)},
		{Name: "duration", Value: u.Job.Duration.String()},
		{Name: "load-duration", Value: u.Job.LoadDuration.String()},
		{Name: "seed", Value: fmt.Sprint(u.Seed)},
	}
}
