package measure

import (
	"io"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// ticksPerHalf is how many lines a percentile file has for each halving of what
// is left to 100 %, as HdrHistogram's own tools write it.
const ticksPerHalf = 5

// WritePercentiles writes the distribution as HdrHistogram's tools plot it (an
// .hgrm file), in microseconds.
func (h *Histogram) WritePercentiles(w io.Writer) error {
	_, err := h.quantiles.PercentilesPrint(w, ticksPerHalf, float64(time.Microsecond))
	return err
}

// LogWriter writes histograms of intervals as HdrHistogram's tools read them (an
// .hlog file), in nanoseconds.
type LogWriter struct {
	log   *hdrhistogram.HistogramLogWriter
	start int64 // milliseconds since 1970
}

// NewLogWriter writes the head of a log that begins at start.
func NewLogWriter(w io.Writer, comment string, start time.Time) (*LogWriter, error) {
	l := &LogWriter{log: hdrhistogram.NewHistogramLogWriter(w), start: start.UnixMilli()}
	l.log.SetBaseTime(l.start)
	for _, write := range []func() error{
		func() error { return l.log.OutputComment("[" + comment + "]") },
		l.log.OutputLogFormatVersion,
		func() error { return l.log.OutputStartTime(l.start) },
		l.log.OutputLegend,
	} {
		if err := write(); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// Write adds what happened between two moments, counted from the log's start,
// under a tag without space or comma.
func (l *LogWriter) Write(h *Histogram, tag string, from, to time.Duration) error {
	h.quantiles.SetTag(tag)
	h.quantiles.SetStartTimeMs(l.start + from.Milliseconds())
	h.quantiles.SetEndTimeMs(l.start + to.Milliseconds())
	return l.log.OutputIntervalHistogram(h.quantiles)
}
