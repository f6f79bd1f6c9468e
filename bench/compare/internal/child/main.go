package child

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/pprof"

	"github.com/varvekv/varve/bench/compare/internal/peer"
	"github.com/varvekv/varve/bench/compare/internal/plan"
)

// Request is what a parent writes to its child's standard input. It then holds
// that open: its end means that the child is no longer wanted, or that the
// parent has died.
type Request struct {
	Unit       plan.Unit `json:"unit"`
	Dir        string    `json:"dir"`                   // for databases; made and removed by the parent
	Result     string    `json:"result"`                // file that is to hold the Result
	CPUProfile string    `json:"cpu_profile,omitempty"` // file; empty: none
}

var errUnwanted = errors.New("the parent wants no result any more")

// Main is a child's whole life: request in, result file out. Its error is one
// for the exit code too.
func Main(ctx context.Context, peers []peer.Peer, stdin io.Reader, stderr io.Writer) error {
	in := bufio.NewReader(stdin)
	line, err := in.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("read request: %w", err)
	}
	var q Request
	if err := json.Unmarshal(line, &q); err != nil {
		return fmt.Errorf("read request: %w", err)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() { // ends with the process: a read of stdin cannot be called back
		_, _ = io.Copy(io.Discard, in)
		cancel(errUnwanted)
	}()
	p, err := find(peers, q.Unit.Engine)
	if err != nil {
		return err
	}
	return q.serve(ctx, p, stderr)
}

func find(peers []peer.Peer, name string) (peer.Peer, error) {
	for _, p := range peers {
		if p.Name == name {
			return p, nil
		}
	}
	return peer.Peer{}, fmt.Errorf("this build has no engine called %q", name)
}

func (q *Request) serve(ctx context.Context, p peer.Peer, stderr io.Writer) (err error) {
	if q.CPUProfile != "" {
		f, err := os.Create(q.CPUProfile)
		if err != nil {
			return err
		}
		if err := pprof.StartCPUProfile(f); err != nil {
			return errors.Join(err, f.Close())
		}
		defer func() { pprof.StopCPUProfile(); err = errors.Join(err, f.Close()) }()
	}
	r, runErr := Run(ctx, &q.Unit, p, q.Dir, stderr)
	text, err := json.Marshal(r)
	if err != nil {
		return errors.Join(runErr, fmt.Errorf("encode result: %w", err))
	}
	return errors.Join(runErr, os.WriteFile(q.Result, text, 0o600))
}
