package vfs

import "sync/atomic"

// Side is on which side of a call's effect a fault strikes.
type Side uint8

// Sides of an effect.
const (
	Before Side = iota + 1 // it does not happen
	After                  // it happens, and an error is returned all the same
)

// Span is for how long a fault lasts.
type Span uint8

// Spans of a fault.
const (
	Once    Span = iota + 1
	ForGood      // from the struck call on all fail, without effect; closing still works
)

// Plan strikes one call, counted among those that Match lets count.
type Plan struct {
	Nth   uint64        // 0 = the first
	Side  Side          // zero = Before
	Span  Span          // zero = Once
	Err   error         // what is injected
	Match func(Op) bool // nil = every call; asked before the effect only
}

// Inject makes the function for NewFault, and one that tells whether the fault
// struck yet.
func (p Plan) Inject() (f func(Op) error, struck func() bool) {
	if p.Match == nil {
		p.Match = func(Op) bool { return true }
	}
	r := &planRun{Plan: p}
	r.index.Store(noIndex)
	return r.ask, r.struck.Load
}

// FailNth fails call number n (from 0) once, before its effect.
func FailNth(n uint64, err error) func(Op) error {
	f, _ := Plan{Nth: n, Err: err}.Inject()
	return f
}

// FailFrom fails call number n (from 0) and all later ones.
func FailFrom(n uint64, err error) func(Op) error {
	f, _ := Plan{Nth: n, Span: ForGood, Err: err}.Inject()
	return f
}

const noIndex = ^uint64(0)

// planRun is a Plan at work. Its fields synchronise themselves.
type planRun struct {
	Plan
	seen   atomic.Uint64 // matching calls so far
	index  atomic.Uint64 // of the call to strike after its effect
	struck atomic.Bool
}

func (r *planRun) ask(op Op) error {
	if op.After {
		if r.index.CompareAndSwap(op.Index, noIndex) {
			r.struck.Store(true)
			return r.Err
		}
		return nil
	}
	if !r.Match(op) {
		return nil
	}
	n := r.seen.Add(1) - 1
	switch {
	case n < r.Nth:
		return nil
	case n > r.Nth:
		if r.Span == ForGood && !closes(op.Kind) {
			return r.Err
		}
		return nil
	case r.Side == After:
		r.index.Store(op.Index)
		return nil
	}
	r.struck.Store(true)
	return r.Err
}

func closes(k OpKind) bool { return k == OpClose || k == OpCloseDir || k == OpUnlock }
