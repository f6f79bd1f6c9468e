package compaction

import (
	"context"
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"testing"

	"github.com/varvekv/varve/internal/ikey"
	"github.com/varvekv/varve/iterator"
	"github.com/varvekv/varve/manifest"
)

// tree is a whole engine without log and files: it flushes, picks, runs and
// applies in random order, beside a model of what every reader must see.
type tree struct {
	t         *testing.T
	r         *rand.Rand
	d         *disk
	v         *manifest.Version
	shape     Shape
	seq       uint64
	history   []iterator.Entry // everything ever written
	snapshots []uint64         // ascending
	running   []*running
	reasons   map[Reason]int
	moves     int
	parallel  int
	levels    int // most levels seen in use
}

// running is a plan that was picked and not yet applied.
type running struct {
	plan *Plan
	env  *Env
	res  *Result
}

func newTree(t *testing.T, seed int64) *tree {
	return &tree{
		t: t, r: rand.New(rand.NewSource(seed)), d: newDisk(), v: new(manifest.Version),
		shape:   Shape{MemtableBytes: 600, TableBytes: 400, Multiplier: 3, RunsMin: 2 + int(seed%3), RunsMax: 6},
		reasons: map[Reason]int{},
	}
}

func (w *tree) readers() Readers {
	return Readers{Snapshots: slices.Clone(w.snapshots), Horizon: w.seq}
}

func (w *tree) state(idle bool) State {
	s := State{Shape: w.shape, Floor: w.readers().Floor(), Idle: idle, ReadersPaid: w.r.Intn(8) == 0}
	for _, r := range w.running {
		s.Running = append(s.Running, r.plan)
	}
	return s
}

func (w *tree) env() *Env {
	env := w.d.env(w.readers())
	env.TableBytes, env.Parallel = w.shape.TableBytes, 1+w.r.Intn(3)
	return env
}

func (w *tree) apply(e *manifest.Edit) {
	next, err := w.v.Apply(e)
	if err == nil {
		err = next.Check()
	}
	if err != nil {
		w.t.Fatalf("%v\n%s", err, w.v)
	}
	w.v = next
	used := 0
	for n := range next.Levels {
		if len(next.Levels[n].Runs) > 1 && n > 0 {
			w.t.Fatalf("two runs in level %d\n%s", n, next)
		}
		used += min(1, len(next.Levels[n].Runs))
	}
	w.levels = max(w.levels, used)
}

// flush writes some random operations, ascending ones now and then.
func (w *tree) flush() {
	keys, deletes := 1+w.r.Intn(600), w.r.Intn(4)
	ascending, start := w.r.Intn(4) == 0, w.r.Intn(600)
	var es []iterator.Entry
	for i := range 1 + w.r.Intn(30) {
		w.seq++
		user := fmt.Sprintf("k%03d", w.r.Intn(keys))
		if ascending {
			user = fmt.Sprintf("k%03d", start+i)
		}
		e := put(user, w.seq, fmt.Sprint("value", w.seq))
		if w.r.Intn(4) < deletes {
			e = del(user, w.seq)
		}
		es = append(es, e)
	}
	w.history = append(w.history, es...)
	res, err := Flush(context.Background(), iterator.NewSlice(sorted(es)), Memtable{Run: w.d.number(), Want: sumOf(es)}, w.env())
	if err != nil {
		w.t.Fatal(err)
	}
	w.apply(res.Edit)
}

func (w *tree) pick(idle bool) bool {
	before := w.v.String()
	plan := Pick(w.v, w.state(idle))
	if plan == nil {
		return false
	}
	if before != w.v.String() {
		w.t.Fatal("Pick changed the version")
	}
	w.start(plan)
	return true
}

func (w *tree) start(plan *Plan) {
	r := &running{plan: plan, env: w.env()}
	if w.r.Intn(2) == 0 {
		r.res = mustRun(w.t, plan, r.env)
	}
	w.running = append(w.running, r)
	w.parallel = max(w.parallel, len(w.running))
	w.reasons[plan.Reason]++
	if plan.Move {
		w.moves++
	}
}

// finish applies one of the running plans.
func (w *tree) finish() {
	i := w.r.Intn(len(w.running))
	r := w.running[i]
	w.running = slices.Delete(w.running, i, i+1)
	if r.res == nil {
		r.res = mustRun(w.t, r.plan, r.env)
	}
	w.apply(r.res.Edit)
	if !r.plan.Move {
		for _, s := range r.plan.Slices() {
			delete(w.d.tables, s.File)
		}
	}
}

