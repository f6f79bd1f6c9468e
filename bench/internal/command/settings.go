package command

import (
	"cmp"
	"fmt"
	"time"

	"github.com/spf13/pflag"

	"github.com/varvekv/varve/bench/internal/engine"
	"github.com/varvekv/varve/bench/internal/report"
	"github.com/varvekv/varve/bench/internal/row"
)

// settings is what every measuring command is told.
type settings struct {
	dir          string
	records      uint64
	operations   uint64
	duration     time.Duration
	loadDuration time.Duration
	threads      int
	valueBytes   int
	durability   durability
	compression  compression
	cache        size
	memtable     size
	seed         uint64
	target       float64
	outputs      outputs
	histograms   string
	plots        string
	cpuProfile   string
	memProfile   string
	probe        probe
	metrics      bool
}

// Defaults: a whole run of ycsb ends well within two minutes on two cores,
// compiling included, on engines that load 17,000 records a second or more.
const (
	defaultRecords      = 500_000
	defaultOperations   = 2_000_000
	defaultDuration     = 7 * time.Second
	defaultLoadDuration = 30 * time.Second
	defaultThreads      = 4
	defaultValueBytes   = 1000
	defaultCacheBytes   = 256 << 20
	defaultMemtable     = 64 << 20
)

func (s *settings) addFlags(f *pflag.FlagSet) {
	s.durability.Durability = engine.Buffered
	s.compression.Compression = engine.DefaultCompression
	s.cache, s.memtable, s.probe = defaultCacheBytes, defaultMemtable, probeAuto

	f.StringVar(&s.dir, "dir", "", "run in this directory, missing or empty, and keep it (default: a temporary one, removed)")
	f.Uint64Var(&s.records, "records", defaultRecords, "records to load")
	f.Uint64Var(&s.operations, "operations", defaultOperations, "operations that end a workload; 0 = no limit")
	f.DurationVar(&s.duration, "duration", defaultDuration, "time that ends a workload; 0 = no limit")
	f.DurationVar(&s.loadDuration, "load-duration", defaultLoadDuration, "time that ends a load early; 0 = no limit")
	f.IntVar(&s.threads, "threads", defaultThreads, "client goroutines")
	f.IntVar(&s.valueBytes, "value-size", defaultValueBytes, "bytes of a value; half of it compresses away")
	f.Var(&s.durability, "durability", "of writes: buffered, written or synced")
	f.Var(&s.compression, "compression", "of tables: default, none, s2 or zstd")
	f.Var(&s.cache, "cache", "block cache, for example 256MiB")
	f.Var(&s.memtable, "memtable", "memtable, for example 64MiB")
	f.Uint64Var(&s.seed, "seed", 1, "of all random choices")
	f.Float64Var(&s.target, "target", 0, "calls a second to schedule over all threads, not in loads; 0 = as many as are answered")
	s.outputs = newOutputs()
	s.outputs.addFlags(f)
	f.StringVar(&s.histograms, "hdr", "", "keep every latency as HdrHistogram files in this `directory`")
	f.StringVar(&s.plots, "plots", "", "draw the run into this directory, as SVG")
	f.StringVar(&s.cpuProfile, "cpuprofile", "", "write a CPU profile of the run to this file")
	f.StringVar(&s.memProfile, "memprofile", "", "write a heap profile at the end of the run to this file")
	f.Var(&s.probe, "probe", "measure the disk's flushes first: yes, no, or auto, which is where writes are synced")
	f.Lookup("probe").NoOptDefVal = probeYes
	f.BoolVar(&s.metrics, "metrics", false, "show the engine's own metrics at the end")
}

// validate finds what is wrong with the settings that every command has.
func (s *settings) validate() error {
	if !(s.target >= 0 && s.target <= targetMax) {
		return fmt.Errorf("target must be between 0 and %g calls a second", targetMax)
	}
	return s.outputs.validate()
}

// targetMax is one call a nanosecond.
const targetMax = 1e9

// engineOptions is the budget of a database in dir, but for what a row wants
// otherwise.
func (s *settings) engineOptions(dir string, q row.Request) engine.Options {
	return engine.Options{
		Dir: dir, Durability: q.Durability,
		CacheBytes:    cmp.Or(q.CacheBytes, int64(s.cache)),
		MemtableBytes: cmp.Or(q.MemtableBytes, int64(s.memtable)),
		Compression:   s.compression.Compression,
	}
}

// describe is the settings as the report shows them.
func (s *settings) describe() []report.Option {
	return []report.Option{
		{Name: "records", Value: report.Count(int64(s.records))},
		{Name: "value-size", Value: fmt.Sprint(s.valueBytes)},
		{Name: "threads", Value: fmt.Sprint(s.threads)},
		{Name: "durability", Value: s.durability.String()},
		{Name: "cache", Value: s.cache.String()},
		{Name: "memtable", Value: s.memtable.String()},
		{Name: "compression", Value: s.compression.String()},
		{Name: "target", Value: limit(uint64(s.target))},
		{Name: "operations", Value: limit(s.operations)},
		{Name: "duration", Value: s.duration.String()},
		{Name: "load-duration", Value: s.loadDuration.String()},
		{Name: "seed", Value: fmt.Sprint(s.seed)},
	}
}

func limit(n uint64) string {
	if n == 0 {
		return "unlimited"
	}
	return report.Count(int64(n))
}
