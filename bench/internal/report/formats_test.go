package report

import (
	"encoding/csv"
	"errors"
	"io"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/varvekv/varve/bench/internal/host"
)

// scheduled is the example with a target rate.
func scheduled() *Report {
	r := example()
	r.Machine = host.Machine{System: "linux/amd64", CPU: "Some CPU", Cores: 2}
	p := &r.Phases[0]
	p.TargetRate = 1000
	p.Kinds[0].Intended = &Latencies{
		Min: 1500, Mean: 2 * time.Millisecond, P50: 3 * time.Millisecond, P95: 4 * time.Millisecond, P99: 5 * time.Millisecond,
		P999: 6 * time.Millisecond, P9999: 7 * time.Millisecond, Max: 8 * time.Millisecond,
	}
	return r
}

func written(t *testing.T, write func(io.Writer, *Report) error, r *Report) string {
	t.Helper()
	var b strings.Builder
	if err := write(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestCSVHasALineForEachKind(t *testing.T) {
	lines, err := csv.NewReader(strings.NewReader(written(t, CSV, scheduled()))).ReadAll()
	if err != nil || len(lines) != 3 {
		t.Fatalf("%v: %v", lines, err)
	}
	at := func(line int, name string) string {
		for i, n := range lines[0] {
			if n == name {
				return lines[line][i]
			}
		}
		t.Fatalf("no column %s in %v", name, lines[0])
		return ""
	}
	for _, c := range []struct {
		line       int
		name, want string
	}{
		{1, "engine", "map"}, {1, "phase", "A"}, {1, "operation", "read"}, {2, "operation", "update"}, {1, "count", "1000"},
		{2, "max_ns", "2000000"}, {1, "ops_per_second", "500"}, {1, "intended_p99.9_ns", "6000000"}, {2, "intended_max_ns", ""},
		{1, "phase_target_rate", "1000"}, {1, "write_amplification", "2.503"}, {1, "read_amplification", "4.5"},
		{2, "space_amplification", "1.5"}, {1, "gc_pause_max_ns", "22000"}, {1, "stall_ns", "44000000"}, {1, "phase_ops_per_second", "1000"},
	} {
		if got := at(c.line, c.name); got != c.want {
			t.Errorf("line %d, %s: %q, want %q", c.line, c.name, got, c.want)
		}
	}
}

func TestBenchstatLinesAreOfTheFormat(t *testing.T) {
	text := written(t, Benchstat, scheduled())
	for _, want := range []string{
		"goos: linux\n", "goarch: amd64\n", "cpu: Some CPU\n", "engine: map\n", "threads: 4\n", "Unit ops/s better=higher\n",
		"BenchmarkYCSB/A/read-2 1000 500500 ns/op ", " 500.0 ops/s", " 8000000 intended-max-ns\n",
		"BenchmarkYCSB/A/update-2 1000 ", "BenchmarkYCSB/A/all-2 2000 1000000.0 ns/op 2000 cpu-ns/op", " 2.503 write-amp 4.500 read-amp 1.500 space-amp",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "Benchmark") {
			continue
		}
		f := strings.Fields(line)
		if len(f)%2 != 0 {
			t.Errorf("not pairs of value and unit: %s", line)
		}
		for i := 2; i < len(f); i += 2 { // behind the name and the count
			if _, err := strconv.ParseFloat(f[i], 64); err != nil {
				t.Errorf("%s: %v", line, err)
			}
		}
	}
}

func TestYCSBLinesAreThoseOfTheJavaProgram(t *testing.T) {
	r := scheduled()
	r.Phases[0].Kinds[0].Name = "read-modify-write"
	want := `Workload: A, threads: 4, target: 1000
[OVERALL], RunTime(ms), 2000
[OVERALL], Throughput(ops/sec), 1000
[TOTAL_GCs], Count, 0
[TOTAL_GC_TIME], Time(ms), 0
[TOTAL_GC_TIME_%], Time(%), 0.002
[READ-MODIFY-WRITE], Operations, 1000
[READ-MODIFY-WRITE], AverageLatency(us), 500.5
[READ-MODIFY-WRITE], MinLatency(us), 1
[READ-MODIFY-WRITE], MaxLatency(us), 1000
[READ-MODIFY-WRITE], 50thPercentileLatency(us), 500
[READ-MODIFY-WRITE], 95thPercentileLatency(us), 950
[READ-MODIFY-WRITE], 99thPercentileLatency(us), 990
[READ-MODIFY-WRITE], 99.9PercentileLatency(us), 999
[READ-MODIFY-WRITE], 99.99PercentileLatency(us), 1000
[READ-MODIFY-WRITE], Return=OK, 1000
[Intended-READ-MODIFY-WRITE], Operations, 1000
[Intended-READ-MODIFY-WRITE], AverageLatency(us), 2000
[Intended-READ-MODIFY-WRITE], MinLatency(us), 1
[Intended-READ-MODIFY-WRITE], MaxLatency(us), 8000
[Intended-READ-MODIFY-WRITE], 50thPercentileLatency(us), 3000
[Intended-READ-MODIFY-WRITE], 95thPercentileLatency(us), 4000
[Intended-READ-MODIFY-WRITE], 99thPercentileLatency(us), 5000
[Intended-READ-MODIFY-WRITE], 99.9PercentileLatency(us), 6000
[Intended-READ-MODIFY-WRITE], 99.99PercentileLatency(us), 7000
[UPDATE], Operations, 1000
`
	if got := written(t, YCSB, r); !strings.HasPrefix(got, want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestTableShowsServiceAndIntended(t *testing.T) {
	text := written(t, Table, scheduled())
	if strings.Count(text, "  as scheduled ") != 1 || !strings.Contains(text, "8.00ms") || !strings.Contains(text, "1,000 ops/s") {
		t.Errorf("%s", text)
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestErrorsOfWritingAreReturned(t *testing.T) {
	for name, write := range map[string]func(io.Writer, *Report) error{
		"table": Table, "json": JSON, "csv": CSV, "benchstat": Benchstat, "ycsb": YCSB,
	} {
		if write(broken{}, example()) == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
