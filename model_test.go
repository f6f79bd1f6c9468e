package varve_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/varvekv/varve"
	"github.com/varvekv/varve/vfs"
)

// TestRandomOperationsAgainstModel runs random operations with tiny memtables,
// snapshots and reopening, and compares everything read with a map.
func TestRandomOperationsAgainstModel(t *testing.T) {
	ops := 60_000
	if testing.Short() {
		ops = 8_000
	}
	for seed := range uint64(3) {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) { runModel(t, seed, ops) })
	}
}

type model struct {
	t       *testing.T
	r       *rand.Rand
	fs      *vfs.Strict
	db      *varve.DB
	options *varve.Options
	now     map[string]string
	snaps   []modelSnapshot
}

type modelSnapshot struct {
	s    *varve.Snapshot
	then map[string]string
}

func runModel(t *testing.T, seed uint64, ops int) {
	m := &model{t: t, r: rand.New(rand.NewPCG(seed, 7)), fs: vfs.NewStrict(seed), now: make(map[string]string)}
	m.options = &varve.Options{FS: m.fs, MemtableBytes: 64 << 10, CacheBytes: 1 << 20, Durability: varve.Buffered}
	m.open()
	for range ops {
		m.step()
	}
	m.compare()
	m.dropSnapshots()
	m.must(m.db.Compact(context.Background(), nil, nil))
	m.compare()
	m.must(m.db.Check(context.Background()))
	t.Logf("%s", m.db.Metrics())
	m.must(m.db.Close())
}

func (m *model) must(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

func (m *model) open() {
	db, err := varve.Open("db", m.options)
	m.must(err)
	m.db = db
}

func (m *model) key() string { return fmt.Sprintf("key-%05d", m.r.IntN(4000)) }

func (m *model) step() {
	switch n := m.r.IntN(1000); {
	case n < 500:
		k, v := m.key(), fmt.Sprint(m.r.Uint64())+string(bytes.Repeat([]byte{'x'}, m.r.IntN(200)))
		m.must(m.db.Put([]byte(k), []byte(v)))
		m.now[k] = v
	case n < 650:
		k := m.key()
		m.must(m.db.Delete([]byte(k)))
		delete(m.now, k)
	case n < 700:
		m.batch()
	case n < 950:
		k := m.key()
		m.expect(m.db, m.now, k)
	case n < 980:
		m.scan(m.db, m.now, m.key(), m.key())
	case n < 985:
		m.snapshot()
	case n < 998:
		for _, s := range m.snaps {
			m.expect(s.s, s.then, m.key())
		}
	case n < 999:
		m.must(m.db.Flush())
	case m.r.IntN(4) == 0:
		m.dropSnapshots()
		m.must(m.db.Close())
		m.open()
	}
}

func (m *model) batch() {
	var b varve.Batch
	for range m.r.IntN(50) {
		k := m.key()
		if m.r.IntN(3) == 0 {
			b.Delete([]byte(k))
			delete(m.now, k)
		} else {
			b.Put([]byte(k), []byte("batch"))
			m.now[k] = "batch"
		}
	}
	m.must(m.db.Write(&b))
}

func (m *model) snapshot() {
	if len(m.snaps) > 4 {
		m.must(m.snaps[0].s.Close())
		m.snaps = m.snaps[1:]
	}
	then := make(map[string]string, len(m.now))
	for k, v := range m.now {
		then[k] = v
	}
	m.snaps = append(m.snaps, modelSnapshot{m.db.Snapshot(), then})
}

func (m *model) dropSnapshots() {
	for _, s := range m.snaps {
		m.scan(s.s, s.then, "", "~")
		m.must(s.s.Close())
	}
	m.snaps = nil
}

func (m *model) expect(r varve.Reader, want map[string]string, k string) {
	m.t.Helper()
	got, err := r.Get([]byte(k))
	v, ok := want[k]
	switch {
	case !ok && err == varve.ErrNotFound:
	case ok && err == nil && string(got) == v:
	default:
		m.t.Fatalf("Get(%s) = %q, %v; want %q, %v", k, got, err, v, ok)
	}
}

func (m *model) compare() { m.scan(m.db, m.now, "", "~") }

// scan compares a range, forward and backward.
func (m *model) scan(r varve.Reader, want map[string]string, lo, hi string) {
	m.t.Helper()
	if lo > hi {
		lo, hi = hi, lo
	}
	var keys []string
	for k := range want {
		if lo <= k && k < hi {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	i := 0
	for e, err := range r.Scan([]byte(lo), []byte(hi)) {
		m.must(err)
		if i == len(keys) || string(e.Key) != keys[i] || string(e.Value) != want[keys[i]] {
			m.t.Fatalf("Scan[%s, %s) at %d: %s = %q", lo, hi, i, e.Key, e.Value)
		}
		i++
	}
	if i != len(keys) {
		m.t.Fatalf("Scan[%s, %s) ended after %d of %d", lo, hi, i, len(keys))
	}
	it := r.NewIter(&varve.IterOptions{Lower: []byte(lo), Upper: []byte(hi)})
	for ok := it.Last(); ok; ok = it.Prev() {
		i--
		if i < 0 || string(it.Key()) != keys[i] || string(it.Value()) != want[keys[i]] {
			m.t.Fatalf("backward at %d: %s = %q", i, it.Key(), it.Value())
		}
	}
	m.must(it.Err())
	if i != 0 {
		m.t.Fatalf("backward ended %d too early", i)
	}
	m.must(it.Close())
}
