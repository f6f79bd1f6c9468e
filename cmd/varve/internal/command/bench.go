package command

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/varvekv/varve/bench/cli"
	"github.com/varvekv/varve/cmd/varve/internal/console"
)

// newBench is the benchmarks' own command line under this one. Its reports go to
// files in several forms, so that its --json takes the name of one.
func newBench(c *console.Console) *cobra.Command {
	bench := cli.New()
	bench.Short = "Measure the engine: YCSB and single-purpose rows"
	for _, child := range bench.Commands() {
		run := child.RunE
		child.RunE = func(cmd *cobra.Command, args []string) error {
			if c.Progress == console.Never {
				cmd.SetErr(io.Discard) // there is nothing else that it says there
			}
			err := run(cmd, args)
			if err != nil && !cli.Failed(err) {
				return usageError{err}
			}
			return err
		}
	}
	bench.RunE, bench.Args = nil, nil // as every command that is a heading for others
	return bench
}
