package command

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/varvekv/varve/bench/compare/internal/results"
	"github.com/varvekv/varve/bench/compare/internal/show"
	"github.com/varvekv/varve/bench/compare/internal/summary"
	"github.com/varvekv/varve/bench/internal/picture"
)

// files is where the summary goes beside the terminal.
type files struct {
	markdown, json, csv, plots string
}

func (f *files) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&f.markdown, "markdown", "", "write the tables to this file, as Markdown")
	flags.StringVar(&f.json, "json", "", "write the summary to this file, as JSON")
	flags.StringVar(&f.csv, "csv", "", "write every round's values to this file, as CSV")
	flags.StringVar(&f.plots, "plots", "", "draw bars and latencies into this directory, as SVG")
}

func (f *files) write(stdout io.Writer, s *summary.Summary) error {
	for _, t := range []struct {
		path  string
		write func(io.Writer, *summary.Summary) error
	}{{f.markdown, show.Markdown}, {f.json, show.JSON}, {f.csv, show.CSV}} {
		if t.path == "" {
			continue
		}
		if err := writeFile(t.path, func(w io.Writer) error { return t.write(w, s) }); err != nil {
			return err
		}
	}
	if f.plots != "" {
		if err := picture.Write(f.plots, show.Pictures(s)); err != nil {
			return err
		}
	}
	return show.Terminal(stdout, s)
}

func writeFile(path string, write func(io.Writer) error) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}

func newReport() *cobra.Command {
	var out files
	c := &cobra.Command{
		Use:   "report DIR",
		Short: "Show what is in a directory of results, complete or not",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			d, r, err := results.Open(args[0])
			if errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("%s holds no comparison: %w", args[0], err)
			}
			if err != nil {
				return err
			}
			units, left := r.Plan.Expand(r.Promises)
			if err := out.write(c.OutOrStdout(), summary.Make(d, r, units, left)); err != nil {
				return failure{err}
			}
			return nil
		},
	}
	out.addFlags(c.Flags())
	return c
}
