package session

import (
	"cmp"
	"slices"
	"time"

	"github.com/varvekv/varve/bench/internal/engine"
	"github.com/varvekv/varve/bench/internal/measure"
	"github.com/varvekv/varve/bench/internal/report"
)

// activity watches what an engine does in a phase, as far as it tells.
type activity struct {
	active   engine.Active // nil: it does not tell
	stalling engine.Stalling
	before   engine.Stalls

	// one moment, by the clock of the engine's spans and by the phase's
	wall  time.Time
	clock int64
}

func observe(e engine.Engine, clock measure.Clock) *activity {
	a := &activity{wall: time.Now(), clock: clock()}
	if active, ok := e.(engine.Active); ok {
		a.active = active
		active.Activity() // what ended before the phase is nobody's
	}
	if stalling, ok := e.(engine.Stalling); ok {
		a.stalling, a.before = stalling, stalling.Stalls()
	}
	return a
}

// since is what was done until now, in time from start, a reading of the clock.
func (a *activity) since(start int64) (spans []report.Span, stalls engine.Stalls) {
	if a.stalling != nil {
		stalls = a.stalling.Stalls().Since(a.before)
	}
	if a.active == nil {
		return nil, stalls
	}
	zero, now := a.wall.Add(time.Duration(start-a.clock)), time.Now()
	for _, s := range a.active.Activity() {
		goesOn := s.End.IsZero()
		if goesOn {
			s.End = now
		}
		spans = append(spans, report.Span{
			Kind: s.Kind, Begin: s.Begin.Sub(zero), End: s.End.Sub(zero), Bytes: s.Bytes, Note: s.Note, GoesOn: goesOn,
		})
		if s.Kind == engine.SpanStall {
			if stalls.Reasons == nil {
				stalls.Reasons = map[string]time.Duration{}
			}
			stalls.Reasons[s.Note] += s.End.Sub(s.Begin)
		}
	}
	slices.SortFunc(spans, func(a, b report.Span) int { return cmp.Compare(a.Begin, b.Begin) })
	return join(spans), stalls
}

// joinGap is how near two stalls of one reason are drawn as one: writers are
// paced on and off many times a second.
const joinGap = 5 * time.Millisecond

// join makes stalls of one reason that nearly touch one span. REQUIRES: spans in
// the order of Begin.
func join(spans []report.Span) []report.Span {
	joined, last := spans[:0], map[string]int{} // by reason: where its last stall is
	for _, s := range spans {
		if s.Kind != report.SpanStall {
			joined = append(joined, s)
			continue
		}
		if at, ok := last[s.Note]; ok && s.Begin-joined[at].End <= joinGap {
			joined[at].End = max(joined[at].End, s.End)
			continue
		}
		last[s.Note] = len(joined)
		joined = append(joined, s)
	}
	return joined
}
