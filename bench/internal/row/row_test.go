package row

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/varvekv/varve/bench/internal/engine"
	"github.com/varvekv/varve/bench/internal/mapengine"
	"github.com/varvekv/varve/bench/internal/measure"
	"github.com/varvekv/varve/bench/internal/report"
	"github.com/varvekv/varve/bench/internal/session"
	"github.com/varvekv/varve/bench/internal/varveengine"
)

// house opens databases below a directory of the test, at whose end none may be
// open, and no file may be left.
type house struct {
	dir      string
	open     engine.Opener
	wrap     func(engine.Engine) engine.Engine // nil: as they are
	requests []Request
	live     int
}

func newHouse(t testing.TB, open engine.Opener) *house {
	h := &house{dir: t.TempDir(), open: open}
	t.Cleanup(func() {
		if h.live != 0 {
			t.Errorf("%d databases are open", h.live)
		}
		if left, err := filepath.Glob(filepath.Join(h.dir, "*")); err != nil || len(left) > 0 {
			t.Errorf("left: %v, %v", left, err)
		}
	})
	return h
}

func (h *house) openSession(q Request) (*session.Session, func(error) error, error) {
	h.requests = append(h.requests, q)
	dir := q.Dir
	if dir == "" {
		dir = filepath.Join(h.dir, fmt.Sprint("db-", len(h.requests)))
	}
	e, err := h.open(engine.Options{
		Dir: dir, Durability: q.Durability, CacheBytes: max(q.CacheBytes, 1<<20), MemtableBytes: max(q.MemtableBytes, 1<<20),
		Compression: engine.DefaultCompression,
	})
	if err != nil {
		return nil, nil, err
	}
	h.live++
	e = closing{e.(syncing), h}
	if h.wrap != nil {
		e = h.wrap(e)
	}
	discard := func(error) error {
		if err := e.Close(); err != nil {
			return err
		}
		return os.RemoveAll(dir)
	}
	return &session.Session{Engine: e, Dir: dir, Clock: measure.NewClock()}, discard, nil
}

type syncing interface {
	engine.Engine
	engine.Syncer
}

// closing counts.
type closing struct {
	syncing
	house *house
}

func (c closing) Close() error {
	c.house.live--
	return c.syncing.Close()
}

func small(h *house) Config {
	return Config{
		Records: 2005, Operations: 3000, Threads: 3, ValueBytes: 100, Seed: 1,
		Durability: engine.Buffered, Rows: Names(),
		LogBytes: 700 * 116, BigRecords: 1500, Open: h.openSession,
	}
}

func phaseNames(phases []report.Phase) string {
	var names []string
	for _, p := range phases {
		names = append(names, p.Name)
	}
	return strings.Join(names, " ")
}

func TestAllRowsOnAMap(t *testing.T) {
	h := newHouse(t, mapengine.Open)
	phases, err := Run(t.Context(), small(h))
	if err != nil {
		t.Fatal(err)
	}
	want := strings.ReplaceAll(strings.Join(Names(), " "), "openlog", "openlog-fill openlog")
	if got := phaseNames(phases); got != want {
		t.Errorf("phases %s\nwant %s", got, want)
	}
	units, read := map[string]int64{}, map[string]int64{}
	for _, p := range phases {
		units[p.Name], read[p.Name] = p.Units, p.ReadBytes
	}
	for name, want := range map[string]int64{
		"readrandom": 3000 * 116, "readmissing": 0, "readseq": 4010 * 116, "readseq-deleted": 3009 * 116, "tail": 0,
	} {
		if read[name] != want {
			t.Errorf("%s: %d bytes read, want %d", name, read[name], want)
		}
	}
	for name, want := range map[string]int64{
		"fillseq": 2005, "fillbatch": 2005, "fillrandom": 2005, "overwrite": 6015, "readrandom": 3000,
		"readrandom-smallcache": 3000, "readmissing": 3000, "readseq": 4010, "deleterandom": 1002,
		"readseq-deleted": 3009, "fillsync-64": 2005, "openlog-fill": 700, "openlog": 5 * 700, "tail": 3000,
		"big-load": 1500, "big-E": 3000,
	} {
		if units[name] != want {
			t.Errorf("%s: %d units, want %d", name, units[name], want)
		}
	}
	synced := 0
	for _, q := range h.requests {
		if q.Durability == engine.Synced {
			synced++
		}
	}
	if synced != 3 {
		t.Errorf("%d databases were opened synced, want the three of fillsync", synced)
	}
}

func TestReadingRowsFillFirst(t *testing.T) {
	c := small(newHouse(t, mapengine.Open))
	c.Rows = []string{"readseq-deleted", "readrandom"} // the second needs a full one again
	phases, err := Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	want := "fillrandom deleterandom readseq-deleted fillrandom readrandom"
	if got := phaseNames(phases); got != want {
		t.Errorf("phases %s, want %s", got, want)
	}
}

