package compaction

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/varvekv/varve/internal/corruption"
	"github.com/varvekv/varve/internal/ikey"
	"github.com/varvekv/varve/iterator"
	"github.com/varvekv/varve/manifest"
)

func TestRunMergesNewestFirst(t *testing.T) {
	d := newDisk()
	newer := d.put(0, 9, sorted([]iterator.Entry{put("a", 20, "new"), del("b", 21), del("c", 22), put("d", 23, "")}))
	base := d.put(5, 1, sorted([]iterator.Entry{put("a", 3, "old"), put("b", 4, "old"), put("e", 5, "")}))
	below := d.put(6, 1, sorted([]iterator.Entry{put("c", 1, ""), put("d", 0, "")}))
	p := merging(5, []*manifest.Slice{newer, base}, []*manifest.Slice{below})
	res := mustRun(t, p, d.env(Readers{Horizon: 30}))
	if got, want := d.list(res.Edit.Added), "a#0 c#22x d#23 e#0"; got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
	if res.In.Entries != 7 || res.Out.Entries != 4 || res.Dropped.Entries != 3 || res.Zeroed.Entries != 2 {
		t.Fatalf("figures: %+v", res)
	}
	s := res.Edit.Added[0]
	if s.Level != 5 || s.Run != 1 || fmt.Sprint(res.Edit.Removed) != "[1 2]" {
		t.Fatalf("edit: %+v, %v", s, res.Edit.Removed)
	}
	d.rest(t, 4)
}

func TestRunKeepsSnapshotsAndSequencesInLevelZero(t *testing.T) {
	d := newDisk()
	newer := d.put(0, 9, sorted([]iterator.Entry{put("a", 20, ""), put("a", 15, ""), del("b", 21), put("c", 22, "")}))
	older := d.put(0, 8, sorted([]iterator.Entry{put("a", 3, ""), put("a", 2, ""), put("b", 4, "")}))
	env := d.env(Readers{Snapshots: []uint64{3, 17}, Horizon: 30})
	p := merging(6, []*manifest.Slice{newer, older})
	if got, want := d.list(mustRun(t, p, env).Edit.Added), "a#20 a#15 a#0 b#21x b#4 c#22"; got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
	p = merging(0, []*manifest.Slice{newer, older})
	if got, want := d.list(mustRun(t, p, env).Edit.Added), "a#20 a#15 a#3 b#21x b#4 c#22"; got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
}

func TestRunNeverSplitsAUserKey(t *testing.T) {
	d := newDisk()
	var es []iterator.Entry
	for i := range 50 {
		for v := range uint64(1 + i%9) {
			es = append(es, put(fmt.Sprintf("k%02d", i), 100-v, strings.Repeat("v", 20)))
		}
	}
	in := d.put(0, 9, es)
	env := d.env(Readers{}) // keeps all
	env.TableBytes = 100
	res := mustRun(t, merging(6, []*manifest.Slice{in}), env)
	if n := len(res.Edit.Added); n < 20 || n > 50 || res.Out.Entries != in.Entries {
		t.Fatalf("%d tables, %d entries", n, res.Out.Entries)
	}
	v, err := new(manifest.Version).Apply(&manifest.Edit{Added: res.Edit.Added})
	if err != nil || v.Check() != nil {
		t.Fatalf("the outputs make no run: %v", err)
	}
}

func TestRunCutsWhereGrandparentsPileUp(t *testing.T) {
	d := newDisk()
	var es []iterator.Entry
	var parents []*manifest.Slice
	for i := range 100 {
		k := fmt.Sprintf("k%02d", i)
		es = append(es, put(k, 9, ""))
		parents = append(parents, &manifest.Slice{ID: uint64(1000 + i), Lower: []byte(k), Upper: []byte(k), FileBytes: 5000})
	}
	p := merging(5, []*manifest.Slice{d.put(4, 1, es)}, parents)
	p.Grandparents = parents
	env := d.env(Readers{Horizon: 9})
	env.TableBytes = 10000
	if n := len(mustRun(t, p, env).Edit.Added); n != 5 {
		t.Fatalf("%d tables", n)
	}
}

