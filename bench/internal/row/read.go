package row

import (
	"context"
	"errors"
	"fmt"

	"github.com/varvekv/varve/bench/internal/driver"
	"github.com/varvekv/varve/bench/internal/engine"
	"github.com/varvekv/varve/bench/internal/session"
	"github.com/varvekv/varve/bench/internal/workload"
)

// smallCacheBytes is the cache of readrandom-smallcache: nearly every read goes
// past it.
const smallCacheBytes = 8 << 20

func readRandom(ctx context.Context, r *runner, t *table) error {
	name := "readrandom"
	if t.request.CacheBytes == smallCacheBytes {
		name += "-smallcache"
	}
	return r.read(ctx, t, name, "get", func(source *workload.Random) reader {
		return &getter{random: source, model: t.model}
	})
}

func readMissing(ctx context.Context, r *runner, t *table) error {
	return r.read(ctx, t, "readmissing", "get", func(source *workload.Random) reader {
		return &misser{random: source, model: t.model}
	})
}

func seekRandom(ctx context.Context, r *runner, t *table) error {
	return r.read(ctx, t, r.named("seekrandom"), "seek", func(source *workload.Random) reader {
		s := &seeker{random: source, expected: expectation{model: t.model}}
		s.visit = s.visitEntry
		return s
	})
}

// readSequential passes over everything, again and again, in one goroutine. Its
// passes count and add up only; one before them verifies every entry.
func readSequential(ctx context.Context, r *runner, t *table) error {
	if err := t.scanAll(ctx); err != nil {
		return fmt.Errorf("readseq: %w", err)
	}
	s := &scanner{model: t.model}
	s.visit = s.visitEntry
	p := driver.Phase{
		Name: r.named("readseq"), Kinds: []string{"scan"}, Duration: r.config.Duration,
	}
	if n := t.model.count; r.config.Operations > 0 && n > 0 {
		p.Operations = int64((r.config.Operations + n - 1) / n)
	}
	return r.measure(ctx, t, reading(t, p, s))
}

// named marks the rows that run on the thinned database.
func (r *runner) named(row string) string {
	if r.thinned {
		return row + "-deleted"
	}
	return row
}

func (r *runner) read(ctx context.Context, t *table, name, kind string, make func(*workload.Random) reader) error {
	p := driver.Phase{
		Name: name, Kinds: []string{kind}, TargetRate: r.config.TargetRate,
		Operations: int64(r.config.Operations), Duration: r.config.Duration,
	}
	var readers []reader
	for i := range r.config.Threads {
		readers = append(readers, make(workload.NewRandom(r.config.Seed, streamRead<<32|uint64(i))))
	}
	return r.measure(ctx, t, reading(t, p, readers...))
}

// reader is a worker that counts the keys and values it is given.
type reader interface {
	driver.Worker
	readBytes() int64
}

// reading is a phase in which readers work.
func reading(t *table, p driver.Phase, readers ...reader) session.Work {
	for _, w := range readers {
		p.Workers = append(p.Workers, w)
	}
	return session.Work{
		Phase:     p,
		UserBytes: func() int64 { return 0 },
		LiveBytes: t.model.liveBytes,
		ReadBytes: func() (n int64) {
			for _, w := range readers {
				n += w.readBytes()
			}
			return n
		},
	}
}

// getter reads records that exist.
type getter struct {
	random   *workload.Random
	model    *model
	record   uint64
	key, got []byte
	read     int64 // bytes
}

func (g *getter) readBytes() int64 { return g.read }

func (g *getter) Prepare() int {
	g.record = choose(g.random, g.model)
	g.key = appendKey(g.key[:0], g.record)
	return 0
}

func (g *getter) Execute(c engine.Client) (units int, err error) {
	if g.got, err = c.Get(g.got[:0], g.key); err != nil {
		return 0, fmt.Errorf("key %q: %w", g.key, err)
	}
	return 1, nil
}

func (g *getter) Verify() error {
	g.read += int64(len(g.key) + len(g.got))
	if err := g.model.verify(g.got, g.record); err != nil {
		return fmt.Errorf("key %q: %w", g.key, err)
	}
	return nil
}

// misser reads keys that do not exist, each right behind one that might.
type misser struct {
	random   *workload.Random
	model    *model
	key, got []byte
	found    bool
}

func (m *misser) readBytes() int64 { return 0 } // it is told that there is nothing

func (m *misser) Prepare() int {
	m.key = append(appendKey(m.key[:0], m.random.Below(m.model.size)), '.')
	return 0
}

func (m *misser) Execute(c engine.Client) (units int, err error) {
	m.got, err = c.Get(m.got[:0], m.key)
	if m.found = err == nil; m.found || errors.Is(err, engine.ErrNotFound) {
		return 1, nil
	}
	return 0, fmt.Errorf("key %q: %w", m.key, err)
}

func (m *misser) Verify() error {
	if m.found {
		return fmt.Errorf("key %q, never written, has a value of %d bytes", m.key, len(m.got))
	}
	return nil
}

// seekEntries is what seekrandom reads: the entry sought and ten after it.
const seekEntries = 11

// seeker seeks any key, existing or not, and reads on.
type seeker struct {
	random   *workload.Random
	expected expectation
	visit    engine.Visit

	key     []byte
	visited int
	read    int64 // bytes
}

func (s *seeker) readBytes() int64 { return s.read }

func (s *seeker) Prepare() int {
	s.expected.at = s.random.Below(s.expected.model.size)
	s.key = appendKey(s.key[:0], s.expected.at)
	return 0
}

func (s *seeker) Execute(c engine.Client) (units int, err error) {
	if s.visited, err = c.Scan(s.key, seekEntries, s.visit); err != nil {
		return 0, fmt.Errorf("from %q: %w", s.key, err)
	}
	return 1, nil
}

func (s *seeker) visitEntry(key, val []byte) error {
	s.read += int64(len(key) + len(val))
	return s.expected.visit(key, val)
}

func (s *seeker) Verify() error {
	if _, more := s.expected.model.next(s.expected.at); more && s.visited < seekEntries {
		return fmt.Errorf("from %q: %d entries, not %d", s.key, s.visited, seekEntries)
	}
	return nil
}

// scanner passes over the whole database with each operation.
type scanner struct {
	model   *model
	visit   engine.Visit
	visited int
	bytes   int64 // of this pass
	read    int64 // bytes of all passes
}

func (s *scanner) readBytes() int64 { return s.read }

func (s *scanner) Prepare() int {
	s.bytes = 0
	return 0
}

func (s *scanner) Execute(c engine.Client) (units int, err error) {
	s.visited, err = c.Scan(nil, -1, s.visit)
	return s.visited, err
}

func (s *scanner) visitEntry(key, val []byte) error {
	s.bytes += int64(len(key) + len(val))
	return nil
}

func (s *scanner) Verify() error {
	s.read += s.bytes
	if uint64(s.visited) != s.model.count || s.bytes != s.model.liveBytes() {
		return fmt.Errorf("%d entries of %d bytes, not %d of %d",
			s.visited, s.bytes, s.model.count, s.model.liveBytes())
	}
	return nil
}
