package pebbleengine

import (
	"fmt"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/varvekv/varve/bench/internal/engine"
)

// activity keeps what Pebble's events tell until somebody asks.
type activity struct {
	mu      sync.Mutex // guards what follows; held for moments
	ended   []engine.Span
	stall   *engine.Span // under way; what was handed out of it is cut off its begin
	stalled engine.Stalls
}

func (a *activity) listener() *pebble.EventListener {
	return &pebble.EventListener{
		FlushEnd:        a.flushed,
		CompactionEnd:   a.compacted,
		WriteStallBegin: a.stallBegan,
		WriteStallEnd:   a.stallEnded,
	}
}

func (a *activity) flushed(i pebble.FlushInfo) {
	a.add(engine.Span{Kind: engine.SpanFlush, Bytes: sizeBytes(i.Output)}, i.TotalDuration)
}

// compacted leaves out what wrote nothing: moves and deletions take no time.
func (a *activity) compacted(i pebble.CompactionInfo) {
	size := sizeBytes(i.Output.Tables)
	if size == 0 || i.Reason == "move" {
		return
	}
	note := fmt.Sprintf("%s to level %d", i.Reason, i.Output.Level)
	a.add(engine.Span{Kind: engine.SpanCompaction, Bytes: size, Note: note}, i.TotalDuration)
}

func sizeBytes(tables []pebble.TableInfo) (sum int64) {
	for _, t := range tables {
		sum += int64(t.Size)
	}
	return sum
}

func (a *activity) add(s engine.Span, lasted time.Duration) {
	s.End = time.Now()
	s.Begin = s.End.Add(-lasted)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ended = append(a.ended, s)
}

func (a *activity) stallBegan(i pebble.WriteStallBeginInfo) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.cutLocked()
	a.stalled.Waited++
	a.stall = &engine.Span{Kind: engine.SpanStall, Begin: time.Now(), Note: i.Reason}
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
	s.End = time.Now()
	a.stalled.Time += s.End.Sub(s.Begin)
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

// stalls counts each stall once, whoever it held back: Pebble tells no more.
func (a *activity) stalls() engine.Stalls {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.stalled
	if a.stall != nil {
		s.Time += time.Since(a.stall.Begin)
	}
	return s
}
