package command

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"time"

	"github.com/varvekv/varve/bench/internal/driver"
	"github.com/varvekv/varve/bench/internal/engine"
	"github.com/varvekv/varve/bench/internal/hdrfile"
	"github.com/varvekv/varve/bench/internal/host"
	"github.com/varvekv/varve/bench/internal/measure"
	"github.com/varvekv/varve/bench/internal/picture"
	"github.com/varvekv/varve/bench/internal/report"
	"github.com/varvekv/varve/bench/internal/row"
	"github.com/varvekv/varve/bench/internal/session"
)

// probeTime is how long the disk's flushes are measured.
const probeTime = 500 * time.Millisecond

// bench is one run of a measuring command: its directory, databases, profiles
// and report.
type bench struct {
	settings *settings
	open     engine.Opener
	stderr   io.Writer
	dir      string
	keep     bool // the directory is the user's
	opened   int
	clock    measure.Clock
	keeper   *hdrfile.Dir // nil = nobody wants histograms
	report   report.Report
	stops    []func() error // in reverse order
}

// newBench makes the directories. An error of it is the user's.
func newBench(title string, s *settings, open engine.Opener, stderr io.Writer) (*bench, error) {
	if err := s.validate(); err != nil {
		return nil, err
	}
	b := &bench{settings: s, open: open, stderr: stderr, clock: measure.NewClock(), keep: s.dir != ""}
	var err error
	if s.histograms != "" {
		if b.keeper, err = hdrfile.NewDir(s.histograms); err != nil {
			return nil, err
		}
	}
	if b.dir, err = makeDir(s.dir); err != nil {
		return nil, err
	}
	b.report = report.Report{
		Schema: report.Schema, Title: title, Started: time.Now(), Machine: host.Describe(b.dir),
		Clock: b.clock.Cost(), Options: s.describe(),
	}
	return b, nil
}

func makeDir(wanted string) (string, error) {
	if wanted == "" {
		return os.MkdirTemp("", "varve-bench-")
	}
	if err := os.MkdirAll(wanted, 0o700); err != nil {
		return "", err
	}
	names, err := os.ReadDir(wanted)
	if err == nil && len(names) > 0 {
		err = fmt.Errorf("directory %s is not empty", wanted)
	}
	return wanted, err
}

// begin starts the profile and measures the disk, as asked. synced tells whether
// any write of the run waits for the disk.
func (b *bench) begin(synced bool) error {
	if b.settings.probe.wanted(synced) {
		c, err := host.ProbeFlush(filepath.Join(b.dir, "probe"), probeTime)
		if err != nil {
			return err
		}
		b.report.Flush = &c
	}
	if b.settings.cpuProfile == "" {
		return nil
	}
	f, err := os.Create(b.settings.cpuProfile)
	if err != nil {
		return err
	}
	b.stops = append(b.stops, f.Close)
	if err := pprof.StartCPUProfile(f); err != nil {
		return err
	}
	b.stops = append(b.stops, func() error { pprof.StopCPUProfile(); return nil })
	return nil
}

// openSession opens a database: an empty one in a directory of its own, or the
// one in the directory that is asked for. discard closes it and removes what it
// left, unless that is the user's; it is told how the work ended.
func (b *bench) openSession(q row.Request) (*session.Session, func(ended error) error, error) {
	dir := q.Dir
	if dir == "" {
		b.opened++
		dir = filepath.Join(b.dir, fmt.Sprintf("db-%d", b.opened))
	}
	e, err := b.open(b.settings.engineOptions(dir, q))
	if err != nil {
		return nil, nil, err
	}
	b.report.Engine = e.Name()
	s := &session.Session{Engine: e, Dir: dir, Clock: b.clock, Begin: b.progress, Histograms: b.keeper}
	discard := func(ended error) error {
		if errors.Is(ended, driver.ErrStuck) {
			b.showStuck()
			return nil // Close would wait for the calls that do not return
		}
		if b.settings.metrics || b.settings.outputs.any() {
			b.report.Metrics = e.Metrics()
		}
		if err := e.Close(); err != nil {
			return fmt.Errorf("close: %w", err)
		}
		if b.keep || filepath.Dir(dir) != b.dir {
			return nil // the user's
		}
		return os.RemoveAll(dir)
	}
	return s, discard, nil
}

// showStuck shows where every goroutine stands. It fails when stderr does: there
// is nowhere to tell.
func (b *bench) showStuck() { _ = pprof.Lookup("goroutine").WriteTo(b.stderr, 1) }

// progress draws one phase.
func (b *bench) progress(phase string) driver.Progress {
	return newProgress(b.stderr, phase, b.clock)
}

// end stops the profiles, removes the directory and shows the report: what was
// measured is shown beside an error too.
func (b *bench) end(stdout io.Writer, runErr error) error {
	errs := []error{runErr}
	for i := len(b.stops) - 1; i >= 0; i-- {
		errs = append(errs, b.stops[i]())
	}
	if b.settings.memProfile != "" {
		errs = append(errs, writeHeapProfile(b.settings.memProfile))
	}
	if !b.keep {
		errs = append(errs, os.RemoveAll(b.dir))
	}
	errs = append(errs, b.show(stdout))
	return errors.Join(errs...)
}

func (b *bench) show(stdout io.Writer) error {
	if len(b.report.Phases) == 0 {
		return nil
	}
	b.report.Duration = time.Since(b.report.Started)
	var errs []error // a file that cannot be written does not hide what was measured
	if b.settings.plots != "" {
		errs = append(errs, picture.Write(b.settings.plots, picture.Report(&b.report)))
	}
	return errors.Join(append(errs, b.settings.outputs.write(&b.report, b.table, stdout))...)
}

// table is the report for people, who see the engine's metrics when they ask.
func (b *bench) table(w io.Writer, r *report.Report) error {
	shown := *r
	if !b.settings.metrics {
		shown.Metrics = ""
	}
	return report.Table(w, &shown)
}

func writeHeapProfile(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	runtime.GC() // so that it shows what lives
	return errors.Join(pprof.WriteHeapProfile(f), f.Close())
}
