package pebbleengine

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/varvekv/varve/bench/compare/internal/peer/setting"
	"github.com/varvekv/varve/bench/internal/counting"
	"github.com/varvekv/varve/bench/internal/engine"
)

func TestAFlushIsToldAndCountedByKind(t *testing.T) {
	e, err := Open(engine.Options{
		Dir: t.TempDir(), Durability: engine.Synced, CacheBytes: 1 << 20, MemtableBytes: 1 << 20,
		Compression: engine.DefaultCompression,
	}, setting.Tuned)
	if err != nil {
		t.Fatal(err)
	}
	c, err := e.NewClient()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Put([]byte("k"), []byte(strings.Repeat("v", 5000))); err != nil {
		t.Fatal(err)
	}
	if err := e.Settle(context.Background()); err != nil {
		t.Fatal(err)
	}
	spans := e.(engine.Active).Activity()
	if len(spans) != 1 || spans[0].Kind != engine.SpanFlush || spans[0].Bytes <= 0 || spans[0].End.Before(spans[0].Begin) {
		t.Errorf("%+v", spans)
	}
	if s := e.(engine.Stalling).Stalls(); s.Waited != 0 {
		t.Errorf("%+v", s)
	}
	if _, err := c.Get(nil, []byte("k")); err != nil {
		t.Error(err)
	}
	got := e.Traffic()
	if got.LogBytes < 5000 || got.TableBytes < 100 || got.MetaBytes == 0 || got.Syncs == 0 || got.ReadBytes == 0 {
		t.Errorf("%+v", got)
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
}

func TestStallsAreCutWhereTheyAreAskedFor(t *testing.T) {
	var a activity
	l := a.listener()
	l.CompactionEnd(pebble.CompactionInfo{Reason: "move", Output: pebble.LevelInfo{Tables: []pebble.TableInfo{{Size: 5}}}})
	l.WriteStallBegin(pebble.WriteStallBeginInfo{Reason: "memtables"})
	first := a.take()
	if len(first) != 1 || first[0].Kind != engine.SpanStall || first[0].Note != "memtables" {
		t.Fatalf("%+v", first)
	}
	l.WriteStallEnd()
	l.FlushEnd(pebble.FlushInfo{TotalDuration: time.Second, Output: []pebble.TableInfo{{Size: 3}, {Size: 4}}})
	rest := a.take()
	if len(rest) != 2 || rest[0].Begin != first[0].End || rest[1].Bytes != 7 || rest[1].End.Sub(rest[1].Begin) != time.Second {
		t.Fatalf("%+v after %+v", rest, first)
	}
	want := rest[0].End.Sub(first[0].Begin)
	if s := a.stalls(); s.Waited != 1 || s.Time != want {
		t.Errorf("%+v, want one of %v", s, want)
	}
}

func TestKinds(t *testing.T) {
	f := newFileSystem()
	for name, want := range map[string]counting.Kind{
		"/d/000001.log": counting.Log, "000002.sst": counting.Table, "d/000003.blob": counting.Table,
		"MANIFEST-000001": counting.Meta, "OPTIONS-000004": counting.Meta,
		"marker.manifest.000001.MANIFEST-000001": counting.Meta, "LOCK": counting.Other,
	} {
		if got := f.kindOf(name); got != want {
			t.Errorf("%s: kind %d, want %d", name, got, want)
		}
	}
}
