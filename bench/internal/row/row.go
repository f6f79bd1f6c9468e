// Package row runs single-purpose measurements, named after LevelDB's db_bench:
// one kind of operation each, on a database filled for it, all verified.
//
// Keys are a record's number in 16 decimal digits. A model knows which records
// exist and in which version; reads and scans are compared with it, and so is
// everything in a database before that is discarded.
package row

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/varvekv/varve/bench/internal/engine"
	"github.com/varvekv/varve/bench/internal/report"
	"github.com/varvekv/varve/bench/internal/session"
	"github.com/varvekv/varve/bench/internal/value"
)

// Config is what a run of rows does.
type Config struct {
	Records      uint64        // of the database
	Operations   uint64        // ends a row of reads; 0 = never
	FillDuration time.Duration // ends a row of writes early; 0 = never
	Duration     time.Duration // ends any other row; 0 = never
	TargetRate   float64       // calls a second over all threads, of rows of random reads and of tail; 0 = none
	Threads      int
	ValueBytes   int
	Seed         uint64
	Durability   engine.Durability // but for rows that ask for their own
	Rows         []string          // names, in the order to run: see Select

	LogBytes      int64  // keys and values in the log of openlog; 0 = DefaultLogBytes
	BigRecords    uint64 // of the big rows; 0 = DefaultBigRecords
	BigValueBytes int    // of the big rows; 0 = DefaultBigValueBytes

	// Open opens a database; discard closes and removes it, once told how the
	// work on it ended. A database whose engine was closed instead keeps its
	// files and may be asked for again, by its directory.
	Open func(Request) (s *session.Session, discard func(ended error) error, err error)
}

// Sizes of the rows that do not take those of the others: a log as full as a
// memtable's by default, and four times as much data as the default cache.
const (
	DefaultLogBytes      = 64 << 20
	DefaultBigRecords    = 10_000_000
	DefaultBigValueBytes = 100
)

// Request is which database a row wants, and what it wants of it.
type Request struct {
	// Dir is a directory that holds a closed database; empty: a fresh one.
	Dir        string
	Durability engine.Durability
	// CacheBytes and MemtableBytes take the place of the configured budgets; 0
	// = as configured.
	CacheBytes, MemtableBytes int64
}

// Validate tells what is wrong with a configuration, in the user's words.
func (c *Config) Validate() error {
	switch {
	case c.Records < 2:
		return errors.New("records must be at least 2")
	case c.Threads < 1:
		return errors.New("threads must be at least 1")
	case min(c.ValueBytes, cmp.Or(c.BigValueBytes, DefaultBigValueBytes)) < value.MinBytes:
		return fmt.Errorf("value sizes must be at least %d bytes, to hold what verifies them", value.MinBytes)
	case c.LogBytes < 0:
		return errors.New("the size of openlog's log must not be negative")
	case c.Operations == 0 && c.Duration == 0:
		return errors.New("operations and duration are both unlimited")
	}
	for _, name := range c.Rows {
		if find(name) == nil {
			return unknown(name)
		}
	}
	return nil
}

// settleMax bounds the wait for background work behind reopening.
const settleMax = 10 * time.Second

// Run runs the rows. Those that read fill a database first, which then is in
// the report too. The phases done are returned beside an error.
func Run(ctx context.Context, c Config) (phases []report.Phase, err error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	r := &runner{config: c}
	err = r.endShared(ctx, r.runRows(ctx))
	return r.phases, err
}

type runner struct {
	config  Config
	phases  []report.Phase
	shared  *table // nil until a row wants it
	thinned bool
}

func (r *runner) runRows(ctx context.Context) error {
	for left := r.config.Rows; len(left) > 0; {
		w := find(left[0])
		if w.on == large {
			n := leadingBig(left)
			if err := r.runBig(ctx, left[:n]); err != nil {
				return err
			}
			left = left[n:]
			continue
		}
		if err := r.runRow(ctx, w); err != nil {
			return err
		}
		left = left[1:]
	}
	return nil
}

func (r *runner) runRow(ctx context.Context, w *row) error {
	switch w.on {
	case own:
		return w.run(ctx, r, nil)
	case empty:
		return r.runOnEmpty(ctx, w)
	}
	if err := r.prepareShared(ctx, w); err != nil {
		return err
	}
	if w.run == nil {
		return nil // preparing was it
	}
	return w.run(ctx, r, r.shared)
}

func (r *runner) runOnEmpty(ctx context.Context, w *row) error {
	t, err := r.open(w.want, r.config.Records, r.config.ValueBytes)
	if err != nil {
		return fmt.Errorf("%s: %w", w.name, err)
	}
	return t.end(ctx, w.name, w.run(ctx, r, t))
}

// prepareShared brings the shared database into the state that a row wants,
// measuring the way there, and gives it the row's cache.
func (r *runner) prepareShared(ctx context.Context, w *row) error {
	if r.shared != nil && r.thinned && w.on == filled {
		if err := r.endShared(ctx, nil); err != nil {
			return err
		}
	}
	if r.shared == nil {
		t, err := r.open(Request{}, r.config.Records, r.config.ValueBytes)
		if err != nil {
			return fmt.Errorf("fillrandom: %w", err)
		}
		r.shared, r.thinned = t, false
		if err := fillRandom(ctx, r, t); err != nil {
			return err
		}
	}
	if w.on == thinned && !r.thinned {
		if err := r.reopenShared(ctx, 0); err != nil {
			return err
		}
		r.thinned = true
		if err := deleteRandom(ctx, r, r.shared); err != nil {
			return err
		}
	}
	return r.reopenShared(ctx, w.want.CacheBytes)
}

// reopenShared makes sure that the shared database has such a cache; 0 = the
// configured one. Work that opening began ends before what is measured.
func (r *runner) reopenShared(ctx context.Context, cacheBytes int64) error {
	t := r.shared
	if t.request.CacheBytes == cacheBytes {
		return nil
	}
	if err := t.session.Engine.Close(); err != nil {
		return fmt.Errorf("close, to reopen with another cache: %w", err)
	}
	r.shared = nil // for now there is nothing to discard
	q := t.request
	q.Dir, q.CacheBytes = t.session.Dir, cacheBytes
	s, discard, err := r.config.Open(q)
	if err != nil {
		return fmt.Errorf("reopen with another cache: %w", err)
	}
	r.shared = &table{request: q, session: s, discard: discard, model: t.model}
	ctx, cancel := context.WithTimeout(ctx, settleMax)
	defer cancel()
	if err := s.Engine.Settle(ctx); err != nil {
		return fmt.Errorf("settle behind reopening: %w", err)
	}
	return nil
}

// endShared ends the shared database, if there is one, and passes on how the
// work on it ended.
func (r *runner) endShared(ctx context.Context, ended error) error {
	if r.shared == nil {
		return ended
	}
	t := r.shared
	r.shared = nil
	return t.end(ctx, "the shared database", ended)
}
