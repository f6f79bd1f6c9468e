package varveengine

import (
	"reflect"
	"testing"
	"time"

	"github.com/varvekv/varve"
	"github.com/varvekv/varve/bench/internal/engine"
)

func at(seconds int) time.Time { return time.Unix(int64(seconds), 0) }

func TestActivityIsWhatEventsTold(t *testing.T) {
	now := 8
	a := newActivity(func() time.Time { return at(now) })
	e := a.events()
	e.FlushBegin(varve.FlushInfo{Job: 1})
	now = 9
	e.CompactionBegin(varve.CompactionInfo{Job: 2, IsMove: true})
	e.CompactionEnd(varve.CompactionInfo{Job: 2, IsMove: true, BytesOut: 5})
	e.CompactionBegin(varve.CompactionInfo{Job: 3, FromLevel: 1, ToLevel: 2})
	now = 10
	e.FlushEnd(varve.FlushInfo{Job: 1, Bytes: 7})
	now = 20
	e.StallBegin(varve.StallLevel0)
	now = 23
	level0, memtables := varve.StallLevel0.String(), varve.StallMemtables.String()
	expect(t, a, []engine.Span{
		{Kind: "flush", Begin: at(8), End: at(10), Bytes: 7},
		{Kind: "stall", Begin: at(20), End: at(23), Note: level0},
		{Kind: "compaction", Begin: at(9), Note: "level 1 to 2"}, // goes on
	})

	now = 24
	e.StallEnd(varve.StallLevel0, 4*time.Second)
	e.StallBegin(varve.StallMemtables)
	now = 25
	e.StallEnd(varve.StallMemtables, time.Second)
	now = 30
	e.CompactionEnd(varve.CompactionInfo{Job: 3, FromLevel: 1, ToLevel: 2, BytesOut: 9})
	expect(t, a, []engine.Span{
		{Kind: "stall", Begin: at(23), End: at(24), Note: level0},
		{Kind: "stall", Begin: at(24), End: at(25), Note: memtables},
		{Kind: "compaction", Begin: at(9), End: at(30), Bytes: 9, Note: "level 1 to 2"},
	})
	expect(t, a, nil)
}

func expect(t *testing.T, a *activity, want []engine.Span) {
	t.Helper()
	if got := a.take(); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v\nwant %+v", got, want)
	}
}

func TestAFlushIsTold(t *testing.T) {
	e, err := Open(engine.Options{
		Dir: t.TempDir(), Durability: engine.Buffered, CacheBytes: 1 << 20, MemtableBytes: 1 << 20,
		Compression: engine.DefaultCompression,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}()
	c, err := e.NewClient()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Put([]byte("k"), []byte("v")); err != nil {
		t.Fatal(err)
	}
	if err := e.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	spans := e.(engine.Active).Activity()
	if len(spans) == 0 || spans[0].Kind != engine.SpanFlush || spans[0].Bytes <= 0 || spans[0].End.Before(spans[0].Begin) {
		t.Errorf("%+v", spans)
	}
	if s := e.(engine.Stalling).Stalls(); s.Waited != 0 {
		t.Errorf("%+v", s)
	}
	if v, err := c.Get(nil, []byte("k")); err != nil || string(v) != "v" {
		t.Fatalf("%q, %v", v, err)
	}
	if tr := e.Traffic(); tr.ReadBytes <= 0 || tr.TableBytes <= 0 {
		t.Errorf("%+v", tr)
	}
}
