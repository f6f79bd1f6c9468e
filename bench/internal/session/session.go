// Package session runs phases on one open database and brings together all that
// is known of each: latencies from the driver, traffic from the engine, memory
// and disk from the host.
package session

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/varvekv/varve/bench/internal/driver"
	"github.com/varvekv/varve/bench/internal/engine"
	"github.com/varvekv/varve/bench/internal/hdrfile"
	"github.com/varvekv/varve/bench/internal/host"
	"github.com/varvekv/varve/bench/internal/measure"
	"github.com/varvekv/varve/bench/internal/report"
)

// settleMax bounds the wait for background work behind a phase; patience that
// for calls which should have returned when a phase was to end.
const (
	settleMax = 10 * time.Second // unless the session has its own
	patience  = 20 * time.Second
)

// Session is one open database being measured.
type Session struct {
	Engine engine.Engine
	Dir    string // where its files are
	Clock  measure.Clock
	// Begin, when set, is told that a phase begins, and gives the receiver of
	// its progress.
	Begin func(phase string) driver.Progress
	// SettleMax bounds the wait for background work behind a phase. 0: 10 s.
	SettleMax time.Duration
	// Histograms, when set, is where every phase's latencies are kept in full.
	Histograms *hdrfile.Dir
}

// Work is a phase with what the driver does not know of it.
type Work struct {
	driver.Phase
	UserBytes func() int64 // keys and values that it wrote, once it has ended
	ReadBytes func() int64 // keys and values that it was given, once it has ended; nil = not counted
	LiveBytes func() int64 // keys and values in the database once it has ended
	// Settle waits behind the phase until tables hold everything.
	Settle bool
}

// Run runs a phase and settles behind it where it asks for that.
func (s *Session) Run(ctx context.Context, w Work) (report.Phase, error) {
	d := driver.Driver{Engine: s.Engine, Clock: s.Clock, Patience: patience}
	if s.Begin != nil {
		d.Progress = s.Begin(w.Name)
	}
	seen := observe(s.Engine, s.Clock)
	before, meter := s.Engine.Traffic(), host.Start()
	res, err := s.drive(ctx, &d, w.Phase)
	if err != nil {
		return report.Phase{}, err
	}
	p := report.FromResult(res)
	p.Usage = meter.Stop()
	if w.Settle {
		if p.Settling, err = s.settle(ctx); err != nil {
			return p, fmt.Errorf("%s: settle: %w", w.Name, err)
		}
	}
	p.Traffic = s.Engine.Traffic().Since(before)
	p.Spans, p.Stalls = seen.since(res.Start)
	p.UserBytes, p.LiveBytes = w.UserBytes(), w.LiveBytes()
	if w.ReadBytes != nil {
		p.ReadBytes = w.ReadBytes()
	}
	p.DiskBytes, err = host.DiskBytes(s.Dir)
	return p, err
}

// drive runs the phase, and keeps its histograms where that is wanted.
func (s *Session) drive(ctx context.Context, d *driver.Driver, p driver.Phase) (*driver.Result, error) {
	if s.Histograms == nil {
		return d.Run(ctx, p)
	}
	files, err := s.Histograms.Begin(p.Name, p.Kinds, time.Now())
	if err != nil {
		return nil, err
	}
	d.Interval = files.Interval
	res, err := d.Run(ctx, p)
	return res, errors.Join(err, files.End(res))
}

func (s *Session) settle(ctx context.Context) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(s.SettleMax, settleMax))
	defer cancel()
	start := s.Clock()
	err := s.Engine.Settle(ctx)
	return time.Duration(s.Clock() - start), err
}