func TestRunInPartsIsTheSameAsInOne(t *testing.T) {
	for _, parallel := range []int{1, 2, 3, 8} {
		d := newDisk()
		var inputs []*manifest.Slice
		for run := 4; run > 0; run-- {
			for piece := range 8 {
				var es []iterator.Entry
				for i := range 50 {
					es = append(es, put(fmt.Sprintf("k%04d", piece*100+i*2), uint64(run*1000+i), "value"))
				}
				inputs = append(inputs, d.put(0, uint64(run), es))
			}
		}
		env := d.env(Readers{Snapshots: []uint64{2500}, Horizon: 9000})
		env.TableBytes, env.Parallel = 1500, parallel
		res := mustRun(t, merging(6, inputs), env)
		if res.Out.Entries != 800 || res.Dropped.Entries != 800 || res.Zeroed.Entries != 400 {
			t.Fatalf("parallel %d: %+v", parallel, res)
		}
		if cuts := cutRange(inputs, 1500, parallel); len(cuts) != parallel-1 {
			t.Fatalf("%d cuts for %d parts", len(cuts), parallel)
		}
		d.rest(t, len(inputs)+len(res.Edit.Added))
	}
}

func TestMoveRewritesNothing(t *testing.T) {
	s := &manifest.Slice{ID: 7, File: 3, Level: 0, Run: 9, FileBytes: 5, Lower: []byte("a"), Upper: []byte("b")}
	p := merging(6, []*manifest.Slice{s})
	p.Move = true
	res := mustRun(t, p, nil)
	m := res.Edit.Added[0]
	if len(res.Edit.Added) != 1 || m.ID != 7 || m.File != 3 || m.Level != 6 || m.Run != 1 || s.Level != 0 || res.Edit.Removed[0] != 7 {
		t.Fatalf("moved to %+v", m)
	}
}

// threeTables is a plan with work for many outputs.
func threeTables(d *disk) (*Plan, *Env) {
	var inputs []*manifest.Slice
	for run := uint64(3); run > 0; run-- {
		var es []iterator.Entry
		for i := range uint64(300) {
			es = append(es, put(fmt.Sprintf("k%03d", i), run*1000+i, "some value"))
		}
		inputs = append(inputs, d.put(0, run, es))
	}
	env := d.env(Readers{Horizon: 9000})
	env.TableBytes = 500
	return merging(6, inputs), env
}

func TestFailuresLeaveNothingBehind(t *testing.T) {
	for name, set := range map[string]func(d *disk, env *Env){
		"open": func(d *disk, _ *Env) {
			d.onOpen = func(s *manifest.Slice, c iterator.Cursor) (iterator.Cursor, error) {
				if s.Run == 2 {
					return nil, errTest
				}
				return c, nil
			}
		},
		"read": func(d *disk, _ *Env) {
			d.onOpen = func(s *manifest.Slice, c iterator.Cursor) (iterator.Cursor, error) {
				if s.Run == 1 {
					c.(*iterator.Slice).FailAt(250, errTest)
				}
				return c, nil
			}
		},
		"create": func(d *disk, _ *Env) {
			n := 0
			d.onCreate = func() error {
				if n++; n == 4 {
					return errTest
				}
				return nil
			}
		},
		"add": func(d *disk, _ *Env) {
			d.onAdd = func(o *fakeOutput) error {
				if o.file == 8 && len(o.es) == 3 {
					return errTest
				}
				return nil
			}
		},
		"finish": func(d *disk, _ *Env) {
			d.onFinish = func(s *manifest.Slice) error {
				if s.File == 8 {
					return errTest
				}
				return nil
			}
		},
		"sync": func(_ *disk, env *Env) { env.SyncDir = func() error { return errTest } },
	} {
		d := newDisk()
		p, env := threeTables(d)
		env.Parallel = 2
		set(d, env)
		if res, err := Run(context.Background(), p, env); !errors.Is(err, errTest) || res != nil {
			t.Fatalf("%s: %v", name, err)
		}
		d.rest(t, 3)
	}
}

func TestCancelledWorkStopsAndLeavesNothingBehind(t *testing.T) {
	d := newDisk()
	p, env := threeTables(d)
	ctx, cancel := context.WithCancel(context.Background())
	yields := 0
	env.Yield = func() time.Duration {
		if yields++; yields == 2 {
			cancel()
		}
		return 0
	}
	if _, err := Run(ctx, p, env); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if yields != 2 {
		t.Fatalf("%d yields", yields)
	}
	d.rest(t, 3)
}

