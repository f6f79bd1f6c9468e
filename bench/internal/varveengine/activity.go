package varveengine

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/varvekv/varve"
	"github.com/varvekv/varve/bench/internal/engine"
)

// activity keeps what varve's Events tell until somebody asks.
type activity struct {
	now func() time.Time // constant

	mu      sync.Mutex // guards what follows; held for moments
	ended   []engine.Span
	running map[uint64]engine.Span // flushes and compactions by job, without their End
	stall   *engine.Span           // under way, without its End
}

func newActivity(now func() time.Time) *activity {
	return &activity{now: now, running: map[uint64]engine.Span{}}
}

func (a *activity) events() *varve.Events {
	return &varve.Events{
		FlushBegin:      func(i varve.FlushInfo) { a.began(i.Job, engine.Span{Kind: engine.SpanFlush}) },
		FlushEnd:        func(i varve.FlushInfo) { a.done(i.Job, i.Bytes) },
		CompactionBegin: a.compactionBegan,
		CompactionEnd:   func(i varve.CompactionInfo) { a.done(i.Job, i.BytesOut) },
		StallBegin:      a.stallBegan,
		StallEnd:        func(varve.StallReason, time.Duration) { a.stallEnded() },
	}
}

// compactionBegan leaves moves out: they take no time.
func (a *activity) compactionBegan(i varve.CompactionInfo) {
	if !i.IsMove {
		a.began(i.Job, engine.Span{Kind: engine.SpanCompaction, Note: fmt.Sprintf("level %d to %d", i.FromLevel, i.ToLevel)})
	}
}

func (a *activity) began(job uint64, s engine.Span) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s.Begin = a.now()
	a.running[job] = s
}

func (a *activity) done(job uint64, writtenBytes int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s, ok := a.running[job]
	if !ok {
		return // a move
	}
	delete(a.running, job)
	s.End, s.Bytes = a.now(), writtenBytes
	a.ended = append(a.ended, s)
}

func (a *activity) stallBegan(r varve.StallReason) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.cutLocked()
	a.stall = &engine.Span{Kind: engine.SpanStall, Begin: a.now(), Note: r.String()}
}

func (a *activity) stallEnded() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.cutLocked()
	a.stall = nil
}

// cutLocked makes what has passed of the stall under way a span.
func (a *activity) cutLocked() {
	if a.stall == nil {
		return
	}
	s := *a.stall
	s.End = a.now()
	a.ended = append(a.ended, s)
	a.stall.Begin = s.End
}

// take hands out what ended since it was called last and what goes on, a stall
// cut in two.
func (a *activity) take() []engine.Span {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.cutLocked()
	spans := slices.AppendSeq(a.ended, maps.Values(a.running))
	a.ended = nil
	return spans
}
