package offheap

import (
	"errors"
	"fmt"
	"sync"

	"github.com/varvekv/varve/internal/invariants"
)

// Pool hands out buffers of one size and keeps some of those that come back:
// a reused buffer has its pages already, a fresh one pays for each with a fault.
// Its methods may be called from any goroutine.
type Pool struct {
	sizeBytes int
	keep      int

	mu     sync.Mutex // guards below; a leaf, never held across a system call
	idle   [][]byte
	closed bool
}

// NewPool makes a pool of buffers of sizeBytes > 0 that keeps at most keep idle ones.
func NewPool(sizeBytes, keep int) *Pool {
	return &Pool{sizeBytes: sizeBytes, keep: keep}
}

// Get is a buffer of the pool's size. Its contents are undefined: a reused one
// holds what its last owner wrote. Its error is Alloc's.
func (p *Pool) Get() ([]byte, error) {
	if b := p.take(); b != nil {
		return b, nil
	}
	b, err := Alloc(p.sizeBytes)
	if err != nil {
		return nil, err
	}
	invariants.Mangle(b) // nobody may count on zeros
	return b, nil
}

// Put gives a buffer of Get back, when no reader is left. It is kept or freed.
// Under invariants it is always freed, so that a late reader faults.
func (p *Pool) Put(b []byte) error {
	if cap(b) != p.sizeBytes {
		return fmt.Errorf("offheap: buffer of %d bytes put into a pool of %d: %w", cap(b), p.sizeBytes, errNotMapped)
	}
	b = b[:cap(b)]
	if !invariants.Enabled && p.stash(b) {
		return nil
	}
	return Free(b)
}

// Fill brings the idle buffers up to n (at most the pool's bound), touched: work
// for a background goroutine, ahead of need.
func (p *Pool) Fill(n int) error {
	for p.Idle() < min(n, p.keep) {
		b, err := Alloc(p.sizeBytes)
		if err != nil {
			return err
		}
		Touch(b)
		if !p.stash(b) {
			return Free(b)
		}
	}
	return nil
}

// Idle is the number of buffers kept now.
func (p *Pool) Idle() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.idle)
}

// Close frees the idle buffers and keeps none from then on: buffers still out
// are freed when they come back. A second Close does nothing.
func (p *Pool) Close() error {
	p.mu.Lock()
	idle := p.idle
	p.idle, p.closed = nil, true
	p.mu.Unlock()
	var errs []error
	for _, b := range idle {
		errs = append(errs, Free(b))
	}
	return errors.Join(errs...)
}

func (p *Pool) take() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.idle)
	if n == 0 {
		return nil
	}
	b := p.idle[n-1]
	p.idle[n-1] = nil
	p.idle = p.idle[:n-1]
	return b
}

func (p *Pool) stash(b []byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.idle) >= p.keep {
		return false
	}
	p.idle = append(p.idle, b)
	return true
}
