package varve

// Explain goes the way of Get: the same answer, the same filters asked, the same
// blocks read, whatever the state of the tree.

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/varvekv/varve/internal/filename"
	"github.com/varvekv/varve/sstable"
	"github.com/varvekv/varve/vfs"
)

func TestExplainGoesTheWayOfGet(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			fs := vfs.NewStrict(seed)
			o := smallOptions(fs)
			if seed%2 == 1 {
				o.CacheBytes = -1
			}
			if seed%3 == 2 {
				o.BloomBits = -1
			}
			w := &wayfarer{t: t, db: openSmall(t, o), rnd: rand.New(rand.NewPCG(seed, 1))}
			w.db.work.beginManual() // nothing moves between Explain and Get
			seen := map[Outcome]int{}
			for range 40 {
				w.step()
				quiet(t, w.db)
				for range 25 {
					w.compare(w.key(), nil, seen)
					if n := len(w.snapshots); n > 0 {
						w.compare(w.key(), w.snapshots[w.rnd.IntN(n)], seen)
					}
				}
			}
			want := []Outcome{OutcomePut, OutcomeDelete, OutcomeAbsent, OutcomeOutOfRange, OutcomeFiltered}
			if o.BloomBits < 0 {
				want = want[:4]
			}
			for _, o := range want {
				if seen[o] == 0 {
					t.Errorf("no step was %q: the test is too weak; %v", o, seen)
				}
			}
			for _, s := range w.snapshots {
				must(t, s.Close())
			}
			closeClean(t, w.db, fs)
		})
	}
}

// wayfarer changes a database at random.
type wayfarer struct {
	t         *testing.T
	db        *DB
	rnd       *rand.Rand
	snapshots []*Snapshot
}

const wayKeys = 300

// key is one of those that are written, or one beside them.
func (w *wayfarer) key() []byte {
	k := keyOf("key", w.rnd.IntN(wayKeys))
	switch w.rnd.IntN(8) {
	case 0:
		return append(k, '!')
	case 1:
		return []byte("a")
	}
	return k
}

func (w *wayfarer) step() {
	w.t.Helper()
	for range w.rnd.IntN(60) {
		k := keyOf("key", w.rnd.IntN(wayKeys))
		if w.rnd.IntN(4) == 0 {
			must(w.t, w.db.Delete(k))
		} else {
			must(w.t, w.db.Put(k, make([]byte, w.rnd.IntN(400))))
		}
	}
	switch w.rnd.IntN(12) {
	case 0, 1, 2, 3:
		must(w.t, w.db.Flush())
	case 4:
		must(w.t, w.db.Compact(w.t.Context(), nil, nil))
	case 5, 6:
		w.snapshots = append(w.snapshots, w.db.Snapshot())
	}
}

// compare explains and gets the same key.
func (w *wayfarer) compare(key []byte, s *Snapshot, seen map[Outcome]int) {
	w.t.Helper()
	before := w.db.tallies.sum()
	e, err := w.db.explain(key, s)
	must(w.t, err)
	if after := w.db.tallies.sum(); after != before {
		w.t.Fatalf("Explain was counted: %+v, %+v", before, after)
	}
	value, err := w.db.get(key, s)
	if err != nil && err != ErrNotFound {
		w.t.Fatal(err)
	}
	if (err == nil) != (e.Answer == AnswerFound) || e.ValueBytes != len(value) || !bytes.Equal(e.Key, key) {
		w.t.Fatalf("Get: %d bytes, %v; %s", len(value), err, e)
	}
	after := w.db.tallies.sum()
	var did sstable.Counts
	for i, step := range e.Steps {
		seen[step.Outcome]++
		did.Add(countsOf(step))
		isOver := step.Outcome == OutcomePut || step.Outcome == OutcomeDelete
		if isOver != (i == len(e.Steps)-1 && e.Answer != AnswerAbsent) || isOver && step.VersionSeq != e.VersionSeq {
			w.t.Fatalf("step %d: %s", i+1, e)
		}
	}
	got := after.tables
	blocks := got.BlockHits + got.BlockMisses - before.tables.BlockHits - before.tables.BlockMisses
	if blocks != did.BlockHits ||
		got.FilterProbes-before.tables.FilterProbes != did.FilterProbes ||
		got.FilterNegatives-before.tables.FilterNegatives != did.FilterNegatives ||
		got.FilterFalsePositives-before.tables.FilterFalsePositives != did.FilterFalsePositives {
		w.t.Fatalf("Get counted %+v, then %+v; %s", before.tables, got, e)
	}
}