func TestSmallCacheIsForItsRowOnly(t *testing.T) {
	h := newHouse(t, mapengine.Open)
	c := small(h)
	c.Rows = []string{"readrandom-smallcache", "readrandom-smallcache", "deleterandom"}
	if _, err := Run(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if len(h.requests) != 3 {
		t.Fatalf("opened %d times: %+v", len(h.requests), h.requests)
	}
	for i, want := range []int64{0, 8 << 20, 0} {
		q := h.requests[i]
		if q.CacheBytes != want || q.Durability != engine.Buffered || (q.Dir == "") != (i == 0) {
			t.Errorf("opening %d: %+v", i, q)
		}
	}
}

func TestBigRowsShareALoad(t *testing.T) {
	c := small(newHouse(t, mapengine.Open))
	c.Rows = []string{"big-A", "big-load", "big-C", "fillseq", "big-E"}
	phases, err := Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	want := "big-load big-A big-C fillseq big-load big-E"
	if got := phaseNames(phases); got != want {
		t.Errorf("phases %s, want %s", got, want)
	}
}

// An engine that cannot be told to sync writes into its files at once.
func TestOpenlogWithoutSync(t *testing.T) {
	h := newHouse(t, mapengine.Open)
	h.wrap = func(e engine.Engine) engine.Engine { return struct{ engine.Engine }{e} }
	c := small(h)
	c.Rows = []string{"openlog"}
	if _, err := Run(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if q := h.requests[1]; len(h.requests) != 2+openings || q.Durability != engine.Written || q.MemtableBytes != 4*c.LogBytes {
		t.Errorf("opened with %+v", h.requests)
	}
}

// On varve the log holds everything that openlog writes, and the other rows that
// reopen find their files.
func TestReopeningRowsOnVarve(t *testing.T) {
	c := small(newHouse(t, varveengine.Open))
	c.LogBytes, c.Rows = 1<<20, []string{"openlog", "readrandom-smallcache", "tail"}
	phases, err := Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	fill, open := phases[0], phases[1]
	if fill.Traffic.TableBytes != 0 || fill.Traffic.LogBytes < c.LogBytes/2 {
		t.Errorf("openlog-fill wrote %+v", fill.Traffic)
	}
	if k := open.Kinds[0]; k.Name != "open" || k.Count != openings || k.P50 <= 0 || open.Throughput <= 0 {
		t.Errorf("openlog: %+v", open)
	}
}

func TestUnusableConfigurations(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"fillsideways": func(c *Config) { c.Rows = []string{"readrandom", "fillsideways"} },
		"records":      func(c *Config) { c.Records = 1 },
		"threads":      func(c *Config) { c.Threads = 0 },
		"value size":   func(c *Config) { c.BigValueBytes = 3 },
		"negative":     func(c *Config) { c.LogBytes = -1 },
		"unlimited":    func(c *Config) { c.Operations = 0 },
	} {
		c := small(newHouse(t, mapengine.Open))
		change(&c)
		if _, err := Run(t.Context(), c); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSelect(t *testing.T) {
	for patterns, want := range map[string]string{
		"sync":                      "fillsync-1 fillsync-8 fillsync-64",
		"big":                       "big-load big-C big-A big-E",
		"read*-smallcache,tail":     "readrandom-smallcache tail",
		"tail,openlog,life":         "tail openlog",
		"readseq,read[^r]*":         "readseq readmissing readseq-deleted",
		"readseq,overwrite,readseq": "readseq overwrite readseq",
	} {
		got, err := Select(strings.Split(patterns, ","))
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%s: %v, %v; want %s", patterns, got, err, want)
		}
	}
	all, err := Select([]string{"all"})
	if err != nil || !slices.Equal(all, Names()) {
		t.Errorf("all: %v, %v", all, err)
	}
	most, err := Select([]string{"default"})
	if err != nil || len(most) != len(all)-4 || slices.Contains(most, "big-C") {
		t.Errorf("default: %v, %v", most, err)
	}
	for _, p := range []string{"readsideways", "", "[", "fill**x"} {
		if got, err := Select([]string{p}); err == nil || !strings.Contains(err.Error(), "readmissing") || !strings.Contains(err.Error(), "life") {
			t.Errorf("%q: %v, %v", p, got, err)
		}
	}
}

// The README names every row, and no row that is not.
func TestReadmeNamesEveryRow(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range Names() {
		if !strings.Contains(string(text), "`"+name+"`") {
			t.Errorf("`%s` is not in it", name)
		}
	}
}
