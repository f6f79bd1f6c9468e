package tests

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/varvekv/varve"
	"github.com/varvekv/varve/vfs"
)

// A player performs one scripted workload that takes every path to the disk:
// opening anew and again, all durabilities, rotation, flush, compaction,
// archive, large values, reads, closing. It goes on after errors, as a program
// would, and notes what it was promised.
type player struct {
	fs   vfs.FS
	led  *ledger
	db   *varve.DB
	ids  uint64
	seen sightings

	acked   int          // units that returned nil, of those attempted
	written atomic.Int64 // units of which the last returned nil at Written or better
	synced  atomic.Int64 // … at Synced, or below a Sync, Flush or Close

	failed   error // the first write that failed: from then on all must
	frozen   uint64
	finished bool // with no error at all
	errs     []error
	opened   []int // units at each Open that succeeded
}

const playerKeys = 40

func newPlayer(fs vfs.FS) *player {
	keys := make([]string, playerKeys)
	for i := range keys {
		keys[i] = fmt.Sprintf("key%04d", i)
	}
	return &player{fs: fs, led: newLedger(keys)}
}

func (p *player) options() *varve.Options {
	return &varve.Options{
		MemtableBytes: 64 << 10, CacheBytes: 128 << 10, Compactions: 1, FS: p.fs, Events: p.seen.events(),
		Archive: varve.ArchiveOptions{Dir: "archive"},
	}
}

// play is the script. The error is a broken promise, not an injected one.
func (p *player) play() error {
	for part, play := range []func() error{p.youth, p.age} {
		db, err := varve.Open(worldDir, p.options())
		if err != nil {
			p.errs = append(p.errs, err)
			return nil
		}
		p.db, p.failed, p.opened = db, nil, append(p.opened, len(p.led.units))
		broken := p.verify()
		if broken == nil {
			broken = play()
		}
		if broken == nil {
			broken = p.verify()
		}
		if err := p.close(); broken == nil {
			broken = err
		}
		if broken != nil {
			return fmt.Errorf("part %d: %w", part+1, broken)
		}
		if p.failed != nil {
			return nil
		}
	}
	p.finished = len(p.errs) == 0
	return nil
}

func (p *player) youth() error {
	return p.steps(
		func() error { return p.puts(6, 100, varve.Synced) },
		func() error { return p.batch(5, 200, varve.Written) },
		func() error { return p.batch(5, 200, varve.Buffered) },
		func() error { return p.puts(50, 2500, varve.Written) }, // rotates
		func() error { return p.puts(3, 30, varve.Synced) },
		func() error { return p.maintain("Flush", p.db.Flush) },
		func() error { return p.deletes(6, varve.Written) },
		func() error { return p.maintain("Sync", p.db.Sync) },
		func() error { return p.puts(20, 2500, varve.Buffered) },
		func() error { return p.maintain("Flush", p.db.Flush) },
		p.verify,
		func() error { return p.puts(2, 150, varve.Synced) },
		func() error { return p.maintain("Compact", p.compact) },
		func() error { return p.deletes(3, varve.Synced) },
	)
}

func (p *player) age() error {
	return p.steps(
		func() error { return p.puts(1, 200_000, varve.Synced) },
		func() error { return p.batch(30, 1500, varve.Synced) },
		func() error { return p.maintain("Flush", p.db.Flush) },
		func() error { return p.puts(3, 100, varve.Written) },
		func() error { return p.maintain("Compact", p.compact) },
		func() error { return p.puts(2, 100, varve.Synced) },
		func() error { return p.puts(2, 100, varve.Written) },
		func() error { return p.puts(2, 100, varve.Buffered) },
	)
}

func (p *player) steps(steps ...func() error) error {
	for i, step := range steps {
		if err := step(); err != nil {
			return fmt.Errorf("step %d: %w", i+1, err)
		}
	}
	return nil
}

func (p *player) compact() error {
	ctx, cancel := patience()
	defer cancel()
	return p.db.Compact(ctx, nil, nil)
}

// value is of a length that differs by number.
func (p *player) value(size int) stamp {
	p.ids++
	return newStamp(p.ids, size+int(p.ids%7))
}

