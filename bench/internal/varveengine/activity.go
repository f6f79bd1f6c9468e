package varveengine

import (
	"fmt"
	"sync"
	"time"

	"github.com/varvekv/varve"
	"github.com/varvekv/varve/bench/internal/engine"
)

// activity keeps what varve's Events tell until somebody asks.
type activity struct {
	now func() time.Time

	mu    sync.Mutex // guards what follows; held for moments
	ended []engine.Span
	stall *engine.Span // under way, without its End
}

func (a *activity) events() *varve.Events {
	return &varve.Events{
		FlushEnd:      a.flushed,
		CompactionEnd: a.compacted,
		StallBegin:    a.stallBegan,
		StallEnd:      func(varve.StallReason, time.Duration) { a.stallEnded() },
	}
}

func (a *activity) flushed(i varve.FlushInfo) {
	a.add(engine.Span{Kind: engine.SpanFlush, Bytes: i.Bytes}, i.Duration)
}

// compacted leaves moves out: they take no time.
func (a *activity) compacted(i varve.CompactionInfo) {
	if !i.IsMove {
		note := fmt.Sprintf("level %d to %d", i.FromLevel, i.ToLevel)
		a.add(engine.Span{Kind: engine.SpanCompaction, Bytes: i.BytesOut, Note: note}, i.Duration)
	}
}

func (a *activity) add(s engine.Span, lasted time.Duration) {
	s.End = a.now()
	s.Begin = s.End.Add(-lasted)
	a.mu.Lock()
	defer a.mu.Unlock()
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

// take hands out what ended since it was called last, a stall that goes on cut
// in two.
func (a *activity) take() []engine.Span {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.cutLocked()
	spans := a.ended
	a.ended = nil
	return spans
}
