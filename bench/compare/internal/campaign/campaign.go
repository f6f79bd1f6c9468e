// Package campaign runs the units of a plan, one after the other, skips those
// that are done, and goes on behind one that fails.
package campaign

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/varvekv/varve/bench/compare/internal/child"
	"github.com/varvekv/varve/bench/compare/internal/plan"
	"github.com/varvekv/varve/bench/compare/internal/process"
	"github.com/varvekv/varve/bench/compare/internal/results"
	"github.com/varvekv/varve/bench/internal/report"
)

// Campaign is one run over a plan's units.
type Campaign struct {
	Units     []plan.Unit
	Directory *results.Directory
	// Execute runs one unit in a process of its own.
	Execute func(context.Context, *plan.Unit) (*child.Result, process.Ended, error)
	Build   string // of this program
	Retry   bool   // run again what failed in an earlier run
	Say     func(line string)
	Now     func() time.Time
}

// ErrFailed is a campaign that ran to its end, some units of which failed.
var ErrFailed = errors.New("units failed")

// Run runs what is not done. The context's end stops it: what is done stays.
func (c *Campaign) Run(ctx context.Context) error {
	todo := c.todo()
	c.announce(todo)
	left := newPace(todo)
	for i, u := range todo {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		c.Say(fmt.Sprintf("[%*d/%d] round %d  %s  %s × %d B  %s  (%s left)", digits(len(todo)), i+1, len(todo),
			u.Round, u.Job.Name, report.Count(int64(u.Size.Records)), u.Size.ValueBytes, label(u), Rounded(left.remaining())))
		o, err := c.runUnit(ctx, u)
		if err != nil {
			return err
		}
		if o.Failed() {
			c.sayFailed(o)
		}
		left.done(u, o.Took)
	}
	return c.outcome()
}

// todo is the units that have no outcome, or a failed one that is to be tried again.
func (c *Campaign) todo() (todo []*plan.Unit) {
	for i := range c.Units {
		u := &c.Units[i]
		if o := c.Directory.Outcome(u); o == nil || o.Failed() && c.Retry {
			todo = append(todo, u)
		}
	}
	return todo
}

func (c *Campaign) announce(todo []*plan.Unit) {
	if done := len(c.Units) - len(todo); done > 0 {
		c.Say(fmt.Sprintf("%d of %d units are done already", done, len(c.Units)))
	}
}

func (c *Campaign) runUnit(ctx context.Context, u *plan.Unit) (*results.Outcome, error) {
	o := &results.Outcome{Schema: results.Schema, Unit: *u, Build: c.Build, Started: c.Now()}
	r, ended, err := c.Execute(ctx, u)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx) // stopped, not failed
	}
	o.Result, o.Took, o.Others = r, c.Now().Sub(o.Started), ended.Others
	if err != nil {
		o.Error, o.Tail = err.Error(), ended.Tail
	}
	return o, c.Directory.Add(o)
}

func (c *Campaign) sayFailed(o *results.Outcome) {
	c.Say("  FAILED: " + o.Error)
	for line := range strings.Lines(o.Tail) {
		c.Say("  | " + strings.TrimRight(line, "\n"))
	}
}

func (c *Campaign) outcome() error {
	failed := 0
	for i := range c.Units {
		if c.Directory.Outcome(&c.Units[i]).Failed() {
			failed++
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d %w", failed, len(c.Units), ErrFailed)
	}
	return nil
}

func label(u *plan.Unit) string { return u.Engine + " " + string(u.Profile) }

func digits(n int) int { return len(fmt.Sprint(n)) }
