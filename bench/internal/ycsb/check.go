package ycsb

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/varvekv/varve/bench/internal/value"
	"github.com/varvekv/varve/bench/internal/workload"
)

// checkAll reads everything: exactly the records inserted, each once, in order,
// each with a value of its own. Then the engine checks its files.
func (r *runner) checkAll(ctx context.Context) error {
	start := r.session.Clock()
	if err := r.scanAll(ctx); err != nil {
		return fmt.Errorf("final scan: %w", err)
	}
	scanned := r.session.Clock()
	if err := r.session.Engine.Check(ctx); err != nil {
		return fmt.Errorf("engine's own check: %w", err)
	}
	r.notes = append(r.notes, fmt.Sprintf(
		"Every value read was verified. At the end all %d records were read again (%.1fs) and the engine's own check passed (%.1fs).",
		r.sequence.Count(), seconds(scanned-start), seconds(r.session.Clock()-scanned)))
	return nil
}

func seconds(nanoseconds int64) float64 { return time.Duration(nanoseconds).Seconds() }

func (r *runner) scanAll(ctx context.Context) (err error) {
	c, err := r.session.Engine.NewClient()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	a := &audit{count: r.sequence.Count(), keys: r.config.Keys, valueBytes: r.config.ValueBytes}
	n, err := c.Scan(nil, -1, func(key, val []byte) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return a.visit(key, val)
	})
	if err != nil {
		return err
	}
	if uint64(n) != a.count {
		return fmt.Errorf("%d records, not %d", n, a.count)
	}
	return nil
}

// audit judges the entries of a scan over everything.
type audit struct {
	count              uint64
	keys               workload.Keys
	valueBytes         int
	previous, expected []byte
}

func (a *audit) visit(key, val []byte) error {
	record, _, err := value.Identify(val, a.valueBytes)
	if err != nil {
		return fmt.Errorf("key %q: %w", key, err)
	}
	a.expected = a.keys.Append(a.expected[:0], record)
	if record >= a.count || !bytes.Equal(key, a.expected) {
		return fmt.Errorf("key %q: %w: it belongs to record %d", key, value.ErrWrong, record)
	}
	if bytes.Compare(key, a.previous) <= 0 {
		return fmt.Errorf("key %q after %q", key, a.previous)
	}
	a.previous = append(a.previous[:0], key...)
	return nil
}