// TestWorkThatWasKeptAwayGoesOnForLonger: beside callers that never wait, it gets
// its share of the time all the same, and never a stretch that they would notice.
func TestWorkThatWasKeptAwayGoesOnForLonger(t *testing.T) {
	for away, want := range map[time.Duration]int{
		0:                             yieldWork,
		awayShare * time.Microsecond:  yieldWork,
		2 * awayShare * yieldWorkTime: 2 * yieldWork,
		time.Second:                   stretchMax * yieldWork,
		time.Hour:                     stretchMax * yieldWork,
	} {
		r := newRewriter(t.Context(), &Env{Yield: func() time.Duration { return away }}, nil, "test")
		r.work = 7
		if err := r.pause(); err != nil || r.work != 0 || r.stretch != want {
			t.Errorf("away for %v: %d, then %d of work, want %d (%v)", away, r.work, r.stretch, want, err)
		}
	}
}

// lossy is a cursor that swallows a read error: it ends early.
type lossy struct {
	iterator.Cursor
	left int
}

func (l *lossy) Next() bool {
	if l.left--; l.left <= 0 {
		l.Cursor.Last()
		return l.Cursor.Next()
	}
	return l.Cursor.Next()
}

// bent is a cursor whose values are wrong once.
type bent struct {
	iterator.Cursor
	at string
}

func (b *bent) Value() []byte {
	if string(b.Cursor.Key().User) == b.at {
		return []byte("bit rot")
	}
	return b.Cursor.Value()
}

func TestConservationFindsLostAndChangedEntries(t *testing.T) {
	for name, wrap := range map[string]func(iterator.Cursor) iterator.Cursor{
		"lost":    func(c iterator.Cursor) iterator.Cursor { return &lossy{c, 100} },
		"changed": func(c iterator.Cursor) iterator.Cursor { return &bent{c, "k123"} },
	} {
		d := newDisk()
		p, env := threeTables(d)
		d.onOpen = func(s *manifest.Slice, c iterator.Cursor) (iterator.Cursor, error) {
			if s.Run == 3 {
				return wrap(c), nil
			}
			return c, nil
		}
		_, err := Run(context.Background(), p, env)
		var damage *corruption.Error
		if !errors.As(err, &damage) || damage.File != "000001.sst" {
			t.Fatalf("%s: %v", name, err)
		}
		d.rest(t, 3)
	}
}

func TestConservationFindsWhatOutputsLose(t *testing.T) {
	for name, harm := range map[string]func(s *manifest.Slice){
		"sum":     func(s *manifest.Slice) { s.EntrySum++ },
		"entries": func(s *manifest.Slice) { s.Entries-- },
	} {
		d := newDisk()
		p, env := threeTables(d)
		d.onFinish = func(s *manifest.Slice) error {
			if s.File == 8 {
				harm(s)
			}
			return nil
		}
		if _, err := Run(context.Background(), p, env); !errors.Is(err, corruption.Err) {
			t.Fatalf("%s: %v", name, err)
		}
		d.rest(t, 3)
	}
}

func TestUnknownOperationsAreNotDropped(t *testing.T) {
	d := newDisk()
	odd := iterator.Entry{Key: ikey.Make([]byte("k"), 5, ikey.Kind(9))}
	p := merging(6, []*manifest.Slice{d.put(0, 9, []iterator.Entry{put("k", 7, ""), odd})})
	if _, err := Run(context.Background(), p, d.env(Readers{Horizon: 9})); err == nil {
		t.Fatal("no error")
	}
	d.rest(t, 1)
}

func TestFlushKeepsTombstonesAndWhatReadersNeed(t *testing.T) {
	d := newDisk()
	es := sorted([]iterator.Entry{put("a", 9, "1"), put("a", 8, "2"), put("a", 3, "3"), del("b", 7), put("b", 6, ""), put("c", 5, "")})
	env := d.env(Readers{Snapshots: []uint64{4}, Horizon: 9})
	m := Memtable{Run: 12, Want: sumOf(es), TimeMin: 5, TimeMax: 6}
	res, err := Flush(context.Background(), iterator.NewSlice(es), m, env)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := d.list(res.Edit.Added), "a#9 a#3 b#7x c#5"; got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
	if s := res.Edit.Added[0]; s.Level != 0 || s.Run != 12 || s.TimeMin != 5 || s.TimeMax != 6 {
		t.Fatalf("slice %+v", s)
	}
	m.Want.Hash++
	if _, err = Flush(context.Background(), iterator.NewSlice(es), m, env); !errors.Is(err, corruption.Err) {
		t.Fatalf("a wrong sum: %v", err)
	}
	d.rest(t, 1)
	if res, err = Flush(context.Background(), iterator.NewSlice(nil), Memtable{}, env); err != nil || !res.Edit.Empty() {
		t.Fatalf("an empty memtable: %v", err)
	}
}
