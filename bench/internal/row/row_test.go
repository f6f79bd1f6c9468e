package row

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/varvekv/varve/bench/internal/engine"
	"github.com/varvekv/varve/bench/internal/mapengine"
	"github.com/varvekv/varve/bench/internal/measure"
	"github.com/varvekv/varve/bench/internal/session"
)

func small(t testing.TB, wrap func(engine.Engine) engine.Engine) (c Config, durabilities *[]engine.Durability) {
	durabilities = new([]engine.Durability)
	live := 0
	t.Cleanup(func() {
		if live != 0 {
			t.Errorf("%d databases were not discarded", live)
		}
	})
	return Config{
		Records: 2005, Operations: 3000, Threads: 3, ValueBytes: 100, Seed: 1, Duration: time.Minute,
		Durability: engine.Buffered, Rows: Names(),
		Open: func(q Request) (*session.Session, func(error) error, error) {
			*durabilities = append(*durabilities, q.Durability)
			e, err := mapengine.Open(engine.Options{})
			if wrap != nil {
				e = wrap(e)
			}
			live++
			discard := func(error) error { live--; return e.Close() }
			return &session.Session{Engine: e, Dir: t.TempDir(), Clock: measure.NewClock()}, discard, err
		},
	}, durabilities
}

func TestAllRowsOnAMap(t *testing.T) {
	c, durabilities := small(t, nil)
	phases, err := Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	units := map[string]int64{}
	for _, p := range phases {
		names = append(names, p.Name)
		units[p.Name] = p.Units
	}
	if got, want := strings.Join(names, " "), strings.Join(Names(), " "); got != want {
		t.Errorf("phases %s\nwant %s", got, want)
	}
	for name, want := range map[string]int64{
		"fillseq": 2005, "fillbatch": 2005, "fillrandom": 2005, "overwrite": 6015, "readrandom": 3000,
		"readmissing": 3000, "readseq": 4010, "deleterandom": 1002, "readseq-deleted": 3009, "fillsync-64": 2005,
	} {
		if units[name] != want {
			t.Errorf("%s: %d units, want %d", name, units[name], want)
		}
	}
	synced := 0
	for _, d := range *durabilities {
		if d == engine.Synced {
			synced++
		}
	}
	if synced != 3 {
		t.Errorf("%d databases were opened synced, want the three of fillsync", synced)
	}
}

func TestReadingRowsFillFirst(t *testing.T) {
	c, _ := small(t, nil)
	c.Rows = []string{"readseq-deleted", "readrandom"} // the second needs a full one again
	phases, err := Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, p := range phases {
		names = append(names, p.Name)
	}
	want := "fillrandom deleterandom readseq-deleted fillrandom readrandom"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("phases %s, want %s", got, want)
	}
}

func TestUnknownRow(t *testing.T) {
	c, _ := small(t, nil)
	c.Rows = []string{"readrandom", "fillsideways"}
	if _, err := Run(t.Context(), c); err == nil || !strings.Contains(err.Error(), "fillsideways") {
		t.Fatal(err)
	}
}

// forgetful loses every hundredth write or deletion, or finds what is not there.
type forgetful struct {
	engine.Engine
	put, del, get, scan bool
}

func (f *forgetful) NewClient() (engine.Client, error) {
	c, err := f.Engine.NewClient()
	return &forgetfulClient{c, f, 0}, err
}

type forgetfulClient struct {
	engine.Client
	f *forgetful
	n int
}

func (c *forgetfulClient) now(on bool) bool {
	c.n++
	return on && c.n%100 == 0
}

func (c *forgetfulClient) Put(key, val []byte) error {
	if c.now(c.f.put) {
		return nil
	}
	return c.Client.Put(key, val)
}

func (c *forgetfulClient) Delete(key []byte) error {
	if c.now(c.f.del) {
		return nil
	}
	return c.Client.Delete(key)
}

func (c *forgetfulClient) Get(dst, key []byte) ([]byte, error) {
	v, err := c.Client.Get(dst, key)
	if c.now(c.f.get) && errors.Is(err, engine.ErrNotFound) {
		return append(dst, "phantom"...), nil
	}
	return v, err
}

func (c *forgetfulClient) Scan(from []byte, count int, visit engine.Visit) (int, error) {
	n := 0
	return c.Client.Scan(from, count, func(key, val []byte) error {
		if n++; c.f.scan && n == 3 {
			val = append(bytes.Clone(val[:len(val)-1]), ^val[len(val)-1])
		}
		return visit(key, val)
	})
}

func TestRowsFindForgetfulEngines(t *testing.T) {
	for name, tt := range map[string]struct {
		row string
		f   forgetful
	}{
		"lost put, scanned": {"fillseq", forgetful{put: true}},
		"lost synced put":   {"fillsync-8", forgetful{put: true}},
		"lost put, read":    {"readrandom", forgetful{put: true}},
		"lost put, sought":  {"seekrandom", forgetful{put: true}},
		"lost deletion":     {"seekrandom-deleted", forgetful{del: true}},
		"lost deletion too": {"readseq-deleted", forgetful{del: true}},
		"phantom":           {"readmissing", forgetful{get: true}},
		"corrupt scan":      {"readseq", forgetful{scan: true}},
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := small(t, func(e engine.Engine) engine.Engine { tt.f.Engine = e; return &tt.f })
			c.Rows = []string{tt.row}
			_, err := Run(t.Context(), c)
			if err == nil {
				t.Fatal("it was believed")
			}
			t.Log(err)
		})
	}
}

func TestModelFindsTheNext(t *testing.T) {
	m := newModel(300)
	for _, n := range []uint64{0, 63, 64, 200, 299} {
		m.add(n)
		m.add(n)
	}
	m.remove(64)
	m.remove(65)
	if m.count != 4 {
		t.Fatalf("count %d", m.count)
	}
	for from, want := range map[uint64]uint64{0: 0, 1: 63, 63: 63, 64: 200, 201: 299, 299: 299} {
		if n, ok := m.next(from); !ok || n != want {
			t.Errorf("next(%d) = %d, %v, want %d", from, n, ok, want)
		}
	}
	if _, ok := m.next(300); ok {
		t.Error("something behind the end")
	}
}

func TestKeysAscendWithRecords(t *testing.T) {
	if k := string(appendKey([]byte("x"), 42)); k != "x0000000000000042" {
		t.Fatal(k)
	}
	if k := appendKey(nil, 1e16-1); string(k) != "9999999999999999" {
		t.Fatalf("%s", k)
	}
}