// countsOf is what a Get would count for the step; all blocks as hits.
func countsOf(s Step) sstable.Counts {
	c := sstable.Counts{BlockHits: uint64(len(s.Blocks))}
	if s.HasFilter {
		c.FilterProbes = 1
	}
	switch s.Outcome {
	case OutcomeFiltered:
		c.FilterNegatives = 1
	case OutcomeFalsePositive:
		c.FilterFalsePositives = 1
	}
	return c
}

// TestExplanationReads: as a list, and as JSON.
func TestExplanationReads(t *testing.T) {
	fs := vfs.NewStrict(1)
	db := openSmall(t, smallOptions(fs))
	put(t, db, "key", 100)
	must(t, db.Compact(t.Context(), nil, nil))
	put(t, db, "new", 1)
	must(t, db.Delete(keyOf("key", 7)))
	for _, c := range []struct {
		key  []byte
		want []string
	}{
		{keyOf("new", 0), []string{`"new-0000" at sequence 102: found, sequence 101, 240 bytes,`, "1  memtable", "put at sequence 101, 240 bytes"}},
		{keyOf("key", 7), []string{"deleted, sequence 102,", "delete at sequence 102"}},
		{keyOf("key", 8), []string{"2  level 6", ".sst", "filter: maybe", "block 0 at 0: read", "of s2", "put at sequence 0, 240 bytes"}},
		{keyOf("key", 8), []string{"block 0 at 0: cached, "}},
		{[]byte("key-0008!"), []string{"absent in", "filter: no", "not there"}},
		{[]byte("zebra"), []string{"absent in", "no table covers it"}},
	} {
		e, err := db.Explain(c.key)
		must(t, err)
		text := e.String()
		for _, want := range c.want {
			if !strings.Contains(text, want) {
				t.Errorf("%q is not in\n%s", want, text)
			}
		}
		data, err := json.Marshal(e)
		must(t, err)
		var back Explanation
		if err := json.Unmarshal(data, &back); err != nil || back.String() != text {
			t.Errorf("%v: came back as\n%s", err, back)
		}
	}
	s := db.Snapshot()
	must(t, db.Delete(keyOf("new", 0)))
	if e, err := s.Explain(keyOf("new", 0)); err != nil || e.Answer != AnswerFound {
		t.Errorf("of a snapshot: %v, %v", e, err)
	}
	must(t, s.Close())
	if _, err := s.Explain(nil); err != ErrClosed {
		t.Errorf("of a closed snapshot: %v", err)
	}
	closeClean(t, db, fs)
	if _, err := db.Explain(nil); err != ErrClosed {
		t.Errorf("after Close: %v", err)
	}
}

// TestExplainOfADamagedTable stops where Get stops.
func TestExplainOfADamagedTable(t *testing.T) {
	fs := vfs.NewStrict(1)
	db := openSmall(t, smallOptions(fs))
	put(t, db, "key", 100)
	must(t, db.Flush())
	must(t, db.Close())
	flip(t, fs, filesOf(t, fs, filename.Table)[0], func([]byte) int { return 100 })
	db = openSmall(t, smallOptions(fs))
	defer db.Close()
	e, err := db.Explain(keyOf("key", 3))
	if !errors.Is(err, ErrCorruption) || e.Answer != "" || e.Steps[len(e.Steps)-1].Outcome != OutcomeFailed || !strings.Contains(e.String(), "failed") {
		t.Errorf("%v: %s", err, e)
	}
	if _, gerr := db.Get(keyOf("key", 3)); gerr == nil || gerr.Error() != err.Error() {
		t.Errorf("Get: %v", gerr)
	}
}
