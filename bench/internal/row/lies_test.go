package row

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/varvekv/varve/bench/internal/engine"
	"github.com/varvekv/varve/bench/internal/mapengine"
	"github.com/varvekv/varve/bench/internal/workload"
)

// lie is what a liar does in every so manieth call of its kind.
type lie struct {
	every                        int64 // 0 = in each
	put, load, del, get, scan    bool  // puts, batches and deletions are lost; values read are spoilt
	overwrite, phantom, truncate bool  // an overwrite is lost; what is missing is found; a scan ends early
}

// liar is an engine whose clients lie.
type liar struct {
	engine.Engine
	lie   lie
	calls *atomic.Int64
}

// Sync is the wrapped engine's.
func (l *liar) Sync() error { return l.Engine.(engine.Syncer).Sync() }

func (l *liar) NewClient() (engine.Client, error) {
	c, err := l.Engine.NewClient()
	return &lyingClient{c, l}, err
}

type lyingClient struct {
	engine.Client
	l *liar
}

func (c *lyingClient) now(on bool) bool {
	return on && c.l.calls.Add(1)%max(c.l.lie.every, 1) == 0
}

func (c *lyingClient) Put(key, val []byte) error {
	if c.l.lie.overwrite {
		if _, err := c.Client.Get(nil, key); err == nil && c.now(true) {
			return nil
		}
	}
	if c.now(c.l.lie.put) {
		return nil
	}
	return c.Client.Put(key, val)
}

func (c *lyingClient) Load(keys, values [][]byte) error {
	if c.now(c.l.lie.load) {
		return nil
	}
	return c.Client.Load(keys, values)
}

func (c *lyingClient) Delete(key []byte) error {
	if c.now(c.l.lie.del) {
		return nil
	}
	return c.Client.Delete(key)
}

func (c *lyingClient) Get(dst, key []byte) ([]byte, error) {
	v, err := c.Client.Get(dst, key)
	if errors.Is(err, engine.ErrNotFound) && c.now(c.l.lie.phantom) {
		return append(dst, "phantom"...), nil
	}
	if err == nil && c.now(c.l.lie.get) {
		return spoil(v), nil
	}
	return v, err
}

func spoil(val []byte) []byte {
	val = bytes.Clone(val)
	val[len(val)-1] ^= 1
	return val
}

func (c *lyingClient) Scan(from []byte, count int, visit engine.Visit) (int, error) {
	if count != 0 && c.now(c.l.lie.truncate) {
		count = 2
	}
	n := 0
	return c.Client.Scan(from, count, func(key, val []byte) error {
		if n++; n == 3 && c.now(c.l.lie.scan) {
			val = spoil(val)
		}
		return visit(key, val)
	})
}

func TestEveryRowFindsALyingEngine(t *testing.T) {
	found := map[string]bool{}
	for name, tt := range map[string]struct {
		row  string
		lie  lie
		want string // in the error
	}{
		"lost put in order":      {"fillseq", lie{put: true, every: 100}, "final scan"},
		"lost batch":             {"fillbatch", lie{load: true, every: 2}, "final scan"},
		"lost put":               {"fillrandom", lie{put: true, every: 100}, "final scan"},
		"lost overwrite":         {"overwrite", lie{overwrite: true, every: 100}, "version"},
		"lost put, read":         {"readrandom", lie{put: true, every: 100}, "not found"},
		"spoilt get":             {"readrandom", lie{get: true, every: 100}, "wrong value"},
		"spoilt in a cache":      {"readrandom-smallcache", lie{get: true, every: 100}, "wrong value"},
		"phantom":                {"readmissing", lie{phantom: true, every: 100}, "never written"},
		"lost put, sought":       {"seekrandom", lie{put: true, every: 100}, "is next"},
		"scan ends early":        {"seekrandom", lie{truncate: true, every: 100}, "entries, not"},
		"spoilt scan":            {"readseq", lie{scan: true}, "wrong value"},
		"lost deletion":          {"deleterandom", lie{del: true, every: 100}, "final scan"},
		"lost deletion, sought":  {"seekrandom-deleted", lie{del: true, every: 100}, "is next"},
		"lost deletion, scanned": {"readseq-deleted", lie{del: true, every: 100}, "is next"},
		"later scan ends early":  {"readseq-deleted", lie{truncate: true, every: 2}, "entries of"},
		"lost synced put":        {"fillsync-1", lie{put: true, every: 100}, "final scan"},
		"lost of eight":          {"fillsync-8", lie{put: true, every: 100}, "final scan"},
		"lost of many":           {"fillsync-64", lie{put: true, every: 100}, "final scan"},
		"lost before the crash":  {"openlog", lie{put: true, every: 100}, "openlog-fill: final scan"},
		"spoilt behind it":       {"openlog", lie{get: true, every: 3}, "wrong value"},
		"lost in the stream":     {"tail", lie{put: true, every: 100}, "final scan"},
		"stale in the stream":    {"tail", lie{overwrite: true, every: 100}, "version"},
		"lost in a load":         {"big-load", lie{put: true, every: 100}, "final scan"},
		"spoilt in C":            {"big-C", lie{get: true, every: 100}, "wrong value"},
		"spoilt in A":            {"big-A", lie{get: true, every: 100}, "wrong value"},
		"spoilt in E":            {"big-E", lie{scan: true, every: 100}, "wrong value"},
	} {
		found[tt.row] = true
		t.Run(name, func(t *testing.T) {
			h, calls := newHouse(t, mapengine.Open), new(atomic.Int64)
			h.wrap = func(e engine.Engine) engine.Engine { return &liar{e, tt.lie, calls} }
			c := small(h)
			c.Rows = []string{tt.row}
			if _, err := Run(t.Context(), c); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("%v, want one of %q", err, tt.want)
			}
		})
	}
	for _, name := range Names() {
		if !found[name] {
			t.Errorf("nobody lies to %s", name)
		}
	}
}

