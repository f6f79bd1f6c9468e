package summary

import (
	"fmt"
	"strconv"
	"time"

	"github.com/varvekv/varve/bench/internal/report"
)

// Metric is one thing that is measured.
type Metric string

// Metrics, in the order of their tables.
const (
	Throughput Metric = "thousands a second"
	OpenTime   Metric = "time to open"
	P50        Metric = "p50"
	P99        Metric = "p99"
	P999       Metric = "p99.9"
	Max        Metric = "max"
	CPU        Metric = "CPU per operation"
	WriteAmp   Metric = "write amplification"
	Disk       Metric = "disk in use"
	PeakRSS    Metric = "peak RSS"
	Bare       Metric = "bare write and flush, thousands a second"
)

// LowerIsBetter tells on which side the better engine is.
func (m Metric) LowerIsBetter() bool { return m != Throughput && m != Bare }

// Format is a value of the metric, for people.
func (m Metric) Format(v float64) string {
	switch m {
	case Throughput, Bare:
		return digits3(v / 1000)
	case WriteAmp:
		return strconv.FormatFloat(v, 'f', 2, 64)
	case Disk, PeakRSS:
		return report.Bytes(int64(v))
	}
	return report.Latency(time.Duration(v))
}

// Group is the table that a metric stands in.
func (m Metric) Group() string {
	switch m {
	case Throughput, Bare:
		return "Throughput, thousands a second"
	case CPU:
		return "Processor time for each operation, the harness included"
	case OpenTime, P50, P99, P999, Max:
		return "Time"
	}
	return "Bytes"
}

// Groups is the tables in their order.
func Groups() []string {
	return []string{Throughput.Group(), P50.Group(), WriteAmp.Group(), CPU.Group()}
}

// Label is the row's name in its group's table.
func (m Metric) Label(row string) string {
	switch m {
	case Throughput, CPU:
		return row
	}
	return fmt.Sprintf("%s, %s", row, m)
}

func digits3(v float64) string {
	switch {
	case v >= 100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case v >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}
