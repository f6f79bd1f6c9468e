package tests

import (
	"fmt"
	"slices"
	"strings"

	"github.com/varvekv/varve"
)

// A change is what one operation does to one key.
type change struct {
	key int // index into the universe
	to  stamp
}

// A ledger is what was committed, in the order of commits: it knows every
// state in which a crash may leave the database, and no other.
type ledger struct {
	keys  []string
	base  []stamp // by key, before the first unit
	units [][]change
}

func newLedger(keys []string) *ledger {
	return &ledger{keys: keys, base: slices.Repeat([]stamp{absent}, len(keys))}
}

// state is the database after the first n units.
func (l *ledger) state(n int) []stamp {
	state := slices.Clone(l.base)
	for _, unit := range l.units[:n] {
		for _, c := range unit {
			state[c.key] = c.to
		}
	}
	return state
}

// settle finds n >= floor such that found is the state after the first n
// units. Where several are, they are the same state: the least is returned.
func (l *ledger) settle(found []stamp, floor int) (int, error) {
	state := l.state(floor)
	wrong := 0
	for i := range state {
		if state[i] != found[i] {
			wrong++
		}
	}
	best, bestWrong := floor, wrong
	for n := floor; ; n++ {
		if wrong < bestWrong {
			best, bestWrong = n, wrong
		}
		if wrong == 0 {
			return n, nil
		}
		if n == len(l.units) {
			break
		}
		for _, c := range l.units[n] {
			wrong += mismatch(c.to, found[c.key]) - mismatch(state[c.key], found[c.key])
			state[c.key] = c.to
		}
	}
	return 0, l.explain(found, floor, best)
}

// greatest is the greatest number of units after which the state is still
// that after n: the next ones change nothing, so nobody can tell.
func (l *ledger) greatest(n int) int {
	state := l.state(n)
	for ; n < len(l.units); n++ {
		for _, c := range l.units[n] {
			if c.to != state[c.key] {
				return n
			}
		}
	}
	return n
}

func mismatch(a, b stamp) int {
	if a != b {
		return 1
	}
	return 0
}

// explain says how found differs from the nearest allowed state.
func (l *ledger) explain(found []stamp, floor, nearest int) error {
	var lines []string
	state := l.state(nearest)
	for i := range state {
		if state[i] != found[i] && len(lines) < 8 {
			lines = append(lines, fmt.Sprintf("  key %q: found %v, want %v%s", clip(l.keys[i]), found[i], state[i], l.trace(i, found[i])))
		}
	}
	return fmt.Errorf("no prefix of the %d commits with at least the %d durable ones matches; nearest is after %d:\n%s",
		len(l.units), floor, nearest, strings.Join(lines, "\n"))
}

// trace says by which commits key i was changed last, and which wrote s.
func (l *ledger) trace(i int, s stamp) string {
	var by []int
	wrote := -1
	for n, unit := range l.units {
		for _, c := range unit {
			if c.key == i {
				by = append(by, n+1)
				if c.to == s {
					wrote = n + 1
				}
			}
		}
	}
	return fmt.Sprintf(" (changed by commits %v; what was found is of commit %d)", by[max(0, len(by)-6):], wrote)
}

func clip(key string) string {
	if len(key) > 40 {
		return key[:40] + "…"
	}
	return key
}

// contents reads everything through an iterator, forwards or backwards, and
// verifies order on the way.
func contents(r varve.Reader, keys []string, backwards bool) ([]stamp, error) {
	found := slices.Repeat([]stamp{absent}, len(keys))
	it := r.NewIter(nil)
	move, last := it.Next, -1
	if backwards {
		move, last = it.Prev, len(keys)
	}
	var scratch []byte
	for move() {
		i, ok := slices.BinarySearch(keys, string(it.Key()))
		if !ok {
			return nil, closing(it, fmt.Errorf("key %q was never written", clip(string(it.Key()))))
		}
		if !backwards && i <= last || backwards && i >= last {
			return nil, closing(it, fmt.Errorf("key %q comes out of order", clip(keys[i])))
		}
		last = i
		var err error
		if found[i], scratch, err = parseStamp(it.Value(), scratch); err != nil {
			return nil, closing(it, fmt.Errorf("key %q: %w", clip(keys[i]), err))
		}
	}
	if err := it.Err(); err != nil {
		return nil, closing(it, err)
	}
	return found, it.Close()
}

func closing(it *varve.Iterator, err error) error {
	if closed := it.Close(); closed != nil {
		return fmt.Errorf("%w; and Close: %v", err, closed)
	}
	return err
}

// apply gives the engine one unit. A single operation goes through a batch
// only where viaBatch says so; seq is its first sequence then, else 0.
func apply(w varve.Writer, keys []string, unit []change, viaBatch bool) (seq uint64, err error) {
	if len(unit) == 1 && !viaBatch {
		c := unit[0]
		if c.to == absent {
			return 0, w.Delete([]byte(keys[c.key]))
		}
		return 0, w.Put([]byte(keys[c.key]), c.to.bytes(nil))
	}
	var b varve.Batch
	var value []byte
	for _, c := range unit {
		if c.to == absent {
			b.Delete([]byte(keys[c.key]))
			continue
		}
		value = c.to.bytes(value[:0])
		b.Put([]byte(keys[c.key]), value)
	}
	err = w.Write(&b)
	return b.Seq(), err
}