// forgetter loses a record when it is opened again, or never syncs.
type forgetter struct {
	engine.Engine
	deaf bool
}

func (f forgetter) Sync() error {
	if f.deaf {
		return nil
	}
	return f.Engine.(engine.Syncer).Sync()
}

func TestRowsFindWhatReopeningLost(t *testing.T) {
	for name, tt := range map[string]struct {
		row  string
		deaf bool
	}{
		"a sync that does nothing": {"openlog", true},
		"a crash":                  {"openlog", false},
		"a clean end":              {"readrandom-smallcache", false},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, mapengine.Open)
			h.wrap = func(e engine.Engine) engine.Engine {
				if q := h.requests[len(h.requests)-1]; q.Dir != "" && !tt.deaf {
					loseOne(t, e)
				}
				return forgetter{e, tt.deaf}
			}
			c := small(h)
			c.Rows = []string{tt.row}
			_, err := Run(t.Context(), c)
			if err == nil {
				t.Fatal("it was believed")
			}
			t.Log(err)
		})
	}
}

func loseOne(t *testing.T, e engine.Engine) {
	c, err := e.NewClient()
	if err == nil {
		err = c.Delete(appendKey(nil, 5))
	}
	if err != nil {
		t.Error(err)
	}
}

// sick is an engine whose own check finds something.
type sick struct{ engine.Engine }

var errSick = errors.New("sick")

func (sick) Check(context.Context) error { return errSick }

func TestTheEnginesOwnCheckCounts(t *testing.T) {
	h := newHouse(t, mapengine.Open)
	h.wrap = func(e engine.Engine) engine.Engine { return sick{e} }
	c := small(h)
	for _, name := range []string{"fillseq", "readrandom", "tail", "big-load"} {
		c.Rows = []string{name}
		if _, err := Run(t.Context(), c); !errors.Is(err, errSick) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAFewRecordsForManyWorkers(t *testing.T) {
	c := small(newHouse(t, mapengine.Open))
	c.Records, c.Threads, c.LogBytes, c.BigRecords, c.Operations = 2, 8, 1, 1, 100
	if _, err := Run(t.Context(), c); err != nil {
		t.Fatal(err)
	}
}

func TestClassesShareOutAllRecords(t *testing.T) {
	random, seen := workload.NewRandom(1, 1), map[uint64]uint64{}
	for i := range uint64(3) {
		c := class{first: i, step: 3, size: 8}
		for range 200 {
			n := c.choose(random)
			if owner, ok := seen[n]; ok && owner != i || n >= 8 {
				t.Fatalf("record %d is class %d's and %d's", n, owner, i)
			}
			seen[n] = i
		}
	}
	if len(seen) != 8 {
		t.Errorf("chosen: %v", seen)
	}
}
