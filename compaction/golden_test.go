package compaction

import (
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/varvekv/varve/manifest"
)

var rewrite = flag.Bool("rewrite", false, "write golden files anew")

// golden runs a file of cases and compares what each prints. A case is a name
// after "# ", lines of input, "----", and the output up to an empty line.
func golden(t *testing.T, path string, run func(t *testing.T, input string) string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for i, c := range strings.Split(strings.TrimSpace(string(data)), "\n\n") {
		input, want, _ := strings.Cut(c+"\n", "----\n")
		got := strings.TrimSpace(run(t, input)) + "\n"
		if got != want && !*rewrite {
			t.Errorf("%s: case\n%s----\ngot\n%swant\n%s", path, input, got, want)
		}
		if i > 0 {
			out.WriteString("\n")
		}
		out.WriteString(input + "----\n" + got)
	}
	if *rewrite {
		if err := os.WriteFile(path, []byte(out.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// drawing is a version and a state, drawn as text:
//
//	L0 run 3: 7[a-k]30 8[l-z]30/50%    slice id, bounds, MiB, share of tombstones
//	floor 100                          readers see everything up to there
//	idle
//	busy L5: 3 4                       a plan to level 5 over those slices runs
type drawing struct {
	t       *testing.T
	v       *manifest.Version
	s       State
	slices  map[uint64]*manifest.Slice
	lower   []byte
	upper   []byte
	version []*manifest.Slice
}

func draw(t *testing.T, text string) *drawing {
	d := &drawing{t: t, slices: map[uint64]*manifest.Slice{}, s: State{Floor: 1 << 40}}
	for line := range strings.Lines(text) {
		head, rest, _ := strings.Cut(strings.TrimSpace(line), ":")
		words := strings.Fields(head)
		switch {
		case len(words) == 0 || words[0] == "#":
		case words[0] == "idle":
			d.s.Idle = true
		case words[0] == "paid":
			d.s.ReadersPaid = true
		case words[0] == "floor":
			d.s.Floor = d.number(words[1])
		case words[0] == "range":
			d.lower, d.upper = []byte(words[1]), []byte(words[2])
		case words[0] == "busy":
			d.busy(int(d.number(words[1][1:])), strings.Fields(rest))
		default:
			for _, w := range strings.Fields(rest) {
				d.slice(int(d.number(words[0][1:])), d.number(words[2]), w)
			}
		}
	}
	var err error
	if d.v, err = new(manifest.Version).Apply(&manifest.Edit{Added: d.version}); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return d
}

func (d *drawing) number(s string) uint64 {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		d.t.Fatal(err)
	}
	return n
}

func (d *drawing) slice(level int, run uint64, word string) {
	s := &manifest.Slice{Level: level, Run: run, Entries: 100, SeqMin: run, SeqMax: run}
	id, rest, _ := strings.Cut(word, "[")
	between, size, _ := strings.Cut(rest, "]")
	lower, upper, _ := strings.Cut(between, "-")
	size, share, _ := strings.Cut(strings.TrimSuffix(size, "%"), "/")
	s.ID = d.number(id)
	s.File, s.Lower, s.Upper = s.ID, []byte(lower), []byte(upper)
	s.FileBytes = int64(d.number(size)) << 20
	if share != "" {
		s.Tombstones = d.number(share)
	}
	d.slices[s.ID] = s
	d.version = append(d.version, s)
}

func (d *drawing) busy(level int, ids []string) {
	p := &Plan{Level: level}
	for _, id := range ids {
		p.take([]*manifest.Slice{d.slices[d.number(id)]})
	}
	p.Lower, p.Upper = bounds(p.Slices())
	d.s.Running = append(d.s.Running, p)
}

func (d *drawing) scores() string {
	var b strings.Builder
	fmt.Fprintf(&b, "base L%d, scores", d.s.Shape.BaseLevel(d.v))
	for n, score := range d.s.Shape.Scores(d.v) {
		if score > 0 {
			fmt.Fprintf(&b, " L%d %.2f", n, score)
		}
	}
	return b.String() + "\n"
}

func TestPickOnDrawnTrees(t *testing.T) {
	golden(t, "testdata/pick.txt", func(t *testing.T, input string) string {
		d := draw(t, input)
		out := d.scores()
		for range 4 { // as many as can run at once
			plan := Pick(d.v, d.s)
			if plan == nil {
				return out + "nothing more\n"
			}
			out += plan.String()
			d.s.Running = append(d.s.Running, plan)
		}
		return out
	})
}

func TestManualOnDrawnTrees(t *testing.T) {
	golden(t, "testdata/manual.txt", func(t *testing.T, input string) string {
		d := draw(t, input)
		m, out, id := NewManual(d.v, d.lower, d.upper), "", uint64(100)
		for range 20 {
			plan, done := m.Next(d.v, d.s)
			switch {
			case done:
				return out + "done\n" + d.v.String()
			case plan == nil:
				return out + "wait\n"
			}
			out += plan.String()
			var err error
			if d.v, err = d.v.Apply(imagine(plan, &id, 32<<20)); err != nil {
				t.Fatal(err)
			}
		}
		return out + "no end\n"
	})
}

func TestManualLeavesFreshTablesAlone(t *testing.T) {
	text := "L6 run 9: 3[a-c]10/5% 4[e-f]10\n"
	m := NewManual(draw(t, text).v, nil, nil)
	d := draw(t, text+"L6 run 9: 5[g-h]10/90%\n") // arrived since
	plan, _ := m.Next(d.v, d.s)
	if plan == nil || idList(plan.Slices()) != " 3 4" {
		t.Fatalf("got %v", plan)
	}
	if plan, done := m.Next(d.v, d.s); !done {
		t.Fatalf("got %v", plan)
	}
}

// imagine is the edit of a plan that is not run: nothing is dropped, and the
// outputs take their bounds from the inputs.
func imagine(p *Plan, id *uint64, tableBytes int64) *manifest.Edit {
	if p.Move {
		return move(p).Edit
	}
	e := new(manifest.Edit)
	for _, s := range p.Slices() {
		e.Removed = append(e.Removed, s.ID)
	}
	lower := p.Lower
	for _, cut := range append(cutRange(p.Slices(), tableBytes/partTables, int(p.InputBytes()/tableBytes)), nil) {
		*id++
		s := &manifest.Slice{ID: *id, File: *id, Level: p.Level, Run: p.Run, Lower: lower, Upper: p.Upper, Entries: 100}
		if cut != nil {
			s.Upper, lower = append([]byte(nil), cut...), cut
			s.Upper = append(s.Upper[:len(s.Upper)-1], s.Upper[len(s.Upper)-1]-1, '~')
		}
		e.Added = append(e.Added, s)
	}
	for _, s := range e.Added {
		s.FileBytes = p.InputBytes() / int64(len(e.Added))
	}
	return e
}
