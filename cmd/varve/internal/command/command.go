// Package command is the command line: one file for each command, root.go has
// their list. A command reads its arguments, calls the engine and speaks through
// its console; what an exit code means is decided here alone.
package command

import (
	"context"
	"errors"
	"io"
	"os/signal"
	"slices"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/varvekv/varve/cmd/varve/internal/console"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1 // the answer is no, or something failed that the input is not to blame for
	exitInput  = 2 // usage, no database, damaged or unreadable files
)

// Main runs the command line and tells the exit code.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	return run(ctx, args, stdin, stdout, stderr)
}

func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	c := console.New(stdin, stdout, stderr)
	root := newRoot(c)
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(c.Out)
	root.SetErr(stderr)
	ran, err := root.ExecuteContextC(ctx)
	if failed := c.Flush(); err == nil && failed != nil {
		err = attempt{failed}
	}
	if err == nil {
		return exitOK
	}
	code := exitCode(err)
	c.JSON = c.JSON || asksForJSON(args) // the flag behind one that was not understood
	complain(c, ran, err)
	return code
}

// asksForJSON finds the flag in a command line that may not be understood.
func asksForJSON(args []string) bool {
	if end := slices.Index(args, "--"); end >= 0 {
		args = args[:end]
	}
	return slices.Contains(args, "--json")
}

// exitCode tells whose fault an error is. What happened before a command ran is
// the command line's.
func exitCode(err error) int {
	if !errors.As(err, new(attempt)) || isBadInput(err) {
		return exitInput
	}
	return exitFailed
}

// complain says what went wrong, and how to ask where the command line was wrong.
func complain(c *console.Console, ran *cobra.Command, err error) {
	if c.JSON {
		complainJSON(c, err)
		return
	}
	c.Notef("%s %s", c.PaintErr(console.Red, "varve:"), message(err))
	if !errors.As(err, new(attempt)) || errors.As(err, new(usageError)) {
		c.Notef("Run '%s --help' for usage.", ran.CommandPath())
	}
}
