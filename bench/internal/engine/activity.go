package engine

import "time"

// Active is an Engine that tells when it worked in the background and when it
// held writers back. Not every engine does.
type Active interface {
	// Activity is the spans that ended since the last call, and those that go
	// on, in no order. One that goes on has no End, and is told again.
	Activity() []Span
}

// Kinds of span.
const (
	SpanFlush      = "flush"      // a memtable became tables
	SpanCompaction = "compaction" // tables were merged
	SpanStall      = "stall"      // writers were held back
)

// Span is a stretch of background work, or of writers being held back.
type Span struct {
	Kind       string    // SpanFlush, SpanCompaction or SpanStall
	Begin, End time.Time // End is zero while it goes on
	Bytes      int64     // written
	Note       string    // a stall's reason, a compaction's levels; may be empty
}

// Stalling is an Engine that counts how it held writers back.
type Stalling interface {
	// Stalls is the count since the engine was opened.
	Stalls() Stalls
}

// Stalls counts writers that were held back. Waited and Time are sums over
// writers: of several at once, each counts.
type Stalls struct {
	Waited int64         `json:"waited"` // writers that found no room and waited for it
	Paced  int64         `json:"paced"`  // writers that were slowed down before that
	Time   time.Duration `json:"time_ns"`
	// Reasons is how long each reason to hold writers back was in force,
	// whether any writer came or not. It is filled from the spans.
	Reasons map[string]time.Duration `json:"reasons,omitempty"`
}

// Since is what was counted after an earlier reading, without reasons.
func (s Stalls) Since(before Stalls) Stalls {
	return Stalls{Waited: s.Waited - before.Waited, Paced: s.Paced - before.Paced, Time: s.Time - before.Time}
}
