// Package command is the command line: flags and YCSB properties in, a report
// out. It decides where databases live and what an exit code means.
package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/varvekv/varve/bench/internal/engine"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1 // a run failed, or a value was wrong
	exitUsage  = 2 // the command line was not understood
)

// failure is an error of a run that was understood.
type failure struct{ error }

func (f failure) Unwrap() error { return f.error }

// Failed tells the error of a run that was understood from that of a command
// line that was not.
func Failed(err error) bool { return errors.As(err, new(failure)) }

// Main runs the command line on databases that open makes, and tells the exit code.
func Main(args []string, open engine.Opener, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once

	root := New(open)
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	switch {
	case err == nil:
		return exitOK
	case Failed(err):
		fmt.Fprintf(stderr, "bench: FAILED: %v\n", err)
		return exitFailed
	}
	fmt.Fprintf(stderr, "bench: %v\nRun with --help for usage.\n", err)
	return exitUsage
}

// New is the bench command on databases that open makes.
func New(open engine.Opener) *cobra.Command {
	root := &cobra.Command{
		Use:           "bench",
		Short:         "Measure varve, an embedded key-value engine",
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(c *cobra.Command, args []string) error {
			return errors.New("say what to run: ycsb or rows")
		},
		Args: cobra.NoArgs,
	}
	root.CompletionOptions.DisableDefaultCmd = true
	root.AddCommand(newYCSB(open), newRows(open))
	return root
}
