package host

import (
	"errors"
	"fmt"
	"time"

	"github.com/varvekv/varve/bench/internal/measure"
	"github.com/varvekv/varve/vfs"
)

// FlushCost is how long the disk takes to make small appends durable: the floor
// under every durable write.
type FlushCost struct {
	Flushes int           `json:"flushes"`
	Median  time.Duration `json:"median_ns"`
	P99     time.Duration `json:"p99_ns"`
}

const probeName = "flush-probe.tmp"

// ProbeFlush appends 128 bytes and flushes them, again and again for a while, to
// a file in dir that it removes again.
func ProbeFlush(dir string, lasting time.Duration) (c FlushCost, err error) {
	d, err := vfs.OS.OpenDir(dir, true)
	if err != nil {
		return c, fmt.Errorf("flush probe: %w", err)
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	f, err := d.Create(probeName)
	if err != nil {
		return c, fmt.Errorf("flush probe: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close(), d.Remove(probeName)) }()
	return measureFlushes(f, lasting)
}

func measureFlushes(f vfs.File, lasting time.Duration) (FlushCost, error) {
	h := measure.NewHistogram()
	record := make([]byte, 128)
	for begin, at := time.Now(), int64(0); time.Since(begin) < lasting; at += int64(len(record)) {
		start := time.Now()
		if _, err := f.WriteAt(record, at); err != nil {
			return FlushCost{}, fmt.Errorf("flush probe: %w", err)
		}
		if err := f.SyncData(); err != nil {
			return FlushCost{}, fmt.Errorf("flush probe: %w", err)
		}
		h.Record(int64(time.Since(start)))
	}
	return FlushCost{Flushes: int(h.Count()), Median: h.Quantile(0.5), P99: h.Quantile(0.99)}, nil
}
