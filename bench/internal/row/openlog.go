package row

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"

	"github.com/varvekv/varve/bench/internal/driver"
	"github.com/varvekv/varve/bench/internal/engine"
	"github.com/varvekv/varve/bench/internal/host"
	"github.com/varvekv/varve/bench/internal/measure"
	"github.com/varvekv/varve/bench/internal/report"
	"github.com/varvekv/varve/bench/internal/session"
	"github.com/varvekv/varve/bench/internal/workload"
)

// openings is how many fresh copies openlog opens; their median is the figure.
const openings = 5

// logMemtableFactor is openlog's memtable over the keys and values it writes:
// trees and indexes included they stay in memory, and the log holds them all.
const logMemtableFactor = 4

// openLog fills a log, copies what a crash would leave of it, and measures how
// long copies take from before Open to their first answer.
func openLog(ctx context.Context, r *runner, _ *table) (err error) {
	t, err := r.openUnflushed()
	if err != nil {
		return fmt.Errorf("openlog: %w", err)
	}
	image := crashImage{dir: t.session.Dir + "-crashed", model: t.model, request: t.request, clock: t.session.Clock}
	defer func() { err = errors.Join(err, os.RemoveAll(image.dir)) }()
	ended := r.fill(ctx, t, fillPlan{
		name: "openlog-fill", threads: r.config.Threads, batch: 1,
		order: shuffled(t.model.size, r.config.Seed, streamFill),
	})
	if ended == nil {
		ended = image.take(t)
	}
	if err := t.end(ctx, "openlog-fill", ended); err != nil {
		return err
	}
	p, err := image.measure(ctx, r, t.session.Begin)
	if err != nil {
		return fmt.Errorf("openlog: %w", err)
	}
	r.phases = append(r.phases, p)
	return nil
}

// openUnflushed opens a database for a log's worth of records. One that cannot
// be told to sync promises with each write that it is in the files.
func (r *runner) openUnflushed() (*table, error) {
	bytes := cmp.Or(r.config.LogBytes, DefaultLogBytes)
	records := max(1, uint64(bytes)/uint64(keyBytes+r.config.ValueBytes))
	q := Request{Durability: engine.Buffered, MemtableBytes: logMemtableFactor * bytes}
	t, err := r.open(q, records, r.config.ValueBytes)
	if err != nil {
		return nil, err
	}
	if _, ok := t.session.Engine.(engine.Syncer); ok {
		return t, nil
	}
	if err := t.discard(nil); err != nil {
		return nil, err
	}
	q.Durability = engine.Written
	return r.open(q, records, r.config.ValueBytes)
}

// crashImage is the files of a database as a crash leaves them.
type crashImage struct {
	dir     string
	model   *model
	request Request
	clock   measure.Clock
}

// take copies the files of an open database that nobody writes to.
func (i *crashImage) take(t *table) error {
	if s, ok := t.session.Engine.(engine.Syncer); ok {
		if err := s.Sync(); err != nil {
			return fmt.Errorf("openlog: sync: %w", err)
		}
	}
	return copyFiles(i.dir, t.session.Dir)
}

// measure opens copies of the image, one after the other. Making them, auditing
// and closing them is not measured.
func (i *crashImage) measure(ctx context.Context, r *runner, begin func(string) driver.Progress) (report.Phase, error) {
	show := driver.Progress(func(float64, int64) {})
	if begin != nil {
		show = begin("openlog")
	}
	o := &opening{image: i, random: workload.NewRandom(r.config.Seed, streamRead<<32)}
	res := &driver.Result{
		Name: "openlog", Threads: 1, Kinds: []string{"open"}, Latency: []*measure.Histogram{measure.NewHistogram()},
	}
	for n := range openings {
		took, err := o.once(ctx, r)
		if err != nil {
			return report.Phase{}, err
		}
		res.Latency[0].Record(int64(took))
		res.Elapsed += took
		res.Units += int64(i.model.count)
		show(float64(n+1)/openings, res.Units)
	}
	p := report.FromResult(res)
	p.Usage, p.Traffic, p.DiskBytes, p.LiveBytes = o.usage, o.traffic, o.diskBytes, i.model.liveBytes()
	return p, nil
}

// opening is the openings of one image, and what they used together.
type opening struct {
	image  *crashImage
	random *workload.Random

	got       []byte
	usage     host.Usage
	traffic   engine.Traffic
	diskBytes int64 // of the last
}

// once opens a fresh copy, and audits what is in it once that was measured.
func (o *opening) once(ctx context.Context, r *runner) (took time.Duration, err error) {
	q := o.image.request
	q.Dir = o.image.dir + "-copy"
	defer func() { err = errors.Join(err, os.RemoveAll(q.Dir)) }()
	if err := copyFiles(q.Dir, o.image.dir); err != nil {
		return 0, err
	}
	runtime.GC() // the one before is not swept on this one's time
	record := choose(o.random, o.image.model)
	key := appendKey(nil, record)

	meter, start := host.Start(), o.image.clock()
	s, discard, err := r.config.Open(q)
	if err != nil {
		return 0, err
	}
	t := &table{request: q, session: s, discard: discard, model: o.image.model}
	ended := t.withClient(func(c engine.Client) (err error) {
		if o.got, err = c.Get(o.got[:0], key); err != nil {
			return fmt.Errorf("key %q: %w", key, err)
		}
		took = time.Duration(o.image.clock() - start)
		o.add(meter.Stop(), s)
		return o.image.model.verify(o.got, record)
	})
	if ended == nil {
		o.diskBytes, ended = host.DiskBytes(q.Dir)
	}
	return took, t.end(ctx, "what a crash left", ended)
}

// add counts an opening's usage in.
func (o *opening) add(u host.Usage, s *session.Session) {
	u.CPU += o.usage.CPU
	u.Collections += o.usage.Collections
	u.Allocations += o.usage.Allocations
	u.PeakRSSBytes = max(u.PeakRSSBytes, o.usage.PeakRSSBytes)
	o.usage = u
	o.traffic = o.traffic.Add(s.Engine.Traffic())
}
