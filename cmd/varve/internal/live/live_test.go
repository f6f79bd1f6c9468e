package live

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/varvekv/varve"
	"github.com/varvekv/varve/cmd/varve/internal/console"
	"github.com/varvekv/varve/cmd/varve/internal/tree"
)

var epoch = time.Unix(1_800_000_000, 0)

// figures are those of a process that did everything n times.
func figures(n uint64) *varve.Metrics {
	m := &varve.Metrics{
		Operations: 1000 * n, UserBytes: n << 20, LastSeq: 1000*n + 5, DurableSeq: 1000 * n,
		Flushes: n, FlushedBytes: n << 20, Compactions: 2 * n, CompactedIn: 4 * n << 20, CompactedOut: 2 * n << 20,
		Stalls: n, Paced: 10 * n, StallTime: time.Duration(n) * time.Second,
	}
	m.Reads.Gets, m.Reads.Hits, m.Reads.Misses = 100*n, 75*n, 25*n
	m.Reads.BlockHits, m.Reads.BlockMisses = 90*n, 10*n
	m.Log.WrittenBytes, m.Log.Writes, m.Log.Syncs, m.Log.SyncTime = n<<20, 10*n, 5*n, 5*time.Duration(n)*time.Millisecond
	m.Levels[0].Runs, m.Levels[0].Tables, m.Levels[0].Bytes, m.Levels[0].BytesWritten = 2, 2, 1<<20, n<<20
	m.Levels[6].Runs, m.Levels[6].Tables, m.Levels[6].Bytes, m.Levels[6].Entries, m.Levels[6].Tombstones = 1, 5, 4<<20, 1000, 100
	return m
}

func tickAfter(seconds int, before, now uint64) *Tick {
	return NewTick("x", Sample{At: epoch.Add(time.Duration(seconds) * time.Second), Process: figures(now)},
		&Sample{At: epoch, Process: figures(before)})
}

func TestRatesAreOfTheTimeBetweenTwoLooks(t *testing.T) {
	r := tickAfter(2, 10, 14).Rates
	if r == nil || r.Operations != 2000 || r.UserBytes != 2<<20 || r.Gets != 200 || r.GetHitShare != 0.75 || r.CacheHitShare != 0.9 ||
		r.Flushes != 2 || r.CompactedOut != 4<<20 || r.Stalls != 2 || r.StalledWriters != 2 || r.SyncSeconds != 0.001 ||
		r.WriteAmplified != 4 || r.LevelWriteBytes[0] != 2<<20 {
		t.Fatalf("%+v", r)
	}
	idle := tickAfter(1, 10, 10).Rates
	if idle.Operations != 0 || idle.CacheHitShare != 0 || idle.WriteAmplified != 0 || idle.SyncSeconds != 0 {
		t.Fatalf("%+v", idle)
	}
}

func TestNoRatesWhereThereIsNothingToCompareWith(t *testing.T) {
	for what, tick := range map[string]*Tick{
		"a first look":              NewTick("x", Sample{At: epoch, Process: figures(1)}, nil),
		"a process started anew":    tickAfter(1, 10, 1),
		"a clock that stands":       tickAfter(0, 1, 2),
		"a clock that was set back": tickAfter(-5, 1, 2),
		"another kind of source":    NewTick("x", Sample{At: epoch.Add(1), Process: figures(2)}, &Sample{At: epoch, Dir: &tree.Tree{}}),
	} {
		if tick.Rates != nil || tick.Changes != nil || tick.Seconds != 0 {
			t.Errorf("%s: %+v", what, tick)
		}
	}
}

func TestChangesOfADirectory(t *testing.T) {
	a, b := &tree.Tree{Edit: 5, LastSeq: 100, Bytes: 50}, &tree.Tree{Edit: 9, LastSeq: 300, Bytes: 20}
	b.Log.FileBytes = 7
	tick := NewTick("x", Sample{At: epoch.Add(2 * time.Second), Dir: b}, &Sample{At: epoch, Dir: a})
	if c := tick.Changes; c == nil || *c != (Changes{2, 100, -30, 7}) {
		t.Fatalf("%+v", tick.Changes)
	}
}

