// Package picture chooses what to draw of what was measured: it turns reports into
// the figures of package plot, and puts them into files.
package picture

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/varvekv/varve/bench/internal/plot"
	"github.com/varvekv/varve/bench/internal/report"
)

// Picture is a figure and the name of its file, without ".svg".
type Picture struct {
	Name   string
	Figure plot.Figure
}

// Report is the pictures of a run: the throughput of its phases, then those of
// each phase.
func Report(r *report.Report) []Picture {
	var pictures []Picture
	if f := throughput(r); f != nil {
		pictures = append(pictures, Picture{"throughput", f})
	}
	for i := range r.Phases {
		pictures = append(pictures, Phase(r, &r.Phases[i])...)
	}
	return pictures
}

// Phase is the pictures of one phase of a report: latencies by percentile, and
// the phase second by second. What was not measured is left out.
func Phase(r *report.Report, p *report.Phase) []Picture {
	var pictures []Picture
	if f := percentiles(r, p); f != nil {
		pictures = append(pictures, Picture{p.Name + "-latency", f})
	}
	if f := timeline(r, p); f != nil {
		pictures = append(pictures, Picture{p.Name + "-timeline", f})
	}
	return pictures
}

// Caption is the machine and the settings of a report, in a few lines.
func Caption(r *report.Report) string {
	m := r.Machine
	parts := []string{m.CPU, fmt.Sprintf("%d cores", m.Cores), report.Bytes(m.MemoryBytes) + " memory",
		strings.TrimSpace(m.System + " " + m.Kernel), m.FileSystem, m.Go, r.Started.Format("2006-01-02")}
	text := strings.Join(nonEmpty(parts), ", ") + "."
	for _, o := range r.Options {
		text += " " + o.Name + "=" + o.Value
	}
	return text
}

func nonEmpty(parts []string) []string {
	var kept []string
	for _, p := range parts {
		if p != "" {
			kept = append(kept, p)
		}
	}
	return kept
}

// Write draws the pictures into a directory, which it makes if it is missing. A
// file of that name is replaced; of pictures with one name, the later ones are
// numbered. One that cannot be drawn does not keep the others from being drawn.
func Write(dir string, pictures []Picture) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("pictures: %w", err)
	}
	var errs []error
	count := map[string]int{}
	for _, p := range pictures {
		name := fileName(p.Name)
		count[name]++
		if n := count[name]; n > 1 {
			name = fmt.Sprintf("%s-%d", name, n)
		}
		errs = append(errs, writeFile(filepath.Join(dir, name+".svg"), p.Figure))
	}
	return errors.Join(errs...)
}

func writeFile(path string, f plot.Figure) error {
	var svg bytes.Buffer
	if err := f.WriteSVG(&svg); err != nil {
		return fmt.Errorf("picture %s: %w", path, err)
	}
	if err := os.WriteFile(path, svg.Bytes(), 0o644); err != nil {
		return fmt.Errorf("picture: %w", err)
	}
	return nil
}

// fileName keeps what is safe in a file name: a workload's name is the user's.
func fileName(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_':
			return r
		}
		return '-'
	}, name)
}
