package varveprom

import (
	"maps"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/varvekv/varve"
)

// Options say how a collector names what it tells. nil means defaults.
type Options struct {
	// Database is the value of the label `database`, for programs with several:
	// collectors in one registry must differ in it. Default: no such label.
	Database string
	// Labels are further constant labels. Default: none.
	Labels prometheus.Labels
}

// Collector implements prometheus.Collector. It may go on being scraped after the
// database was closed: counts stay, what an open database holds is 0.
type Collector struct {
	source  source
	figures []figure
}

// source is a *varve.DB.
type source interface{ Metrics() varve.Metrics }

var _ prometheus.Collector = (*Collector)(nil)

// NewCollector makes a collector for db; register it once.
func NewCollector(db *varve.DB, o *Options) *Collector { return newCollector(db, o) }

func newCollector(db source, o *Options) *Collector {
	labels := prometheus.Labels{}
	if o != nil {
		maps.Copy(labels, o.Labels)
		if o.Database != "" {
			labels["database"] = o.Database
		}
	}
	c := &Collector{source: db}
	for _, s := range slices.Concat(writeSeries, readSeries, levelSeries, logSeries, workSeries, stateSeries) {
		desc := prometheus.NewDesc("varve_"+s.name, s.help, s.labels, labels)
		c.figures = append(c.figures, figure{s, desc})
	}
	return c
}

// series is one metric: its name without the prefix, and how it is taken.
type series struct {
	name, help string
	labels     []string
	take       func(t *taking)
}

// figure is a series with the constant labels of its collector.
type figure struct {
	series
	desc *prometheus.Desc
}

// Describe implements prometheus.Collector.
func (c *Collector) Describe(to chan<- *prometheus.Desc) {
	for _, f := range c.figures {
		to <- f.desc
	}
}

// Collect implements prometheus.Collector.
func (c *Collector) Collect(to chan<- prometheus.Metric) {
	m := c.source.Metrics()
	for _, f := range c.figures {
		f.take(&taking{m: &m, desc: f.desc, to: to})
	}
}

// taking is one series on its way to one scrape.
type taking struct {
	m    *varve.Metrics
	desc *prometheus.Desc
	to   chan<- prometheus.Metric
}

func (t *taking) send(m prometheus.Metric, err error) {
	if err != nil {
		m = prometheus.NewInvalidMetric(t.desc, err) // the scrape says so
	}
	t.to <- m
}

// number is what a sample can be made of.
type number interface {
	~int | ~int64 | ~uint64 | ~float64
}

func count[N number](t *taking, n N, labels ...string) {
	t.send(prometheus.NewConstMetric(t.desc, prometheus.CounterValue, float64(n), labels...))
}

func gauge[N number](t *taking, n N, labels ...string) {
	t.send(prometheus.NewConstMetric(t.desc, prometheus.GaugeValue, float64(n), labels...))
}

// flag is 1 for yes.
func flag(t *taking, yes bool, labels ...string) {
	n := 0
	if yes {
		n = 1
	}
	gauge(t, n, labels...)
}

// histogram takes counts by element, whose upper bounds bound gives; the last
// element has none.
func histogram(t *taking, counts []uint64, bound func(i int) float64, sum float64) {
	buckets := make(map[float64]uint64, len(counts))
	var total uint64
	for i, n := range counts {
		total += n
		if i < len(counts)-1 {
			buckets[bound(i)] = total
		}
	}
	t.send(prometheus.NewConstHistogram(t.desc, total, sum, buckets))
}