// see is what a reader of the tree finds at seq, as text.
func (w *tree) see(seq uint64) string {
	var children []iterator.Cursor
	for n := range w.v.Levels {
		for _, run := range w.v.Levels[n].Runs {
			for _, s := range run.Slices {
				c, err := w.d.openSlice(s)
				if err != nil {
					w.t.Fatal(err)
				}
				children = append(children, c)
			}
		}
	}
	v := iterator.NewVisible(iterator.NewMerge(children...), seq)
	var b strings.Builder
	for ok := v.First(); ok; ok = v.Next() {
		fmt.Fprintf(&b, "%s=%s ", v.Key(), v.Value())
	}
	if err := v.Close(); err != nil || v.Err() != nil {
		w.t.Fatal(err, v.Err())
	}
	return b.String()
}

// want is what the model says of it.
func (w *tree) want(seq uint64) string {
	newest := map[string]iterator.Entry{}
	for _, e := range w.history { // in order of sequence
		if e.Key.Trailer.Seq() <= seq {
			newest[string(e.Key.User)] = e
		}
	}
	var out []string
	for user, e := range newest {
		if e.Key.Trailer.Kind() == ikey.KindPut {
			out = append(out, fmt.Sprintf("%s=%s ", user, e.Value))
		}
	}
	slices.Sort(out)
	return strings.Join(out, "")
}

func (w *tree) check() {
	w.t.Helper()
	for _, seq := range append(slices.Clone(w.snapshots), w.seq) {
		if got, want := w.see(seq), w.want(seq); got != want {
			w.t.Fatalf("at %d\n got %s\nwant %s\n%s", seq, got, want, w.v)
		}
	}
	files := map[uint64]bool{}
	for s := range w.v.All() {
		files[s.File] = true
	}
	if len(w.running) == 0 && len(files) != len(w.d.tables) {
		w.t.Fatalf("%d tables, %d of them alive", len(w.d.tables), len(files))
	}
}

func (w *tree) step() {
	switch n := w.r.Intn(14); {
	case n < 5:
		w.flush()
	case n < 9 && len(w.running) < 4:
		w.pick(n == 5)
	case n < 11 && len(w.running) > 0:
		w.finish()
		w.check()
	case n == 11:
		w.snapshots = append(w.snapshots, w.seq)
	case n == 12 && len(w.snapshots) > 0:
		i := w.r.Intn(len(w.snapshots))
		w.snapshots = slices.Delete(w.snapshots, i, i+1)
	}
}

// compact is a manual compaction beside whatever runs.
func (w *tree) compact(lower, upper []byte) {
	m := NewManual(w.v, lower, upper)
	for range 1000 {
		plan, done := m.Next(w.v, w.state(false))
		switch {
		case done:
			return
		case plan == nil && len(w.running) == 0:
			w.t.Fatalf("a manual compaction waits for nothing\n%s", w.v)
		case plan == nil:
			w.finish()
			continue
		}
		w.start(plan)
		for len(w.running) > 0 && w.running[len(w.running)-1].plan == plan {
			w.finish()
		}
		w.check()
	}
	w.t.Fatal("a manual compaction does not end")
}

func TestTreeKeepsEveryReaderRight(t *testing.T) {
	reasons, moves, parallel, levels := map[Reason]int{}, 0, 0, 0
	for seed := range int64(10) {
		w := newTree(t, seed)
		for range 400 {
			w.step()
			if w.r.Intn(150) == 0 {
				w.compact([]byte("k1"), []byte(fmt.Sprintf("k%d", w.r.Intn(6))))
			}
		}
		w.snapshots = nil
		w.compact(nil, nil)
		for len(w.running) > 0 {
			w.finish()
		}
		w.compact(nil, nil)
		w.check()
		for s := range w.v.All() {
			if s.Level != lastLevel || s.Tombstones != 0 || s.SeqMax != 0 {
				t.Fatalf("after a manual compaction: %s\n%s", s, w.v)
			}
		}
		w.d.rest(t, w.v.SliceCount())
		for r, n := range w.reasons {
			reasons[r] += n
		}
		moves, parallel, levels = moves+w.moves, max(parallel, w.parallel), max(levels, w.levels)
	}
	t.Logf("plans %v, moves %d, at once %d, levels %d", reasons, moves, parallel, levels)
	for r := ReasonRuns; r <= ReasonManual; r++ {
		if reasons[r] < 3 {
			t.Errorf("only %d plans because of %s", reasons[r], r)
		}
	}
	if moves < 20 || parallel < 3 || levels < 4 {
		t.Errorf("moves %d, at once %d, levels %d", moves, parallel, levels)
	}
}

func TestPickEndsWhenNothingIsWritten(t *testing.T) {
	for seed := range int64(20) {
		w := newTree(t, seed)
		for range 60 {
			w.flush()
			w.pick(false)
			for len(w.running) > 0 {
				w.finish()
			}
		}
		for n := 0; w.pick(true); n++ {
			w.finish()
			if n > 300 {
				t.Fatalf("it never ends\n%s", w.v)
			}
		}
		if n := len(w.v.Levels[0].Runs); n > 4 {
			t.Fatalf("%d runs in level 0 after idle time\n%s", n, w.v)
		}
		w.check()
	}
}
