// Package hdrfile keeps the latencies of phases in files that HdrHistogram's
// tools read: for each phase an interval log (PHASE.hlog), second by second,
// tagged by the kind of operation, and for each kind its percentiles
// (PHASE-KIND.hgrm; PHASE-KIND-intended.hgrm too where there is a target rate).
package hdrfile

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/varvekv/varve/bench/internal/driver"
	"github.com/varvekv/varve/bench/internal/measure"
)

// Dir is the directory of one run. Files of another run in it are replaced.
type Dir struct {
	path string
	used map[string]int // phases by name: they may run twice
}

// NewDir makes the directory where it is missing.
func NewDir(path string) (*Dir, error) {
	if err := os.MkdirAll(path, 0o755); err != nil {
		return nil, fmt.Errorf("histograms: %w", err)
	}
	return &Dir{path: path, used: map[string]int{}}, nil
}

// Phase is the files of one phase.
type Phase struct {
	base  string // of their paths
	kinds []string
	file  *os.File
	out   *bufio.Writer
	log   *measure.LogWriter
	err   error // the first of writing the log
}

// Begin makes the log of a phase that starts now.
func (d *Dir) Begin(name string, kinds []string, now time.Time) (*Phase, error) {
	base := fileName(name)
	if d.used[name]++; d.used[name] > 1 {
		base = fmt.Sprintf("%s-%d", base, d.used[name])
	}
	p := &Phase{base: filepath.Join(d.path, base), kinds: kinds}
	var err error
	if p.file, err = os.Create(p.base + ".hlog"); err != nil {
		return nil, fmt.Errorf("histograms: %w", err)
	}
	p.out = bufio.NewWriter(p.file)
	if p.log, err = measure.NewLogWriter(p.out, "Latencies of "+name, now); err != nil {
		return nil, errors.Join(fmt.Errorf("histograms: %w", err), p.file.Close())
	}
	return p, nil
}

// fileName is a phase's name without what a path or a tag cannot hold.
func fileName(s string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(`/\:, `, r) {
			return '_'
		}
		return r
	}, s)
}

// Interval adds a second to the log. It is a driver.Interval; what fails here,
// End returns.
func (p *Phase) Interval(second, kind int, h *measure.Histogram) {
	from := time.Duration(second) * time.Second
	if err := p.log.Write(h, fileName(p.kinds[kind]), from, from+time.Second); err != nil && p.err == nil {
		p.err = fmt.Errorf("histograms: %s.hlog: %w", p.base, err)
	}
}

// End closes the log and writes the percentiles. A phase that failed has none:
// its result is nil.
func (p *Phase) End(r *driver.Result) error {
	errs := []error{p.err, p.out.Flush(), p.file.Close()}
	if r != nil {
		for kind := range r.Kinds {
			errs = append(errs, p.percentiles(r.Latency[kind], fileName(r.Kinds[kind])))
			if r.Intended != nil {
				errs = append(errs, p.percentiles(r.Intended[kind], fileName(r.Kinds[kind])+"-intended"))
			}
		}
	}
	return errors.Join(errs...)
}

func (p *Phase) percentiles(h *measure.Histogram, name string) error {
	if h.Count() == 0 {
		return nil
	}
	f, err := os.Create(p.base + "-" + name + ".hgrm")
	if err != nil {
		return fmt.Errorf("histograms: %w", err)
	}
	return errors.Join(h.WritePercentiles(f), f.Close())
}
