// Package command is the command line: a plan in, runs and tables out. It
// decides where files live and what an exit code means.
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

	"github.com/varvekv/varve/bench/compare/internal/child"
	"github.com/varvekv/varve/bench/compare/internal/peer"
	"github.com/varvekv/varve/bench/compare/internal/show"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1 // a run failed
	exitUsage  = 2 // the command line was not understood, or its files do not fit
)

// failure is an error of a run that was understood.
type failure struct{ error }

func (f failure) Unwrap() error { return f.error }

// Main runs the command line on the peers, and tells the exit code.
func Main(args []string, peers []peer.Peer, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	return run(ctx, args, peers, stdin, stdout, stderr)
}

func run(ctx context.Context, args []string, peers []peer.Peer, stdin io.Reader, stdout, stderr io.Writer) int {
	root := newRoot(peers)
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, new(failure)):
		fmt.Fprintf(stderr, "compare: FAILED: %v\n", err)
		return exitFailed
	}
	fmt.Fprintf(stderr, "compare: %v\nRun with --help for usage.\n", err)
	return exitUsage
}

func newRoot(peers []peer.Peer) *cobra.Command {
	root := &cobra.Command{
		Use:   "compare",
		Short: "Measure varve and its peers side by side",
		Long: `Measure varve and its peers side by side. Every unit of work runs in a process of
its own on a database of its own, engines take turns within a round, durability
and budgets are equal, and every value read is verified.`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return errors.New("say what to do: quick, standard, full, plan, report or engines")
		},
	}
	root.CompletionOptions.DisableDefaultCmd = true
	root.AddCommand(newPlans(peers)...)
	root.AddCommand(newReport(), newEngines(peers), newOne(peers))
	return root
}

func newEngines(peers []peer.Peer) *cobra.Command {
	return &cobra.Command{
		Use:   "engines",
		Short: "List the engines of this build, their durabilities and settings",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return show.Preface(c.OutOrStdout(), record(standardPlan(peers), peers), nil)
		},
	}
}

// childCommand is the hidden command by which this program runs a unit in a
// process of its own.
const childCommand = "one"

func newOne(peers []peer.Peer) *cobra.Command {
	return &cobra.Command{
		Use:    childCommand,
		Short:  "Run one unit, asked for on standard input",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := child.Main(c.Context(), peers, c.InOrStdin(), c.ErrOrStderr()); err != nil {
				return failure{err}
			}
			return nil
		},
	}
}
