package report

import (
	"fmt"
	"io"
	"strings"
)

// Benchstat writes the report in the format of Go's benchmarks, so that
// benchstat compares runs: a line for each kind of operation, and one for each
// phase with what is known of it as a whole. Several runs of one configuration
// go into one file, one behind the other.
func Benchstat(w io.Writer, r *Report) error {
	var b strings.Builder
	goos, goarch, _ := strings.Cut(r.Machine.System, "/")
	for _, line := range []Option{
		{"goos", goos}, {"goarch", goarch}, {"cpu", r.Machine.CPU}, {"engine", r.Engine},
	} {
		if line.Value != "" {
			fmt.Fprintf(&b, "%s: %s\n", line.Name, line.Value)
		}
	}
	for _, o := range r.Options {
		fmt.Fprintf(&b, "%s: %s\n", o.Name, o.Value)
	}
	b.WriteString("Unit ops/s better=higher\n")
	for i := range r.Phases {
		writeBenchmarks(&b, r, &r.Phases[i])
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func writeBenchmarks(b *strings.Builder, r *Report, p *Phase) {
	name := func(last string) string {
		return fmt.Sprintf("Benchmark%s/%s/%s-%d", capital(benchName(r.Title)), benchName(p.Name), benchName(last), r.Machine.Cores)
	}
	for i := range p.Kinds {
		k := &p.Kinds[i]
		fmt.Fprintf(b, "%s %d %d ns/op %d p50-ns %d p99-ns %d p99.9-ns %d max-ns %.1f ops/s", name(k.Name), k.Count,
			k.Mean.Nanoseconds(), k.P50.Nanoseconds(), k.P99.Nanoseconds(), k.P999.Nanoseconds(), k.Max.Nanoseconds(), k.Throughput)
		if l := k.Intended; l != nil {
			fmt.Fprintf(b, " %d intended-p50-ns %d intended-p99-ns %d intended-max-ns",
				l.P50.Nanoseconds(), l.P99.Nanoseconds(), l.Max.Nanoseconds())
		}
		b.WriteString("\n")
	}
	perUnit := 0.0
	if p.Units > 0 {
		perUnit = float64(p.Elapsed.Nanoseconds()) / float64(p.Units)
	}
	fmt.Fprintf(b, "%s %d %.1f ns/op %d cpu-ns/op %.2f allocs/op %.1f ops/s %.3f write-amp %.3f read-amp %.3f space-amp %d peak-RSS-bytes\n",
		name("all"), p.Units, perUnit, p.CPUPerUnit().Nanoseconds(), float64(p.Usage.Allocations)/float64(max(1, p.Units)),
		p.Throughput, p.WriteAmplification(), p.ReadAmplification(), p.SpaceAmplification(), p.Usage.PeakRSSBytes)
}

// benchName makes a part of a benchmark's name: without spaces and slashes.
func benchName(s string) string { return strings.NewReplacer(" ", "_", "/", "_").Replace(s) }

// capital is what Go's benchmarks have behind their first word.
func capital(s string) string { return strings.ToUpper(s[:min(1, len(s))]) + s[min(1, len(s)):] }
