package show

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"

	"github.com/varvekv/varve/bench/compare/internal/summary"
)

// JSON writes the summary for programs.
func JSON(w io.Writer, s *summary.Summary) error {
	e := json.NewEncoder(w)
	e.SetIndent("", " ")
	return e.Encode(s)
}

// CSV writes a line for each value: of every metric, engine and round.
func CSV(w io.Writer, s *summary.Summary) error {
	c := csv.NewWriter(w)
	// A failed write is kept, and told by Error.
	_ = c.Write([]string{"records", "value_bytes", "profile", "job", "row", "metric", "engine", "round", "value"})
	for i := range s.Sections {
		z := &s.Sections[i]
		for j := range z.Rows {
			writeValues(c, z, &z.Rows[j])
		}
	}
	c.Flush()
	return c.Error()
}

func writeValues(c *csv.Writer, z *summary.Section, r *summary.Row) {
	for i, e := range z.Engines {
		values := r.Cells[i].Rounds
		for _, round := range slices.Sorted(maps.Keys(values)) {
			_ = c.Write([]string{
				fmt.Sprint(z.Size.Records), fmt.Sprint(z.Size.ValueBytes), string(z.Profile), r.Job, r.Name,
				unit(r.Metric), e, fmt.Sprint(round), strconv.FormatFloat(values[round], 'f', -1, 64),
			})
		}
	}
}

// unit is the metric with the unit that its values have in files.
func unit(m summary.Metric) string {
	switch m {
	case summary.Throughput:
		return "operations_per_second"
	case summary.Bare:
		return "bare_flushes_per_second"
	case summary.WriteAmp:
		return "write_amplification"
	case summary.Disk:
		return "disk_bytes"
	case summary.PeakRSS:
		return "peak_rss_bytes"
	case summary.CPU:
		return "cpu_ns_per_operation"
	case summary.OpenTime:
		return "open_ns"
	}
	return string(m) + "_ns"
}
