package command

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"

	"github.com/varvekv/varve/bench/internal/report"
)

// output is one form of the report, written to a file where one is named.
type output struct {
	flag, usage string
	write       func(io.Writer, *report.Report) error
	path        string // "" = nowhere; "-" = to stdout, in the place of the table
}

const onStdout = "-"

// outputs is every form beside the table.
type outputs []*output

func newOutputs() outputs {
	return outputs{
		{flag: "json", usage: "the whole report as JSON", write: report.JSON},
		{flag: "csv", usage: "a line of CSV for each kind of operation", write: report.CSV},
		{flag: "benchstat", usage: "the format of Go's benchmarks, which benchstat compares", write: report.Benchstat},
		{flag: "ycsb", usage: "the lines that YCSB prints", write: report.YCSB},
	}
}

func (o outputs) addFlags(f *pflag.FlagSet) {
	for _, out := range o {
		f.StringVar(&out.path, out.flag, "", "write to this `file` (- is stdout, in the table's place): "+out.usage)
	}
}

// validate finds what could not be written after the run, before it.
func (o outputs) validate() error {
	taken := ""
	for _, out := range o {
		switch {
		case out.path == "":
		case out.path == onStdout && taken != "":
			return fmt.Errorf("--%s and --%s cannot both go to stdout", taken, out.flag)
		case out.path == onStdout:
			taken = out.flag
		default:
			if err := checkTarget(out.path); err != nil {
				return fmt.Errorf("--%s: %w", out.flag, err)
			}
		}
	}
	return nil
}

func checkTarget(path string) error {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return fmt.Errorf("%s is a directory", path)
	}
	info, err := os.Stat(filepath.Dir(path))
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%s is no directory", filepath.Dir(path))
	}
	return err
}

// any tells whether any form is wanted that holds the engine's own metrics.
func (o outputs) any() bool {
	for _, out := range o {
		if out.path != "" {
			return true
		}
	}
	return false
}

// write writes every form that is wanted, and the table if none took stdout.
func (o outputs) write(r *report.Report, table func(io.Writer, *report.Report) error, stdout io.Writer) error {
	var errs []error
	for _, out := range o {
		switch out.path {
		case "":
		case onStdout:
			table = out.write
		default:
			errs = append(errs, writeFile(out.path, func(w io.Writer) error { return out.write(w, r) }))
		}
	}
	return errors.Join(append(errs, table(stdout, r))...)
}

func writeFile(path string, write func(io.Writer) error) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	b := bufio.NewWriter(f)
	if err := errors.Join(write(b), b.Flush(), f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
