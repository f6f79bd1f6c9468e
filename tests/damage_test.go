package tests

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// A damage is what happened to some bytes of one file, or to two files.
type damage struct {
	how    string
	name   string
	other  string // the file that name was exchanged with
	offset int    // first byte that is another now
	last   int    // last such byte
}

func (d damage) String() string {
	return fmt.Sprintf("%s of %s%s at %d", d.how, d.name, d.other, d.offset)
}

// A harmer does one kind of damage to data.
type harmer struct {
	how string
	do  func(rng *rand.Rand, data []byte, end int) []byte
}

// harmers change bytes before the logical end.
var harmers = []harmer{
	{"flipped bit", func(rng *rand.Rand, data []byte, end int) []byte {
		at := rng.IntN(end)
		data[at] ^= 1 << rng.IntN(8)
		return data
	}},
	{"zeroed byte", func(rng *rand.Rand, data []byte, end int) []byte {
		at := rng.IntN(end)
		data[at] = 0
		return data
	}},
	{"random bytes", func(rng *rand.Rand, data []byte, end int) []byte {
		at := rng.IntN(end)
		for i := at; i < min(end, at+1+rng.IntN(600)); i++ {
			data[i] = byte(rng.Uint32())
		}
		return data
	}},
	{"zeroed sector", func(rng *rand.Rand, data []byte, end int) []byte {
		at := rng.IntN(end) &^ 511
		clear(data[at:min(at+512, len(data))])
		return data
	}},
	{"exchanged sectors", func(rng *rand.Rand, data []byte, end int) []byte {
		if end < 1024 {
			return data
		}
		a, b := rng.IntN(end/512)*512, rng.IntN(end/512)*512
		for i := range 512 {
			data[a+i], data[b+i] = data[b+i], data[a+i]
		}
		return data
	}},
	{"truncation", func(rng *rand.Rand, data []byte, end int) []byte {
		return data[:rng.IntN(end)]
	}},
	{"zero tail", func(rng *rand.Rand, data []byte, end int) []byte {
		clear(data[rng.IntN(end):])
		return data
	}},
}

// TestDamageIsNeverSilent harms closed databases at random places: each harm is
// refused, or found by a read or Check, with an error that names the file; or
// all is there; or it was the tail of the log, and what stood before it is
// there (G5, I8, I12, I13).
func TestDamageIsNeverSilent(t *testing.T) {
	guard(t)
	rng, _ := seeded(t)
	limit := time.Now().Add(span(4*time.Second, 25*time.Second, 100*time.Hour))
	want := budget(0, 600, 4000, 200_000)
	f := damageFigures{verdicts: make(map[string][5]int)}
	for f.cases < want && (f.cases < want/2/raceFactor || time.Now().Before(limit)) {
		s := newSpecimen(t, rng, true)
		f.specimens++
		for range 250 {
			name := s.files[rng.IntN(len(s.files))]
			f.harm(t, s, name, harmers[rng.IntN(len(harmers))])
		}
		for range 15 {
			f.exchange(t, s)
		}
	}
	t.Logf("%d databases, %d cases", f.specimens, f.cases)
	for what, v := range f.verdicts {
		t.Logf("%-24s %5d refused, %5d found, %5d torn tail, %5d unnoticed and all there", what, v[refused], v[found], v[torn], v[whole])
	}
	minimum{"cases", f.cases, want / 2}.hold(t)
	minimum{"kinds of damage by kind of file", len(f.verdicts), 4 * len(harmers)}.hold(t)
}

type damageFigures struct {
	cases, specimens int
	verdicts         map[string][5]int // by kinds of file and damage
}

func (f *damageFigures) count(what string, v verdict) {
	f.cases++
	counts := f.verdicts[what]
	counts[v]++
	f.verdicts[what] = counts
}

func (f *damageFigures) harm(t *testing.T, s *specimen, name string, h harmer) {
	t.Helper()
	c := s.copied()
	data := c.read(name)
	end := logicalEnd(data)
	if end == 0 {
		return // a spare
	}
	harmed := h.do(s.rng, append([]byte(nil), data...), end)
	if string(harmed) == string(data) {
		return
	}
	c.write(name, harmed)
	d := damage{how: h.how, name: name}
	d.offset, d.last = differ(data, harmed)
	v := d.mustHold(t, s, c)
	f.count(kindOf(name)+" "+h.how, v)
	if v == refused && s.rng.IntN(4) == 0 {
		d.mustHeal(t, s, c, name, data)
	}
}