func (p *player) puts(n, size int, d varve.Durability) error {
	for range n {
		s := p.value(size)
		if err := p.write([]change{{int(s.id*7) % playerKeys, s}}, d); err != nil {
			return err
		}
	}
	return nil
}

func (p *player) batch(n, size int, d varve.Durability) error {
	var unit []change
	for range n {
		s := p.value(size)
		unit = append(unit, change{int(s.id*11) % playerKeys, s})
	}
	return p.write(unit, d)
}

func (p *player) deletes(n int, d varve.Durability) error {
	for range n {
		p.ids++
		if err := p.write([]change{{int(p.ids*13) % playerKeys, absent}}, d); err != nil {
			return err
		}
	}
	return nil
}

// write notes the attempt before, and the promise after. Once one failed all
// must, and what is durable stays what it was.
func (p *player) write(unit []change, d varve.Durability) error {
	if p.failed == nil {
		p.led.units = append(p.led.units, unit)
	}
	_, err := apply(p.db.With(d), p.led.keys, unit, false)
	if p.failed != nil {
		if err == nil {
			return fmt.Errorf("a write succeeded after one failed with: %w", p.failed)
		}
		if !errors.Is(err, varve.ErrPoisoned) {
			return fmt.Errorf("a write after a failed one is not ErrPoisoned: %w; the first: %w", err, p.failed)
		}
		if now := p.db.DurableSeq(); now != p.frozen {
			return fmt.Errorf("DurableSeq went from %d to %d after a failure: %w", p.frozen, now, p.failed)
		}
		return nil
	}
	if err != nil {
		p.failed, p.frozen = err, p.db.DurableSeq()
		p.errs = append(p.errs, err)
		return nil
	}
	p.acked = len(p.led.units)
	if d <= varve.Written {
		p.written.Store(int64(p.acked))
	}
	if d == varve.Synced {
		p.synced.Store(int64(p.acked))
	}
	return nil
}

// maintain calls one of the longer calls; success of Flush and Sync is a promise.
func (p *player) maintain(name string, call func() error) error {
	err := call()
	switch {
	case err != nil:
		p.errs = append(p.errs, fmt.Errorf("%s: %w", name, err))
	case name == "Compact":
	case p.failed != nil && name == "Sync":
		return fmt.Errorf("Sync succeeded after a write failed with: %w", p.failed)
	case p.failed == nil:
		p.promise()
	}
	return nil
}

func (p *player) promise() {
	p.written.Store(int64(p.acked))
	p.synced.Store(int64(p.acked))
}

func (p *player) close() error {
	err := p.db.Close()
	switch {
	case err != nil:
		p.errs = append(p.errs, fmt.Errorf("Close: %w", err))
	case p.failed == nil:
		p.promise()
	}
	return nil
}

// verify reads everything: what is read is right, whole, or an error.
func (p *player) verify() error {
	found, err := contents(p.db, p.led.keys, p.ids%2 == 0)
	if err != nil {
		p.errs = append(p.errs, fmt.Errorf("scan: %w", err))
	} else if err := p.allowed(found); err != nil {
		return fmt.Errorf("scan: %w", err)
	}
	for i, k := range p.led.keys {
		v, err := p.db.Get([]byte(k))
		s := absent
		if err == nil {
			s, _, err = parseStamp(v, nil)
		} else if errors.Is(err, varve.ErrNotFound) {
			err = nil
		}
		if err != nil {
			p.errs = append(p.errs, fmt.Errorf("Get: %w", err))
			continue
		}
		if !p.may(i, s) {
			return fmt.Errorf("Get %q: %v%s", k, s, p.led.trace(i, s))
		}
	}
	return nil
}

func (p *player) allowed(found []stamp) error {
	if _, err := p.led.settle(found, p.acked); err != nil {
		return err
	}
	return nil
}

// may tells whether key i may read as s: as acknowledged, or as a write left it
// that failed.
func (p *player) may(i int, s stamp) bool {
	if p.led.state(p.acked)[i] == s {
		return true
	}
	for _, unit := range p.led.units[p.acked:] {
		if slices.ContainsFunc(unit, func(c change) bool { return c.key == i && c.to == s }) {
			return true
		}
	}
	return false
}
