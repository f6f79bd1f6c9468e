package compaction

import (
	"fmt"
	"math/rand"
	"strconv"
	"strings"
	"testing"

	"github.com/varvekv/varve/manifest"
)

// load is a tree without entries: only sizes and bounds, to see what a policy
// writes. Keys are numbers of 8 digits.
type load struct {
	t       *testing.T
	r       *rand.Rand
	v       *manifest.Version
	id      uint64
	flushed int64
	written int64 // by compactions
	runsMax int
	bytes   int64 // in compactions' largest inputs
}

const keySpace = 100_000_000

func (l *load) edit(removed []*manifest.Slice, added []*manifest.Slice) {
	e := &manifest.Edit{Added: added}
	for _, s := range removed {
		e.Removed = append(e.Removed, s.ID)
	}
	var err error
	if l.v, err = l.v.Apply(e); err != nil {
		l.t.Fatalf("%v\n%s", err, l.v)
	}
}

// slices cuts [lower, upper] evenly into tables of 32 MiB.
func (l *load) slices(level int, run uint64, lower, upper int, size int64) []*manifest.Slice {
	var out []*manifest.Slice
	n := int((size + defaultTableBytes - 1) / defaultTableBytes)
	for i := range n {
		l.id++
		from, to := lower+(upper-lower)*i/n, lower+(upper-lower)*(i+1)/n
		if i < n-1 {
			to--
		}
		out = append(out, &manifest.Slice{
			ID: l.id, File: l.id, Level: level, Run: run, FileBytes: size / int64(n), Entries: 1000,
			Lower: []byte(fmt.Sprintf("%08d", from)), Upper: []byte(fmt.Sprintf("%08d", to)),
		})
	}
	return out
}

func (l *load) flush(size int64, ascending bool) {
	lower, upper := l.r.Intn(1000), keySpace-1-l.r.Intn(1000)
	if ascending {
		lower = int(l.flushed >> 10)
		upper = int((l.flushed+size)>>10) - 1
	}
	l.id++
	l.edit(nil, l.slices(0, l.id, lower, upper, size))
	l.flushed += size
	l.runsMax = max(l.runsMax, len(l.v.Levels[0].Runs))
}

func number(b []byte) int {
	n, _ := strconv.Atoi(string(b))
	return n
}

// settle carries plans out until none is left.
func (l *load) settle(idle bool, memtable int64) {
	for {
		p := Pick(l.v, State{Idle: idle, Shape: Shape{MemtableBytes: memtable}})
		switch {
		case p == nil:
			return
		case p.Move:
			e := move(p).Edit
			l.edit(p.Slices(), e.Added)
		default:
			l.edit(p.Slices(), l.slices(p.Level, p.Run, number(p.Lower), number(p.Upper), p.InputBytes()))
			l.written += p.InputBytes()
			l.bytes = max(l.bytes, p.InputBytes())
		}
	}
}

func (l *load) line() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%5d MiB loaded: log 1 + flush 1 + compaction %.2f = %.2f; L0 runs %d, at most %d;",
		l.flushed>>20, float64(l.written)/float64(l.flushed), 2+float64(l.written)/float64(l.flushed), len(l.v.Levels[0].Runs), l.runsMax)
	for n := 1; n < manifest.LevelCount; n++ {
		if size := l.v.LevelBytes(n); size > 0 {
			fmt.Fprintf(&b, " L%d %d MiB", n, size>>20)
		}
	}
	return b.String() + "\n"
}

// TestLoadsWriteLittle draws what loads of different flush sizes write. Input:
// MiB of a flush, order of the keys, then sizes at which to look.
func TestLoadsWriteLittle(t *testing.T) {
	golden(t, "testdata/load.txt", func(t *testing.T, input string) string {
		l := &load{t: t, r: rand.New(rand.NewSource(1)), v: new(manifest.Version)}
		lines := strings.Split(strings.TrimSpace(input), "\n")
		words := strings.Fields(lines[len(lines)-1])
		flush, _ := strconv.Atoi(words[0])
		out := ""
		for _, w := range words[2:] {
			at, _ := strconv.Atoi(w)
			for l.flushed>>20 < int64(at) {
				l.flush(int64(flush)<<20, words[1] == "ascending")
				l.settle(false, int64(flush)<<20)
			}
			out += l.line()
			amplification := 2 + float64(l.written)/float64(l.flushed)
			if l.flushed>>20 <= 510 && flush > 30 && amplification > 3.51 {
				t.Errorf("write amplification %.2f", amplification)
			}
		}
		l.settle(true, int64(flush)<<20)
		return out + "idle: " + l.line()
	})
}
