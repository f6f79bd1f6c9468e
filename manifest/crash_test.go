package manifest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/varvekv/varve/internal/filename"
	"github.com/varvekv/varve/vfs"
)

// What a power cut may leave, at every call of the file system, and again during
// the opening that follows. The rule: the state found is that of the last edit
// that Apply returned, or of the one that was being applied; and the next file
// number is above all that were handed out.

// crashRun is a workload and what it was told was durable.
type crashRun struct {
	created bool
	acked   string // state after the last Apply that returned
	trying  string // state that the running Apply leads to
	numbers uint64 // greatest file number handed out
}

// work runs a database through creation, edits, rewrites and a reopen; it stops
// silently at the first error.
func (c *crashRun) work(d vfs.Dir, seed uint64) {
	o := crashOptions(seed)
	s, st, err := Create(d, o)
	if err != nil {
		return
	}
	c.created, c.acked = true, describeLive(st)
	if !c.edits(s, seed, 12) || s.Close() != nil {
		return
	}
	if s, _, err = Open(d, o); err != nil {
		return
	}
	if c.edits(s, seed+1, 8) {
		_ = s.Close()
	}
}

// crashOptions make small files, so that rewrites are frequent and images quick.
func crashOptions(seed uint64) Options {
	o := testOptions()
	o.Random = rand.New(rand.NewPCG(seed, 8)).Uint64
	o.rewriteBytesMin, o.aheadBytes = 5000, 4096
	return o
}

// describeLive leaves out what changes without being acknowledged: edit numbers
// of counter raises and marks.
func describeLive(st *State) string {
	x := *st
	x.Edit = 0
	return describe(&x)
}

func (c *crashRun) edits(s *Store, seed uint64, count int) bool {
	r := rand.New(rand.NewPCG(seed, 5))
	for range count {
		n, err := s.NextFileNumber()
		if err != nil {
			return false
		}
		c.numbers = max(c.numbers, n)
		e := &Edit{DurableLSN: n}
		for sl := range s.Version().All() {
			if r.IntN(3) == 0 {
				e.Removed = append(e.Removed, sl.ID)
			}
		}
		for range r.IntN(12) { // a long edit at times
			key := strings.Repeat("k", r.IntN(300))
			e.Added = append(e.Added, newSlice(n, 0, n, key, key+"z"))
			if n, err = s.NextFileNumber(); err != nil {
				return false
			}
			c.numbers = max(c.numbers, n)
		}
		st := s.State()
		e.LastSeq = max(st.LastSeq, 10*n)
		next, err := st.after(&Edit{Number: st.Edit + 1, Removed: e.Removed, Added: e.Added,
			LastSeq: e.LastSeq, DurableLSN: e.DurableLSN, NextFile: 1 << 40})
		if err != nil {
			panic(err)
		}
		c.trying = describeLive(&next)
		if _, err := s.Apply(e); err != nil {
			return false
		}
		c.acked, c.trying = c.trying, ""
	}
	return true
}

// verify opens an image and holds the rule; it returns the state found.
func (c *crashRun) verify(d vfs.Dir) (string, error) {
	o := crashOptions(c.numbers)
	s, st, err := Open(d, o)
	if errors.Is(err, ErrNoDatabase) && !c.created {
		if s, st, err = Create(d, o); err != nil {
			return "", fmt.Errorf("creating again: %w", err)
		}
		return "", s.Close()
	}
	if err != nil {
		return "", err
	}
	got := describeLive(st)
	if c.created && got != c.acked && (c.trying == "" || got != c.trying) {
		return "", fmt.Errorf("found:\n%s\nacknowledged:\n%s\ntrying:\n%s", got, c.acked, c.trying)
	}
	n, err := s.NextFileNumber()
	if err != nil || n <= c.numbers {
		return "", fmt.Errorf("number %d after %d: %v", n, c.numbers, err)
	}
	if _, err := s.Apply(&Edit{Added: []*Slice{newSlice(n, 0, n, "a", "b")}, LastSeq: 1 << 50}); err != nil {
		return "", err
	}
	return got, s.Close()
}

