package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/varvekv/varve/cmd/varve/internal/console"
	"github.com/varvekv/varve/cmd/varve/internal/live"
	"github.com/varvekv/varve/cmd/varve/internal/tree"
)

// top is `varve top`.
type top struct {
	c        *console.Console
	target   string
	name     string
	interval time.Duration
	count    int
	once     bool
	isURL    bool
}

// intervalMin keeps top from becoming a load itself.
const intervalMin = 10 * time.Millisecond

// failuresMax is how many looks in a row may fail before top gives up.
const failuresMax = 3

func newTop(c *console.Console) *cobra.Command {
	t := &top{c: c}
	cmd := &cobra.Command{
		Use:   "top URL|DIR",
		Short: "Show live figures of a running process, or of a directory",
		Long: `Show what a database does, again and again: operations, hit rates, flushes,
compactions, stalls and levels, per second. Ctrl-C ends it.

URL is where a process answers with package expvar, http://host:port/debug/vars
or unix:/path.sock, and publishes its figures:

    expvar.Publish("varve", expvar.Func(func() any { return db.Metrics() }))

DIR is a database: its levels and its log, as the files show them, without taking
the lock.

On a terminal the screen is drawn anew; elsewhere each look is a line. The first
look has no rates.

JSON: one object in each line, with time, source, seconds, and process (the
figures as published) and rates, or directory (as 'varve lsm --json') and changes.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			t.target = args[0]
			return t.run(cmd.Context())
		},
	}
	cmd.Flags().DurationVar(&t.interval, "interval", time.Second, "time between two looks")
	cmd.Flags().IntVar(&t.count, "count", 0, "end after so many looks; 0 = with Ctrl-C")
	cmd.Flags().BoolVar(&t.once, "once", false, "one look")
	cmd.Flags().StringVar(&t.name, "name", "varve", "name under which the process publishes its figures")
	return cmd
}

func (t *top) run(ctx context.Context) error {
	if t.interval < intervalMin {
		return usagef("--interval %v: the least is %v", t.interval, intervalMin)
	}
	if t.count < 0 {
		return usagef("--count %d: it cannot be negative", t.count)
	}
	if t.once {
		t.count = 1
	}
	source, err := t.open()
	if err != nil {
		return err
	}
	defer source.Close()
	show, end := t.view()
	defer end()
	return t.follow(ctx, source, show)
}

func (t *top) open() (live.Source, error) {
	source, isURL, err := live.Process(t.target, t.name, max(t.interval, 5*time.Second))
	switch {
	case err != nil:
		return nil, &inputError{File: t.target, Err: err}
	case isURL:
		t.isURL = true
		return source, nil
	}
	return live.Directory(func() (*tree.Tree, error) { return readTree(t.target, false) }), nil
}

// follow looks until it is enough. A process may miss a look now and then, but not
// the first one.
func (t *top) follow(ctx context.Context, source live.Source, show func(*live.Tick) error) error {
	clock := time.NewTicker(t.interval)
	defer clock.Stop()
	var before *live.Sample
	failures := 0
	for looks := 0; ; {
		s, err := source.Sample(ctx)
		switch {
		case ctx.Err() != nil:
			return nil // Ctrl-C is how it ends
		case err != nil:
			failures++
			if before == nil || failures == failuresMax {
				return t.failed(err)
			}
		default:
			failures = 0
			if err := show(live.NewTick(t.target, s, before)); err != nil {
				return err
			}
			before = &s
			looks++
		}
		if looks > 0 && looks == t.count {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-clock.C:
		}
	}
}

// failed names the source in an error, which says whether it is to blame.
func (t *top) failed(err error) error {
	if no := new(live.NotPublishedError); errors.As(err, &no) {
		return &inputError{File: t.target, Err: no}
	}
	if t.isURL {
		return fmt.Errorf("%s: %w", t.target, err)
	}
	return err
}

// view is how ticks are shown, and what restores the terminal.
func (t *top) view() (show func(*live.Tick) error, end func()) {
	switch {
	case t.c.JSON:
		return func(x *live.Tick) error { return errors.Join(t.c.Line(x), t.c.Flush()) }, func() {}
	case t.c.OnTerminal && t.count != 1:
		return t.screen()
	case t.count == 1:
		s := &live.Screen{Console: t.c}
		return func(x *live.Tick) error { return t.print(s.Lines(x)) }, func() {}
	}
	p := new(live.Plain)
	return func(x *live.Tick) error { return t.print(p.Lines(x)) }, func() {}
}

func (t *top) print(lines []string) error {
	for _, line := range lines {
		t.c.Printf("%s\n", line)
	}
	return t.c.Flush()
}

// Control sequences of ECMA-48 and xterm.
const (
	enterScreen = "\x1b[?1049h\x1b[?25l" // the other screen, without a cursor
	leaveScreen = "\x1b[?25h\x1b[?1049l"
	toTop       = "\x1b[H"
	restOfLine  = "\x1b[K"
	restBelow   = "\x1b[J"
)

// screen draws every tick over the one before, cut to the terminal's height.
func (t *top) screen() (show func(*live.Tick) error, end func()) {
	s := &live.Screen{Console: t.c}
	t.c.Printf("%s", enterScreen)
	show = func(x *live.Tick) error {
		lines := s.Lines(x)
		width := t.c.Width
		if w, height, err := term.GetSize(int(os.Stdout.Fd())); err == nil && height > 1 {
			width, lines = w, lines[:min(len(lines), height-1)]
		}
		t.c.Printf("%s", toTop)
		for _, line := range lines {
			t.c.Printf("%s%s\r\n", text.Trim(line, width), restOfLine) // a longer one would wrap
		}
		t.c.Printf("%s%s", t.c.Paint(console.Dim, "every "+t.interval.String()+"; Ctrl-C ends"), restBelow)
		return t.c.Flush()
	}
	return show, func() {
		t.c.Printf("%s", leaveScreen)
		_ = t.c.Flush() // Main flushes again and tells of the error
	}
}
