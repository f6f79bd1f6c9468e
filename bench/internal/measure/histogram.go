// Package measure records how long operations took. A Histogram belongs to one
// goroutine while it records; those of many are merged afterwards.
package measure

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Range and precision of a Histogram: three digits from a nanosecond to a minute.
const (
	longest = int64(time.Minute)
	digits  = 3
)

// Histogram is latencies in nanoseconds: exact count, mean and maximum,
// quantiles to three digits.
type Histogram struct {
	quantiles *hdrhistogram.Histogram
	sum, max  int64
}

// NewHistogram makes an empty one (about 200 KiB).
func NewHistogram() *Histogram {
	return &Histogram{quantiles: hdrhistogram.New(1, longest, digits)}
}

// Record adds one latency. What is longer than a minute counts as a minute in
// the quantiles, and as itself in mean and maximum.
func (h *Histogram) Record(nanoseconds int64) {
	h.sum += nanoseconds
	h.max = max(h.max, nanoseconds)
	// In range by construction: its only error cannot happen.
	_ = h.quantiles.RecordValue(min(max(nanoseconds, 0), longest))
}

// Merge adds all that another recorded.
func (h *Histogram) Merge(o *Histogram) {
	h.sum += o.sum
	h.max = max(h.max, o.max)
	h.quantiles.Merge(o.quantiles)
}

// Count is how many latencies were recorded.
func (h *Histogram) Count() int64 { return h.quantiles.TotalCount() }

// Mean is the exact mean; 0 when empty.
func (h *Histogram) Mean() time.Duration {
	if h.Count() == 0 {
		return 0
	}
	return time.Duration(h.sum / h.Count())
}

// Max is the exact maximum.
func (h *Histogram) Max() time.Duration { return time.Duration(h.max) }

// Quantile is the latency that the share q (0 to 1) of operations did not
// exceed, to three digits, and never more than Max.
func (h *Histogram) Quantile(q float64) time.Duration {
	return min(time.Duration(h.quantiles.ValueAtQuantile(100*q)), h.Max())
}

// Min is the least latency, to three digits.
func (h *Histogram) Min() time.Duration { return h.Quantile(0) }

// Reset makes it empty again, without giving its memory back.
func (h *Histogram) Reset() {
	h.quantiles.Reset()
	h.sum, h.max = 0, 0
}
