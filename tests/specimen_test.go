package tests

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/varvekv/varve"
	"github.com/varvekv/varve/vfs"
)

// A specimen is a database that was left in a known state, on a file system
// from which copies are made to be harmed.
type specimen struct {
	folder
	strict *vfs.Strict
	led    *ledger
	rng    *rand.Rand

	closed  bool
	durable int      // units on stable storage when it was left
	ends    []logEnd // where logs stood, in the order of writing
	tables  [7]int   // by level
	files   []string // that matter, of each kind
	nextID  uint64
}

// A logEnd says that the first units were written, and that they needed no byte
// of the log at or behind end.
type logEnd struct {
	name  string
	end   int
	units int
}

const specimenKeys = 150

// newSpecimen makes tables on several levels, and then a log of several
// segments that no table has taken over.
func newSpecimen(t fataler, rng *rand.Rand, closed bool) *specimen {
	t.Helper()
	s := emptySpecimen(t, rng, closed)
	s.grow(&varve.Options{MemtableBytes: 64 << 10}, func(db *varve.DB) {
		for range 3 {
			s.commits(db, 12, 4000)
			s.must("Flush", db.Flush())
		}
		s.must("Compact", db.Compact(context.Background(), nil, nil))
		s.commits(db, 12, 1000)
		s.must("Flush", db.Flush())
		s.tables = tablesByLevel(db.Metrics())
	})
	for range 1 + rng.IntN(2) {
		s.grow(&varve.Options{MemtableBytes: 8 << 20}, func(db *varve.DB) { s.commits(db, 6, 500) })
	}
	s.last()
	s.finish()
	return s
}

func emptySpecimen(t fataler, rng *rand.Rand, closed bool) *specimen {
	fs := vfs.NewStrict(rng.Uint64())
	keys := make([]string, specimenKeys)
	for i := range keys {
		keys[i] = fmt.Sprintf("key%05d", i)
	}
	return &specimen{folder: folder{t, fs, worldDir}, strict: fs, led: newLedger(keys), rng: rng, closed: closed}
}

// newSmallSpecimen makes a table, lives again, and stands in the log with the
// rest: small enough for every byte of it to be harmed.
func newSmallSpecimen(t fataler, rng *rand.Rand) *specimen {
	t.Helper()
	s := emptySpecimen(t, rng, true)
	s.grow(&varve.Options{MemtableBytes: 64 << 10}, func(db *varve.DB) {
		s.commits(db, 3, 50)
		s.must("Flush", db.Flush())
	})
	s.grow(&varve.Options{MemtableBytes: 64 << 10}, func(db *varve.DB) { s.commits(db, 2, 50) })
	s.finish()
	return s
}

// finish notes which files there are.
func (s *specimen) finish() {
	s.files = slices.DeleteFunc(s.names(), func(name string) bool { return kindOf(name) == "other" })
}

// grow opens, changes, and closes.
func (s *specimen) grow(o *varve.Options, change func(*varve.DB)) {
	s.t.Helper()
	o.FS, o.CacheBytes, o.Compression = s.strict, 256<<10, varve.Compression(s.rng.IntN(4))
	db, err := varve.Open(worldDir, o)
	s.must("Open", err)
	change(db)
	s.must("Close", db.Close())
	s.durable = len(s.led.units)
}

// last writes once more, and leaves the database closed or cut off.
func (s *specimen) last() {
	s.t.Helper()
	db, err := varve.Open(worldDir, &varve.Options{MemtableBytes: 8 << 20, FS: s.strict})
	s.must("Open", err)
	s.commits(db, 8, 500)
	if s.closed {
		s.must("Close", db.Close())
		s.durable = len(s.led.units)
		return
	}
	s.commit(db, 300, varve.Buffered) // may be lost
	image := s.strict.CrashImageKept()
	s.must("Close", db.Close())
	s.strict, s.fs = image, image
}

// commits writes units, each noted with where it ended.
func (s *specimen) commits(db *varve.DB, n, valueBytes int) {
	s.t.Helper()
	for range n {
		s.commit(db, valueBytes, varve.Written)
		s.commit(db, valueBytes, varve.Synced)
		s.durable = len(s.led.units)
		s.note()
	}
}

func (s *specimen) commit(db *varve.DB, valueBytes int, d varve.Durability) {
	s.t.Helper()
	unit := make([]change, 1+s.rng.IntN(5))
	for i := range unit {
		unit[i] = change{s.rng.IntN(specimenKeys), absent}
		if s.rng.IntN(5) != 0 {
			s.nextID++
			unit[i].to = newStamp(s.nextID, s.rng.IntN(valueBytes))
		}
	}
	s.nextID++ // and last a value that can be found in the log
	unit = append(unit, change{s.rng.IntN(specimenKeys), newStamp(s.nextID, 24+s.rng.IntN(valueBytes))})
	_, err := apply(db.With(d), s.led.keys, unit, true)
	s.must("write", err)
	s.led.units = append(s.led.units, unit)
}

// note finds the last value of the newest unit in the log: there it ends.
func (s *specimen) note() {
	s.t.Helper()
	newest := s.led.units[len(s.led.units)-1]
	value := newest[len(newest)-1].to.bytes(nil)
	since := logEnd{}
	if len(s.ends) > 0 {
		since = s.ends[len(s.ends)-1]
	}
	still := s.copied() // the engine takes segments away meanwhile
	for _, name := range still.of("log") {
		data, from := still.read(name), 0
		if name == since.name {
			from = since.end
		}
		if at := bytes.Index(data[from:], value); name >= since.name && at >= 0 {
			s.ends = append(s.ends, logEnd{name, from + at + len(value), len(s.led.units)})
			return
		}
	}
	s.t.Fatalf("a Synced value of %d B stands in no log", len(value))
}

// before is how many units are whole in the log before an offset of its newest
// segment. Units in tables and older segments count.
func (s *specimen) before(name string, offset int) (units int) {
	for _, e := range s.ends {
		if e.name < name || e.name == name && e.end <= offset {
			units = max(units, e.units)
		}
	}
	return units
}

// newestLog is the segment that was written last.
func (s *specimen) newestLog() string { return s.ends[len(s.ends)-1].name }

func tablesByLevel(m varve.Metrics) (n [7]int) {
	for i, l := range m.Levels {
		n[i] = l.Tables
	}
	return n
}

// copied is a copy of it, to be harmed.
func (s *specimen) copied() folder { return folder{s.t, s.strict.CrashImageKept(), s.dir} }
