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

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/varvekv/varve/bench/compare/internal/peer"
	"github.com/varvekv/varve/bench/internal/engine"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1 // a run failed
	exitUsage  = 2 // the command line was not understood
)

// failure is an error of a run that was understood.
type failure struct{ error }

func (f failure) Unwrap() error { return f.error }

// Main runs the command line on the peers, and tells the exit code.
func Main(args []string, peers []peer.Peer, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once

	root := newRoot(peers)
	root.SetArgs(args)
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
		Use:           "compare",
		Short:         "Measure varve and its peers side by side",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return errors.New("say what to do: engines")
		},
	}
	root.CompletionOptions.DisableDefaultCmd = true
	root.AddCommand(newEngines(peers))
	return root
}

func newEngines(peers []peer.Peer) *cobra.Command {
	return &cobra.Command{
		Use:   "engines",
		Short: "List the engines of this build, their durabilities and settings",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			t := table.NewWriter()
			t.AppendHeader(table.Row{"engine", "durability", "is obtained by"})
			for _, p := range peers {
				for _, d := range []engine.Durability{engine.Buffered, engine.Written, engine.Synced} {
					t.AppendRow(table.Row{p.Name, d.String(), p.Durability[d]})
				}
			}
			_, err := fmt.Fprintln(c.OutOrStdout(), t.Render())
			return err
		},
	}
}
