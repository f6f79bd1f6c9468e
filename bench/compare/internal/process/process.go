// Package process runs a unit in a process of its own and survives whatever
// becomes of it: an error, a crash, a hang.
package process

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/varvekv/varve/bench/compare/internal/child"
	"github.com/varvekv/varve/bench/compare/internal/plan"
)

// defaultGrace is how long a child that is no longer wanted may take to end.
const defaultGrace = 3 * time.Second

// Spawner starts children.
type Spawner struct {
	// Command is the program that runs one unit, and its arguments.
	Command []string
	// Scratch is where a unit's directory is made, and removed behind it.
	Scratch string
	// ProfileDir, when set, receives a CPU profile of each unit.
	ProfileDir string
	// Grace is how long a child that is no longer wanted may take to end by
	// itself. 0: three seconds.
	Grace time.Duration
	// Log is told each line that a child prints. nil = nobody.
	Log func(line string)
}

// Ended is how a child ended.
type Ended struct {
	Tail   string  // the end of what it printed
	Others float64 // the share of the machine, 0 to 1, that others used meanwhile; 0 where no system tells
}

// ErrTimeout is a child that was killed because it did not end in its time.
var ErrTimeout = errors.New("did not end in its time and was killed")

// Run runs one unit. When ctx ends the child is stopped, and ctx's error is returned; any other error is the
// unit's. What was measured before an error is returned beside it.
func (s *Spawner) Run(ctx context.Context, u *plan.Unit) (r *child.Result, e Ended, err error) {
	dir, err := os.MkdirTemp(s.Scratch, u.ID()+"-")
	if err != nil {
		return nil, Ended{}, fmt.Errorf("make the unit's directory: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	q := child.Request{Unit: *u, Dir: filepath.Join(dir, "data"), Result: filepath.Join(dir, "result.json")}
	if err := os.Mkdir(q.Dir, 0o700); err != nil {
		return nil, Ended{}, fmt.Errorf("make the unit's directory: %w", err)
	}
	if s.ProfileDir != "" {
		q.CPUProfile = filepath.Join(s.ProfileDir, u.ID()+".pprof")
	}
	e, err = s.execute(ctx, &q, u.Limit())
	r, readErr := readResult(q.Result)
	if err == nil {
		err = readErr
	}
	return r, e, err
}

func (s *Spawner) execute(ctx context.Context, q *child.Request, limit time.Duration) (e Ended, err error) {
	request, err := json.Marshal(q)
	if err != nil {
		return Ended{}, fmt.Errorf("encode request: %w", err)
	}
	limited, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("%w: %v", ErrTimeout, limit))
	defer cancel()
	c := exec.CommandContext(limited, s.Command[0], s.Command[1:]...)
	stdin, err := c.StdinPipe()
	if err != nil {
		return Ended{}, fmt.Errorf("start child: %w", err)
	}
	c.Cancel = stdin.Close // the child stops; after WaitDelay it is killed
	c.WaitDelay = cmp.Or(s.Grace, defaultGrace)
	out := &lines{log: s.Log}
	c.Stdout, c.Stderr = out, out
	before := readProcessor()
	if err := c.Start(); err != nil {
		return Ended{}, fmt.Errorf("start child: %w", err)
	}
	_, writeErr := stdin.Write(append(request, '\n'))
	waitErr := c.Wait()
	e.Tail = out.tail()
	if p := c.ProcessState; p != nil { // Wait itself may have failed
		e.Others = othersShare(before, readProcessor(), p.UserTime()+p.SystemTime())
	}
	switch {
	case ctx.Err() != nil:
		return e, context.Cause(ctx)
	case limited.Err() != nil:
		return e, context.Cause(limited)
	case waitErr != nil:
		return e, waitErr
	}
	return e, writeErr
}

func readResult(path string) (*child.Result, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("the child left no result: %w", err)
	}
	r := &child.Result{}
	if err := json.Unmarshal(text, r); err != nil {
		return nil, fmt.Errorf("the child's result: %w", err)
	}
	return r, nil
}
