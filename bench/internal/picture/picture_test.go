package picture

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/varvekv/varve/bench/internal/host"
	"github.com/varvekv/varve/bench/internal/plot"
	"github.com/varvekv/varve/bench/internal/report"
)

func example() *report.Report {
	second := func(i, units int) report.Second {
		return report.Second{At: time.Duration(i) * time.Second, Units: int64(units), P99: 1000, Max: 2000}
	}
	curve := []report.Percentile{{Q: 0, Latency: 100}, {Q: 0.9, Latency: 1000}, {Q: 1, Latency: 5000}}
	return &report.Report{
		Title: "YCSB", Engine: "varve", Started: time.Unix(0, 0).UTC(),
		Machine: host.Machine{CPU: "EPYC", Cores: 2, MemoryBytes: 1 << 30, System: "linux", Go: "go1.26"},
		Options: []report.Option{{Name: "threads", Value: "4"}},
		Phases: []report.Phase{
			{
				Name: "A", Throughput: 1_000_000, Elapsed: 3*time.Second + 50*time.Millisecond,
				Kinds: []report.Kind{
					{Name: "read", Percentiles: curve, Intended: &report.Latencies{Percentiles: curve}},
					{Name: "update", Percentiles: curve}, {Name: "rare"},
				},
				Series: []report.Second{second(0, 900_000), second(1, 1_100_000), second(2, 800_000), second(3, 9)},
				Spans:  []report.Span{{Kind: report.SpanFlush, Begin: -time.Second, End: time.Second}},
			},
			{Name: "over/at once", Throughput: 2000, Elapsed: 100 * time.Millisecond, Series: []report.Second{second(0, 200)}},
			{Name: "did nothing"},
		},
	}
}

func names(pictures []Picture) []string {
	var all []string
	for _, p := range pictures {
		all = append(all, p.Name)
	}
	return all
}

func TestReportHasAPictureOfWhatWasMeasured(t *testing.T) {
	want := []string{"throughput", "A-latency", "A-timeline"}
	if got := names(Report(example())); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if got := Report(&report.Report{}); got != nil {
		t.Errorf("an empty report has %q", names(got))
	}
}

func TestThroughputIsInThousands(t *testing.T) {
	b := throughput(example()).(*plot.Bars)
	if !slices.Equal(b.Groups, []string{"A", "over/at once"}) || b.Series[0].Name != "varve" {
		t.Errorf("%+v", b)
	}
	if v := b.Series[0].Values; v[0].Value != 1000 || v[1].Value != 2 {
		t.Errorf("%v", v)
	}
	if b.Scale != plot.Logarithmic { // 500 times as fast
		t.Errorf("scale %d", b.Scale)
	}
	if want := "EPYC, 2 cores, 1.00GiB memory, linux, go1.26, 1970-01-01. threads=4"; b.Caption != want {
		t.Errorf("%q, want %q", b.Caption, want)
	}
}

func TestRestOfASecondIsNotARate(t *testing.T) {
	r := example()
	f := timeline(r, &r.Phases[0]).(*plot.Timeline)
	if len(f.Intervals) != 3 || f.Intervals[2].End != 3*time.Second || f.Intervals[1].Throughput != 1_100_000 {
		t.Errorf("%+v", f.Intervals)
	}
	r.Phases[0].Elapsed = 3*time.Second + 500*time.Millisecond
	f = timeline(r, &r.Phases[0]).(*plot.Timeline)
	if len(f.Intervals) != 4 || f.Intervals[3].Throughput != 18 {
		t.Errorf("%+v", f.Intervals)
	}
	if len(f.Spans) != 1 || f.Spans[0].Kind != plot.Flush {
		t.Errorf("%+v", f.Spans)
	}
}

func TestIntendedLatenciesAreDrawnBesideService(t *testing.T) {
	r := example()
	f := percentiles(r, &r.Phases[0]).(*plot.Percentiles)
	if len(f.Curves) != 2 || len(f.Curves[0].Intended) != 3 || f.Curves[1].Intended != nil {
		t.Errorf("%+v", f.Curves)
	}
}

func TestCompareShowsAMissingRowAsAGap(t *testing.T) {
	b := Compare("title", "caption", []string{"varve", "bbolt"}, []string{"C", "tail"}, func(engine, row int) Cell {
		if engine == 1 && row == 1 {
			return Cell{}
		}
		return Cell{Median: 3000, Min: 2000, Max: 4000}
	})
	if b.Series[0].Values[1] != (plot.Bar{Value: 3, Min: 2, Max: 4}) || b.Series[1].Values[1] != (plot.Bar{}) {
		t.Errorf("%+v", b.Series)
	}
	var svg bytes.Buffer
	if err := b.WriteSVG(&svg); err != nil || !strings.Contains(svg.String(), ">–<") {
		t.Errorf("%v\n%s", err, svg.String())
	}
}

var errUndrawable = errors.New("undrawable")

type undrawable struct{}

func (undrawable) WriteSVG(io.Writer) error { return errUndrawable }

func TestWriteNamesFilesSafelyAndGoesOn(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "plots")
	good := Report(example())[0].Figure
	err := Write(dir, []Picture{{"../a b", good}, {"bad", undrawable{}}, {"../a b", good}})
	if !errors.Is(err, errUndrawable) || !strings.Contains(err.Error(), "bad.svg") {
		t.Errorf("error %v", err)
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range files {
		got = append(got, f.Name())
	}
	if want := []string{"---a-b-2.svg", "---a-b.svg"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if err := Write(filepath.Join(dir, "---a-b.svg"), nil); err == nil {
		t.Error("a file is taken for a directory")
	}
}
