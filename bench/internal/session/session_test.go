package session

import (
	"reflect"
	"testing"
	"time"

	"github.com/varvekv/varve/bench/internal/driver"
	"github.com/varvekv/varve/bench/internal/engine"
	"github.com/varvekv/varve/bench/internal/mapengine"
	"github.com/varvekv/varve/bench/internal/measure"
	"github.com/varvekv/varve/bench/internal/report"
)

// busy is an engine that tells of work in the background.
type busy struct {
	engine.Engine
	spans  []engine.Span
	stalls engine.Stalls
}

func (b *busy) Activity() []engine.Span {
	s := b.spans
	b.spans = nil
	return s
}

func (b *busy) Stalls() engine.Stalls { return b.stalls }

type worker func()

func (w worker) Prepare() int                                 { return 0 }
func (w worker) Execute(engine.Client) (units int, err error) { w(); return 1, nil }
func (w worker) Verify() error                                { return nil }

func newBusy(t *testing.T) *busy {
	t.Helper()
	e, err := mapengine.Open(engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return &busy{Engine: e}
}

func none() int64 { return 0 }

func TestAPhaseHasTheEnginesActivity(t *testing.T) {
	b := newBusy(t)
	b.spans = []engine.Span{{Kind: engine.SpanFlush}} // before the phase
	b.stalls = engine.Stalls{Waited: 5, Paced: 7, Time: time.Second}
	w := worker(func() {
		now := time.Now()
		b.spans = append(b.spans,
			engine.Span{Kind: engine.SpanCompaction, Begin: now, End: now.Add(time.Minute), Bytes: 3, Note: "level 1 to 2"},
			engine.Span{Kind: engine.SpanStall, Begin: now.Add(-time.Hour), End: now.Add(-time.Hour + time.Second), Note: "level 0"})
		b.stalls = engine.Stalls{Waited: 6, Paced: 9, Time: 3 * time.Second}
	})
	s := Session{Engine: b, Dir: t.TempDir(), Clock: measure.NewClock()}
	p, err := s.Run(t.Context(), Work{
		Phase:     driver.Phase{Name: "p", Kinds: []string{"k"}, Workers: []driver.Worker{w}, Operations: 1},
		UserBytes: none, LiveBytes: none, ReadBytes: func() int64 { return 11 },
	})
	if err != nil {
		t.Fatal(err)
	}
	want := engine.Stalls{Waited: 1, Paced: 2, Time: 2 * time.Second, Reasons: map[string]time.Duration{"level 0": time.Second}}
	if !reflect.DeepEqual(p.Stalls, want) {
		t.Errorf("stalls %+v, want %+v", p.Stalls, want)
	}
	if len(p.Spans) != 2 || p.Spans[0].Kind != report.SpanStall || p.Spans[1].Bytes != 3 {
		t.Fatalf("spans %+v", p.Spans)
	}
	if c := p.Spans[1]; c.End-c.Begin != time.Minute || c.Begin < 0 || c.Begin > p.Elapsed+time.Millisecond {
		t.Errorf("compaction %+v in a phase of %v", c, p.Elapsed)
	}
	if stall := p.Spans[0]; stall.Begin > -time.Hour+time.Minute {
		t.Errorf("stall %+v", stall)
	}
	if p.ReadBytes != 11 || len(p.Series) != 1 || p.Series[0].Units != 1 {
		t.Errorf("%+v", p)
	}
}

func TestWhatGoesOnBehindAPhaseIsInIt(t *testing.T) {
	b := newBusy(t)
	w := worker(func() { b.spans = []engine.Span{{Kind: engine.SpanFlush, Begin: time.Now()}} })
	s := Session{Engine: b, Dir: t.TempDir(), Clock: measure.NewClock()}
	p, err := s.Run(t.Context(), Work{
		Phase:     driver.Phase{Name: "p", Kinds: []string{"k"}, Workers: []driver.Worker{w}, Operations: 1},
		UserBytes: none, LiveBytes: none,
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Spans) != 1 || !p.Spans[0].GoesOn || p.Spans[0].End < p.Spans[0].Begin || p.Spans[0].End > time.Hour {
		t.Errorf("%+v", p.Spans)
	}
}

func TestAnEngineMayTellNothing(t *testing.T) {
	s := Session{Engine: newBusy(t).Engine, Dir: t.TempDir(), Clock: measure.NewClock()}
	p, err := s.Run(t.Context(), Work{
		Phase:     driver.Phase{Name: "p", Kinds: []string{"k"}, Workers: []driver.Worker{worker(func() {})}, Operations: 1},
		UserBytes: none, LiveBytes: none,
	})
	if err != nil || p.Spans != nil || !reflect.DeepEqual(p.Stalls, engine.Stalls{}) || p.ReadBytes != 0 {
		t.Fatalf("%+v, %v", p, err)
	}
}

func TestStallsThatTouchAreOne(t *testing.T) {
	ms := func(n int) time.Duration { return time.Duration(n) * time.Millisecond }
	span := func(kind, note string, begin, end int) report.Span {
		return report.Span{Kind: kind, Note: note, Begin: ms(begin), End: ms(end)}
	}
	got := join([]report.Span{
		span("stall", "a", 0, 10), span("flush", "", 5, 9), span("flush", "", 9, 10), span("stall", "a", 12, 20),
		span("stall", "b", 13, 14), span("stall", "a", 15, 17), span("stall", "a", 30, 31),
	})
	want := []report.Span{
		span("stall", "a", 0, 20), span("flush", "", 5, 9), span("flush", "", 9, 10), span("stall", "b", 13, 14),
		span("stall", "a", 30, 31),
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%v\nwant %v", got, want)
	}
}