// floor is how many units must be there after the damage, if it opens at all:
// every one, but for the tail of the log, where nothing is left that tells; the
// newest segment as a whole is such a tail.
func (d damage) floor(s *specimen) int {
	newest := s.newestLog()
	switch last := s.ends[len(s.ends)-1]; {
	case d.other == "" && d.name == newest && d.last >= last.end: // marks behind it too
		return s.before(newest, d.offset)
	case d.other != "" && (d.name == newest || d.other == newest):
		return s.before(newest, 0)
	}
	return len(s.led.units)
}

// differ is the first and the last place where two contents differ.
func differ(a, b []byte) (first, last int) {
	n := min(len(a), len(b))
	for first < n && a[first] == b[first] {
		first++
	}
	if len(a) != len(b) {
		return first, max(len(a), len(b)) - 1
	}
	for last = n - 1; a[last] == b[last]; last-- {
	}
	return first, last
}

func (d damage) mustHold(t *testing.T, s *specimen, c folder) verdict {
	t.Helper()
	j := judge{s: s, fs: c.fs, floor: d.floor(s), names: []string{d.name}}
	if d.other != "" {
		j.names = append(j.names, d.other)
	}
	if kindOf(d.name) == "manifest" {
		j.names = append(j.names, "the manifest") // whose end is lost: what it names, it may say
	}
	v, err := j.open()
	if err != nil {
		t.Fatalf("%v: %v (end of data %d; tables %v; files %v)", d, err, logicalEnd(s.read(d.name)), s.tables, s.files)
	}
	if v == whole && kindOf(d.name) == "table" {
		t.Fatalf("%v: nothing noticed it, Check neither", d)
	}
	if v == torn {
		n := j.n
		again, err := j.open()
		if err != nil || again != torn && again != whole || j.n != n {
			t.Fatalf("%v: opened with %d commits, then again with %d: %v, %v", d, n, j.n, again, err)
		}
	}
	return v
}

// mustHeal: an Open that refused has destroyed nothing.
func (d damage) mustHeal(t *testing.T, s *specimen, c folder, name string, data []byte) {
	t.Helper()
	c.write(name, data)
	j := judge{s: s, fs: c.fs, floor: len(s.led.units)}
	if v, err := j.open(); err != nil || v != whole {
		t.Fatalf("%v was refused, and with the damage undone: %v, %v", d, v, err)
	}
}

// exchange gives two files each other's names, or one the other's content.
func (f *damageFigures) exchange(t *testing.T, s *specimen) {
	t.Helper()
	a, b := s.files[s.rng.IntN(len(s.files))], s.files[s.rng.IntN(len(s.files))]
	c := s.copied()
	x, y := c.read(a), c.read(b)
	if string(x) == string(y) || logicalEnd(x) == 0 || logicalEnd(y) == 0 {
		return
	}
	how := "exchange"
	c.write(a, y)
	if s.rng.IntN(2) == 0 {
		c.write(b, x)
	} else {
		how = "copy over"
	}
	d := damage{how: how, name: a, other: b}
	f.count(how, d.mustHold(t, s, c))
}

// TestTornTailsOpen cuts, zeroes and fills the log behind what was proven
// durable, in databases that were never closed: that is what a power cut may
// leave, and Open must not refuse it (G5).
func TestTornTailsOpen(t *testing.T) {
	guard(t)
	rng, _ := seeded(t)
	limit := time.Now().Add(span(3*time.Second, 10*time.Second, 10*time.Hour))
	want, cases, lost := budget(0, 150, 1000, 100_000), 0, 0
	for cases < want && (cases < want/2/raceFactor || time.Now().Before(limit)) {
		s := newSpecimen(t, rng, false)
		last := s.ends[len(s.ends)-1]
		for range 50 {
			c := s.copied()
			data := c.read(last.name)
			at := last.end + rng.IntN(8000)
			if at >= len(data) {
				continue
			}
			switch rng.IntN(3) {
			case 0:
				data = data[:at]
			case 1:
				clear(data[at:])
			case 2:
				for i := at; i < min(len(data), at+1+rng.IntN(2000)); i++ {
					data[i] = byte(rng.Uint32())
				}
			}
			c.write(last.name, data)
			j := judge{s: s, fs: c.fs, floor: s.durable}
			v, err := j.open()
			if err != nil || v != torn && v != whole {
				t.Fatalf("%s harmed from %d on, behind the last durable byte %d: %v, %v", last.name, at, last.end, v, err)
			}
			cases++
			if v == torn {
				lost++
			}
		}
	}
	t.Logf("%d tails, %d of them lost a commit", cases, lost)
	minimum{"tails", cases, want / 2}.hold(t)
}