// images calls f with crash images of every moment of the run: before and after
// each call of the file system, what is kept and what is lost drawn at random,
// and the two extremes.
func images(seed uint64, each int, f func(c crashRun, at vfs.Op, image *vfs.Strict)) {
	m := vfs.NewStrict(seed)
	r := rand.New(rand.NewPCG(seed, 6))
	var c crashRun
	ft := vfs.NewFault(m, func(op vfs.Op) error {
		if !op.Kind.Changes() {
			return nil
		}
		for range each {
			f(c, op, m.CrashImage(r))
		}
		f(c, op, m.CrashImageStrict())
		f(c, op, m.CrashImageKept())
		return nil
	})
	d, err := ft.OpenDir("db", true)
	if err != nil {
		panic(err)
	}
	c.work(d, seed)
	if c.trying != "" || c.acked == "" {
		panic("the workload stopped without a fault")
	}
}

// moment is an image and what must hold of it.
type moment struct {
	print         uint64
	acked, trying string
}

func TestPowerCutAtEveryCall(t *testing.T) {
	seen, prints := map[moment]bool{}, map[uint64]bool{}
	rewritten, torn := 0, 0
	for seed := range uint64(16/thin() + 1) {
		images(seed, 16/thin()+1, func(c crashRun, at vfs.Op, image *vfs.Strict) {
			now := moment{image.Fingerprint(), c.acked, c.trying}
			if seen[now] {
				return
			}
			seen[now], prints[now.print] = true, true
			d := openDir(t, image)
			if n := names(t, d, filename.Manifest); len(n) > 0 && n[0] != liveName {
				rewritten++
			}
			if _, st, err := Open(d, Options{ReadOnly: true}); err == nil && st.Report.Torn {
				torn++
			}
			if _, err := c.verify(d); err != nil {
				t.Fatalf("seed %d, %v: %v", seed, at, err)
			}
		})
	}
	t.Logf("%d distinct images, %d of rewritten manifests, %d torn", len(prints), rewritten, torn)
	if n := thin() * thin(); len(prints) < 3000/n || rewritten < 1000/n || torn < 100/n {
		t.Error("poor coverage")
	}
}

// A second power cut, during the opening after the first, finds what the first
// opening would have found.
func TestPowerCutTwice(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	firsts, seconds := map[moment]bool{}, map[moment]bool{}
	for seed := range uint64(4/thin() + 1) {
		images(seed, 2/thin(), func(c crashRun, at vfs.Op, first *vfs.Strict) {
			now := moment{first.Fingerprint(), c.acked, c.trying}
			if firsts[now] {
				return
			}
			firsts[now] = true
			ft := vfs.NewFault(first, func(op vfs.Op) error {
				if op.Kind.Changes() {
					second := first.CrashImage(r)
					if m := (moment{second.Fingerprint(), c.acked, c.trying}); !seconds[m] {
						seconds[m] = true
						c.verifySecond(t, second, fmt.Sprintf("%v, then %v", at, op))
					}
				}
				return nil
			})
			if _, err := c.verify(openDir(t, ft)); err != nil {
				t.Fatalf("%v: %v", at, err)
			}
		})
	}
	t.Logf("%d distinct second images of %d first", len(seconds), len(firsts))
	if len(seconds) < 1000/thin() {
		t.Error("poor coverage")
	}
}

// verifySecond knows that what verify itself applies may be there as well.
func (c *crashRun) verifySecond(t *testing.T, image *vfs.Strict, when string) {
	_, st, err := Open(openDir(t, image), crashOptions(1))
	switch {
	case errors.Is(err, ErrNoDatabase) && !c.created:
	case err != nil:
		t.Fatalf("%s: %v", when, err)
	case c.created && describeLive(st) != c.acked && describeLive(st) != c.trying && st.LastSeq != 1<<50:
		t.Fatalf("%s: found\n%s\nacknowledged:\n%s", when, describeLive(st), c.acked)
	}
}