func TestScreenShowsRatesAndTrouble(t *testing.T) {
	var out bytes.Buffer
	s := &Screen{Console: console.New(strings.NewReader(""), &out, &out)}
	first := strings.Join(s.Lines(NewTick("x", Sample{At: epoch, Process: figures(10)}, nil)), "\n")
	if !strings.Contains(first, "writes      10,000 operations, 10.0 MiB in all") {
		t.Fatal(first)
	}
	tick := tickAfter(2, 10, 14)
	tick.Process.Poisoned = errors.New("the disk is gone")
	s.Lines(tickAfter(2, 10, 12))
	text := strings.Join(s.Lines(tick), "\n")
	for _, want := range []string{
		"writes            2,000 op/s       2.00 MiB /s      ▄█", "90.0 % cached", "flush               2.0 /s         2.00 MiB /s      ▄█", "5 operations not durable",
		"poisoned    the disk is gone", "L0       2      2   1.00 MiB ███·········", "L6       1      5   4.00 MiB ████████████", "2.00 MiB/s", "10.0 %",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if n := len(s.Lines(tick)); n > 22 {
		t.Errorf("%d lines do not fit a terminal of 24", n)
	}
}

func TestPlainLinesStandUnderTheirHeadings(t *testing.T) {
	p := new(Plain)
	headings := 0
	for i := range 2*headingEvery + 1 {
		lines := p.Lines(tickAfter(2, uint64(10+i), uint64(14+i)))
		headings += len(lines) - 1
		if len(lines) == 2 && len([]rune(lines[0])) != len([]rune(lines[1])) {
			t.Fatalf("%d and %d columns:\n%s", len(lines[0]), len(lines[1]), strings.Join(lines, "\n"))
		}
	}
	if headings != 3 {
		t.Fatal(headings)
	}
}

// What a process answers may be anything.
func TestStrangeAnswersAreErrors(t *testing.T) {
	answer := ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, answer) }))
	defer server.Close()
	source, ok, err := Process(server.URL, "varve", time.Minute)
	if !ok || err != nil {
		t.Fatal(ok, err)
	}
	defer source.Close()
	for _, answer = range []string{"", "[]", "{}", `{"varve":3}`, `{"varve":{"levels":3}}`, `{"varve":` + strings.Repeat(" ", bodyBytesMax) + "{}}"} {
		if _, err := source.Sample(context.Background()); !errors.As(err, new(*NotPublishedError)) {
			t.Errorf("%.40s: %v", answer, err)
		}
	}
	answer = `{"varve":{"operations":7,"a later field":1}}`
	if s, err := source.Sample(context.Background()); err != nil || s.Process.Operations != 7 {
		t.Fatal(s, err)
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := source.Sample(ended); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}

func TestTargets(t *testing.T) {
	for target, want := range map[string]string{
		"http://host:1":           "http://host:1/debug/vars",
		"https://host/x/vars?a=b": "https://host/x/vars?a=b",
		"unix:/run/x.sock":        "http://unix/debug/vars",
		"unix:///run/x.sock":      "http://unix/debug/vars",
	} {
		s, ok, err := Process(target, "varve", time.Second)
		if err != nil || !ok || s.(*process).url != want {
			t.Errorf("%s: %v %v %v", target, s, ok, err)
		}
	}
	for _, bad := range []string{"http://", "https://%zz/", "unix:"} {
		if _, _, err := Process(bad, "varve", time.Second); err == nil {
			t.Errorf("%s was taken", bad)
		}
	}
	if _, ok, err := Process("data/db", "varve", time.Second); ok || err != nil {
		t.Error(ok, err)
	}
}
