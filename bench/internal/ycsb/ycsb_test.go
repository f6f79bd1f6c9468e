package ycsb

import (
	"bytes"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/varvekv/varve/bench/internal/driver"
	"github.com/varvekv/varve/bench/internal/engine"
	"github.com/varvekv/varve/bench/internal/mapengine"
	"github.com/varvekv/varve/bench/internal/measure"
	"github.com/varvekv/varve/bench/internal/report"
	"github.com/varvekv/varve/bench/internal/session"
	"github.com/varvekv/varve/bench/internal/value"
	"github.com/varvekv/varve/bench/internal/workload"
)

func newSession(t testing.TB, wrap func(engine.Engine) engine.Engine) *session.Session {
	t.Helper()
	e, err := mapengine.Open(engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if wrap != nil {
		e = wrap(e)
	}
	return &session.Session{Engine: e, Dir: t.TempDir(), Clock: measure.NewClock()}
}

func small() Config {
	return Config{Records: 2000, Operations: 4000, Threads: 3, ValueBytes: 100, Seed: 1, Mixes: workload.Core()}
}

func TestRunOnAMap(t *testing.T) {
	phases, notes, err := Run(t.Context(), newSession(t, nil), small())
	if err != nil {
		t.Fatal(err)
	}
	names, kinds := "", map[string]string{}
	for _, p := range phases {
		names += p.Name + " "
		for _, k := range p.Kinds {
			kinds[p.Name] += k.Name + " "
		}
		wantUnits := int64(4000)
		if p.Name == "load" {
			wantUnits = 2000
		}
		if p.Units != wantUnits || p.LiveBytes < 2000*120 {
			t.Errorf("%s: %d units, %d live bytes", p.Name, p.Units, p.LiveBytes)
		}
		if writes := p.Name != "C"; writes != (p.UserBytes > 0) || writes && p.WriteAmplification() != 1 {
			t.Errorf("%s: %d bytes written, amplified %v", p.Name, p.UserBytes, p.WriteAmplification())
		}
	}
	if names != "load A B C F D E " {
		t.Errorf("phases %s", names)
	}
	for name, want := range map[string]string{
		"load": "insert ", "A": "read update ", "B": "read update ", "C": "read ",
		"D": "read insert ", "E": "insert scan ", "F": "read read-modify-write ",
	} {
		if kinds[name] != want {
			t.Errorf("%s: operations %q, want %q", name, kinds[name], want)
		}
	}
	if len(notes) != 1 || !strings.Contains(notes[0], "verified") {
		t.Errorf("notes %q", notes)
	}
}

// Every distribution, order of keys and of scan lengths, each verified.
func TestOtherDistributionsAndOrders(t *testing.T) {
	mix := workload.Core()[5] // scans and inserts
	mix.Shares[workload.Scan], mix.Shares[workload.Read] = 0.5, 0.45
	mix.MinScan, mix.MaxScan, mix.ScanLengths = 2, 30, workload.ZipfianLengths
	c := small()
	c.Mixes = nil
	for d := workload.ScrambledZipf; d <= workload.Sequential; d++ {
		mix.Name, mix.Distribution = d.String(), d
		c.Mixes = append(c.Mixes, mix)
	}
	for _, keys := range []workload.Keys{{}, {Ordered: true}, {Ordered: true, Digits: 12}, {Digits: 30}} {
		c.Keys = keys
		phases, _, err := Run(t.Context(), newSession(t, nil), c)
		if err != nil {
			t.Fatalf("%+v: %v", keys, err)
		}
		if len(phases) != 7 || phases[6].Name != "sequential" || phases[6].Units != 4000 {
			t.Errorf("%+v: %d phases", keys, len(phases))
		}
	}
}

func TestLoadEndsByItsTime(t *testing.T) {
	c := small()
	c.Records, c.LoadDuration, c.Mixes = 1<<40, 20*time.Millisecond, workload.Core()[:1]
	phases, notes, err := Run(t.Context(), newSession(t, nil), c)
	if err != nil {
		t.Fatal(err)
	}
	if !phases[0].TimedOut || phases[1].Units != 4000 || len(notes) != 2 {
		t.Errorf("load %+v, notes %q", phases[0], notes)
	}
}

func TestUnusableConfigurations(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"records":    func(c *Config) { c.Records = 0 },
		"threads":    func(c *Config) { c.Threads = 0 },
		"value size": func(c *Config) { c.ValueBytes = value.MinBytes - 1 },
		"unlimited":  func(c *Config) { c.Operations = 0 },
	} {
		c := small()
		change(&c)
		if _, _, err := Run(t.Context(), newSession(t, nil), c); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// liar is an engine whose clients lie in one way, from some call on.
type liar struct {
	engine.Engine
	calls atomic.Int64
	from  int64
	lie   lie
}

type lie struct {
	get  func([]byte, error) ([]byte, error)
	put  func() (lost bool)
	scan func(count int) int                   // how many entries are really read
	skip func(visited int) bool                // entries left out
	turn func(key, value []byte) (k, v []byte) // entries changed
}

func (l *liar) NewClient() (engine.Client, error) {
	c, err := l.Engine.NewClient()
	return &lyingClient{c, l}, err
}

type lyingClient struct {
	engine.Client
	l *liar
}

func (c *lyingClient) lying() bool { return c.l.calls.Add(1) > c.l.from }

func (c *lyingClient) Get(dst, key []byte) ([]byte, error) {
	v, err := c.Client.Get(dst, key)
	if c.l.lie.get != nil && c.lying() {
		return c.l.lie.get(v, err)
	}
	return v, err
}

func (c *lyingClient) Put(key, val []byte) error {
	if c.l.lie.put != nil && c.lying() && c.l.lie.put() {
		return nil
	}
	return c.Client.Put(key, val)
}

func (c *lyingClient) Scan(from []byte, count int, visit engine.Visit) (int, error) {
	lie := c.l.lie
	if !c.lying() {
		return c.Client.Scan(from, count, visit)
	}
	if lie.scan != nil {
		count = lie.scan(count)
	}
	at := 0
	return c.Client.Scan(from, count, func(key, val []byte) error {
		at++
		if lie.skip != nil && lie.skip(at) {
			return nil
		}
		if lie.turn != nil {
			key, val = lie.turn(bytes.Clone(key), bytes.Clone(val))
		}
		return visit(key, val)
	})
}

func TestLiesAreFound(t *testing.T) {
	only := func(names string) []workload.Mix {
		var picked []workload.Mix
		for _, m := range workload.Core() {
			if strings.Contains(names, m.Name) {
				picked = append(picked, m)
			}
		}
		return picked
	}
	tests := map[string]struct {
		mixes string
		from  int64
		lie   lie
		want  error // nil = any
	}{
		"a flipped bit":   {"C", 500, lie{get: func(v []byte, err error) ([]byte, error) { v[50] ^= 1; return v, err }}, value.ErrWrong},
		"a short value":   {"B", 500, lie{get: func(v []byte, err error) ([]byte, error) { return v[:len(v)-1], err }}, value.ErrWrong},
		"an empty value":  {"F", 500, lie{get: func(v []byte, err error) ([]byte, error) { return v[:0], err }}, value.ErrWrong},
		"another's value": {"A", 500, lie{get: func([]byte, error) ([]byte, error) { return value.Append(nil, 1<<40, 1, 100), nil }}, value.ErrWrong},
		"not found":       {"D", 500, lie{get: func(v []byte, _ error) ([]byte, error) { return v, engine.ErrNotFound }}, engine.ErrNotFound},
		"a lost load":     {"", 1999, lie{put: func() bool { return true }}, nil},
		"lost inserts":    {"D", 2100, lie{put: func() bool { return true }}, nil},
		"a short scan":    {"E", 10, lie{scan: func(n int) int { return max(0, n-1) }}, nil},
		"an empty scan":   {"E", 10, lie{scan: func(int) int { return 0 }}, nil},
		"an endless scan": {"E", 10, lie{scan: func(n int) int { return n + 1 }}, nil},
		"a skipped first": {"E", 10, lie{skip: func(at int) bool { return at == 1 }}, nil},
		"a wrong key":     {"E", 10, lie{turn: func(k, v []byte) ([]byte, []byte) { k[len(k)-1] ^= 1; return k, v }}, value.ErrWrong},
		"a wrong value":   {"E", 10, lie{turn: func(k, v []byte) ([]byte, []byte) { v[99] ^= 4; return k, v }}, value.ErrWrong},
		"a final gap":     {"", 2000, lie{put: func() bool { return false }, scan: func(int) int { return 1999 }}, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := small()
			c.Mixes = only(tt.mixes)
			s := newSession(t, func(e engine.Engine) engine.Engine { return &liar{Engine: e, from: tt.from, lie: tt.lie} })
			_, _, err := Run(t.Context(), s, c)
			if err == nil {
				t.Fatal("the lie was believed")
			}
			if tt.want != nil && !errors.Is(err, tt.want) {
				t.Fatalf("%v, want %v", err, tt.want)
			}
			t.Log(err)
		})
	}
}

// null is an engine that costs nothing, to see what the harness does: all reads
// find the one value of the one record.
type null struct {
	engine.Engine
	key, val []byte
}

func (n *null) NewClient() (engine.Client, error)           { return n, nil }
func (n *null) Close() error                                { return nil }
func (n *null) Get(dst, key []byte) ([]byte, error)         { return append(dst, n.val...), nil }
func (n *null) Put(key, val []byte) error                   { return nil }
func (n *null) Delete(key []byte) error                     { return nil }
func (n *null) Load(keys, values [][]byte) error            { return nil }
func (n *null) Scan([]byte, int, engine.Visit) (int, error) { return 0, nil }

// BenchmarkHarness is the cost of an operation that is not the engine's: clock,
// generators, values made and verified (a copy of the value is in it too).
func BenchmarkHarness(b *testing.B) {
	for _, name := range []string{"A", "C", "F"} {
		for _, size := range []int{100, 1000} {
			b.Run(name+"/"+report.Bytes(int64(size)), func(b *testing.B) { benchmarkHarness(b, name, size) })
		}
	}
}

func benchmarkHarness(b *testing.B, name string, size int) {
	var m workload.Mix
	for _, m = range workload.Core() {
		if m.Name == name {
			break
		}
	}
	n := &null{val: value.Append(nil, 0, value.Loaded, size)}
	d := driver.Driver{Engine: n, Clock: measure.NewClock()}
	sources := []*workload.Random{workload.NewRandom(1, 0)}
	sequence := workload.NewSequence(1)
	w := &client{
		mix: &m, random: sources[0], sequence: sequence, valueBytes: size,
		chooser: m.NewChoosers(sequence, 0, sources)[0],
	}
	n.Engine = n
	b.ReportAllocs()
	b.ResetTimer()
	p := driver.Phase{Name: name, Kinds: workload.KindNames(), Workers: []driver.Worker{w}, Operations: int64(b.N)}
	if _, err := d.Run(b.Context(), p); err != nil {
		b.Fatal(err)
	}
}
