package report

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/varvekv/varve/bench/internal/driver"
	"github.com/varvekv/varve/bench/internal/engine"
	"github.com/varvekv/varve/bench/internal/host"
	"github.com/varvekv/varve/bench/internal/measure"
)

func TestFormats(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "-", 999: "999ns", 1500: "1.50µs", 15_500: "15.5µs", 155_400: "155µs",
		2 * time.Millisecond: "2.00ms", 3 * time.Second: "3.00s", 90 * time.Second: "90.0s",
	} {
		if got := Latency(d); got != want {
			t.Errorf("%d: %s, want %s", d, got, want)
		}
	}
	for n, want := range map[int64]string{0: "-", 5: "5B", 1024: "1.00KiB", 1 << 29: "512MiB", 3 << 40: "3.00TiB", 5000 << 40: "5000TiB"} {
		if got := Bytes(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1000: "-1,000", -100: "-100"} {
		if got := Count(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}

func example() *Report {
	reads, writes := measure.NewHistogram(), measure.NewHistogram()
	for i := int64(1); i <= 1000; i++ {
		reads.Record(1000 * i)
		writes.Record(2000 * i)
	}
	p := FromResult(&driver.Result{
		Name: "A", Threads: 4, Elapsed: 2 * time.Second, Units: 2000, TimedOut: true,
		Kinds: []string{"read", "update", "scan"}, Latency: []*measure.Histogram{reads, writes, measure.NewHistogram()},
		Seconds: []driver.Second{{Units: 1500, P50: 1, P99: 2, Max: 3}, {Units: 500}},
	})
	p.UserBytes, p.LiveBytes, p.DiskBytes = 1000, 4000, 6000
	p.Traffic = engine.Traffic{LogBytes: 1000, TableBytes: 1500, MetaBytes: 3, Syncs: 2}
	p.Usage = host.Usage{CPU: 4 * time.Millisecond, PeakRSSBytes: 1 << 20, Pauses: host.Pauses{Count: 2, Total: 40 * time.Microsecond, Max: 22 * time.Microsecond}}
	p.ReadBytes, p.Traffic.ReadBytes = 2000, 9000
	p.Spans = []Span{{Kind: SpanFlush, Begin: -5, End: 5, Bytes: 7}, {Kind: SpanStall, Begin: 1, End: 2, Note: "level 0"}}
	p.Stalls = engine.Stalls{Waited: 17, Paced: 4711, Time: 44 * time.Millisecond, Reasons: map[string]time.Duration{"level 0": time.Second, "log": 55 * time.Millisecond}}
	return &Report{
		Schema: Schema, Title: "YCSB", Engine: "map", Started: time.Unix(0, 0).UTC(), Phases: []Phase{p},
		Options: []Option{{"threads", "4"}}, Notes: []string{"All is well."}, Clock: 25, Duration: time.Second,
	}
}

func TestFiguresFollowFromTheResult(t *testing.T) {
	p := example().Phases[0]
	if p.Throughput != 1000 || p.CPUPerUnit() != 2*time.Microsecond || len(p.Kinds) != 2 {
		t.Errorf("%+v", p)
	}
	if p.WriteAmplification() != 2.503 || p.SpaceAmplification() != 1.5 {
		t.Errorf("amplification %v and %v", p.WriteAmplification(), p.SpaceAmplification())
	}
	if (&Phase{Traffic: p.Traffic}).WriteAmplification() != 0 {
		t.Error("amplification of nothing written")
	}
	k := p.Kinds[1]
	if k.Name != "update" || k.Count != 1000 || k.Throughput != 500 || k.Max != 2*time.Millisecond {
		t.Errorf("%+v", k)
	}
}

func TestTableShowsEverything(t *testing.T) {
	var b strings.Builder
	if err := Table(&b, example()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"YCSB · map · 1970", "threads=4", "p99.9", "update", "1.00ms", "2.50", "1.50", "by time", "All is well.", "2,000",
		"4.50", "4,711", "40.0µs", "22.0µs", "44.0ms", "A: writers were held back for level 0 (1.00s), log (55.0ms)",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is not in\n%s", want, b.String())
		}
	}
	if strings.Contains(b.String(), "scan") {
		t.Error("a kind that did not occur is shown")
	}
	if strings.Contains(b.String(), "as scheduled") {
		t.Error("intended latencies of a closed loop")
	}
	for line := range strings.Lines(b.String()) {
		if n := utf8.RuneCountInString(line); n > 140 {
			t.Errorf("a line of %d columns: %s", n, line)
		}
	}
}

func TestJSONReadsBack(t *testing.T) {
	want, text := example(), &bytes.Buffer{}
	if err := JSON(text, want); err != nil {
		t.Fatal(err)
	}
	got := &Report{}
	if err := json.Unmarshal(text.Bytes(), got); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}
