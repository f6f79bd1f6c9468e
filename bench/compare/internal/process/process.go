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

// ErrTimeout is a child that was killed because it did not end in its time.
var ErrTimeout = errors.New("did not end in its time and was killed")

// Run runs one unit. tail is the end of what the child printed. When ctx ends
// the child is stopped, and ctx's error is returned; any other error is the
// unit's. What was measured before an error is returned beside it.
func (s *Spawner) Run(ctx context.Context, u *plan.Unit) (r *child.Result, tail string, err error) {
	dir, err := os.MkdirTemp(s.Scratch, u.ID()+"-")
	if err != nil {
		return nil, "", fmt.Errorf("make the unit's directory: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	q := child.Request{Unit: *u, Dir: filepath.Join(dir, "data"), Result: filepath.Join(dir, "result.json")}
	if err := os.Mkdir(q.Dir, 0o700); err != nil {
		return nil, "", fmt.Errorf("make the unit's directory: %w", err)
	}
	if s.ProfileDir != "" {
		q.CPUProfile = filepath.Join(s.ProfileDir, u.ID()+".pprof")
	}
	tail, err = s.execute(ctx, &q, u.Limit())
	r, readErr := readResult(q.Result)
	if err == nil {
		err = readErr
	}
	return r, tail, err
}

func (s *Spawner) execute(ctx context.Context, q *child.Request, limit time.Duration) (string, error) {
	request, err := json.Marshal(q)
	if err != nil {
		return "", fmt.Errorf("encode request: %w", err)
	}
	limited, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("%w: %v", ErrTimeout, limit))
	defer cancel()
	c := exec.CommandContext(limited, s.Command[0], s.Command[1:]...)
	stdin, err := c.StdinPipe()
	if err != nil {
		return "", fmt.Errorf("start child: %w", err)
	}
	c.Cancel = stdin.Close // the child stops; after WaitDelay it is killed
	c.WaitDelay = cmp.Or(s.Grace, defaultGrace)
	out := &lines{log: s.Log}
	c.Stdout, c.Stderr = out, out
	if err := c.Start(); err != nil {
		return "", fmt.Errorf("start child: %w", err)
	}
	_, writeErr := stdin.Write(append(request, '\n'))
	waitErr := c.Wait()
	switch {
	case ctx.Err() != nil:
		return out.tail(), context.Cause(ctx)
	case limited.Err() != nil:
		return out.tail(), context.Cause(limited)
	case waitErr != nil:
		return out.tail(), waitErr
	}
	return out.tail(), writeErr
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
