// Package row runs single-purpose measurements, named after LevelDB's db_bench:
// one kind of operation each, on a database filled for it, all verified.
//
// Keys are a record's number in 16 decimal digits. A model, one bit for each
// record, knows which exist; reads and scans are compared with it.
package row

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
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
	Threads      int
	ValueBytes   int
	Seed         uint64
	Durability   engine.Durability // of all but the fillsync rows
	Rows         []string          // names, in the order to run
	// Open opens a database; discard closes and removes it, once told how the
	// work on it ended. A database whose engine was closed instead keeps its
	// files and may be asked for again, by its directory.
	Open func(Request) (s *session.Session, discard func(ended error) error, err error)
}

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
	case c.ValueBytes < value.MinBytes:
		return fmt.Errorf("value size must be at least %d bytes, to hold what verifies it", value.MinBytes)
	case c.Operations == 0 && c.Duration == 0:
		return errors.New("operations and duration are both unlimited")
	}
	for _, name := range c.Rows {
		if find(name) == nil {
			return fmt.Errorf("no row is called %q; there are %v", name, Names())
		}
	}
	return nil
}

// state is what a row wants to find.
type state uint8

const (
	empty   state = iota // a database of its own, discarded after it
	filled               // the shared one, every record in it
	thinned              // the shared one, half the records deleted
)

// row is one measurement.
type row struct {
	name string
	on   state
	run  func(context.Context, *runner, *table) error
}

func rows() []row {
	return []row{
		{"fillseq", empty, fillSequential},
		{"fillbatch", empty, fillBatches},
		{"fillrandom", filled, nil}, // filling the shared database is the row
		{"overwrite", filled, overwrite},
		{"readrandom", filled, readRandom},
		{"readmissing", filled, readMissing},
		{"seekrandom", filled, seekRandom},
		{"readseq", filled, readSequential},
		{"deleterandom", thinned, nil}, // thinning it is the row
		{"seekrandom-deleted", thinned, seekRandom},
		{"readseq-deleted", thinned, readSequential},
		{"fillsync-1", empty, fillSynced(1)},
		{"fillsync-8", empty, fillSynced(8)},
		{"fillsync-64", empty, fillSynced(64)},
	}
}

// Names is every row, in the order in which they make sense.
func Names() []string {
	var names []string
	for _, r := range rows() {
		names = append(names, r.name)
	}
	return names
}

func find(name string) *row {
	all := rows()
	if i := slices.IndexFunc(all, func(r row) bool { return r.name == name }); i >= 0 {
		return &all[i]
	}
	return nil
}

// Run runs the rows. Those that read fill a database first, which then is in
// the report too. The phases done are returned beside an error.
func Run(ctx context.Context, c Config) (phases []report.Phase, err error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	r := &runner{config: c}
	defer func() { err = errors.Join(err, r.discardShared(err)) }()
	for _, name := range c.Rows {
		if err := r.runRow(ctx, find(name)); err != nil {
			return r.phases, err
		}
	}
	return r.phases, nil
}

type runner struct {
	config  Config
	phases  []report.Phase
	shared  *table // nil until a row wants it
	thinned bool
}

func (r *runner) runRow(ctx context.Context, w *row) error {
	if w.on == empty {
		return r.runOnEmpty(ctx, w)
	}
	if err := r.prepareShared(ctx, w.on); err != nil {
		return err
	}
	if w.run == nil {
		return nil // preparing was it
	}
	return w.run(ctx, r, r.shared)
}

func (r *runner) runOnEmpty(ctx context.Context, w *row) (err error) {
	d := r.config.Durability
	if strings.HasPrefix(w.name, "fillsync") {
		d = engine.Synced
	}
	t, err := r.open(d)
	if err != nil {
		return fmt.Errorf("%s: %w", w.name, err)
	}
	defer func() { err = errors.Join(err, t.discard(err)) }()
	if err := w.run(ctx, r, t); err != nil {
		return err
	}
	if err := t.audit(ctx); err != nil {
		return fmt.Errorf("%s: final scan: %w", w.name, err)
	}
	return nil
}

// prepareShared brings the shared database into a state, measuring the way there.
func (r *runner) prepareShared(ctx context.Context, want state) error {
	if r.shared != nil && r.thinned && want == filled {
		if err := r.discardShared(nil); err != nil {
			return err
		}
	}
	if r.shared == nil {
		t, err := r.open(r.config.Durability)
		if err != nil {
			return fmt.Errorf("fillrandom: %w", err)
		}
		r.shared, r.thinned = t, false
		if err := fillRandom(ctx, r, t); err != nil {
			return err
		}
	}
	if want == thinned && !r.thinned {
		r.thinned = true
		return deleteRandom(ctx, r, r.shared)
	}
	return nil
}

func (r *runner) open(d engine.Durability) (*table, error) {
	s, discard, err := r.config.Open(Request{Durability: d})
	if err != nil {
		return nil, err
	}
	return &table{
		session: s, discard: discard, valueBytes: r.config.ValueBytes,
		model: newModel(r.config.Records),
	}, nil
}

func (r *runner) discardShared(ended error) error {
	if r.shared == nil {
		return nil
	}
	t := r.shared
	r.shared = nil
	return t.discard(ended)
}
