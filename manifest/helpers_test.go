package manifest

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/varvekv/varve/internal/filename"
	"github.com/varvekv/varve/internal/invariants"
	"github.com/varvekv/varve/vfs"
)

var rewriteGolden = flag.Bool("rewrite", false, "write the golden files of testdata anew")

// thin is how many cases pass for each one tried: all are tried, but for builds
// with dear assertions, which take ten times as long and look for other things.
func thin() int {
	if invariants.Enabled {
		return 12
	}
	return 1
}

// golden compares got with a file of testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *rewriteGolden {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs:\ngot:\n%s\nwant:\n%s", name, printable(got), printable(want))
	}
}

func printable(p []byte) string {
	if bytes.IndexByte(p, 0) >= 0 {
		return fmt.Sprintf("%x", p)
	}
	return string(p)
}

// testOptions are deterministic: a clock that stands, a counted random source.
func testOptions() Options {
	r := rand.New(rand.NewPCG(1, 2))
	return Options{
		Now:    func() time.Time { return time.Unix(1_700_000_000, 0) },
		Random: r.Uint64,
	}
}

func openDir(t testing.TB, fs vfs.FS) vfs.Dir {
	t.Helper()
	d, err := fs.OpenDir("db", true)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func mustCreate(t testing.TB, d vfs.Dir) *Store {
	t.Helper()
	s, _, err := Create(d, testOptions())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func mustOpen(t testing.TB, d vfs.Dir) (*Store, *State) {
	t.Helper()
	s, st, err := Open(d, testOptions())
	if err != nil {
		t.Fatal(err)
	}
	return s, st
}

func mustApply(t testing.TB, s *Store, e *Edit) *Version {
	t.Helper()
	v, err := s.Apply(e)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func mustClose(t testing.TB, s *Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func mustNumber(t testing.TB, s *Store) uint64 {
	t.Helper()
	n, err := s.NextFileNumber()
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// newSlice makes a slice whose figures follow from its id.
func newSlice(id uint64, level int, run uint64, lower, upper string) *Slice {
	return &Slice{
		ID: id, File: id, Identity: id * 0x9e3779b97f4a7c15, Level: level, Run: run,
		FileBytes: 4096 * int64(id), Lower: []byte(lower), Upper: []byte(upper),
		SeqMin: id, SeqMax: 10 * id, TimeMin: 1000, TimeMax: 2000,
		Entries: 100 * id, Tombstones: id, UserKeys: 99 * id, KeyBytes: 1600 * id, ValueBytes: 10000 * id,
		EntrySum: ^id * 0xbf58476d1ce4e5b9,
	}
}

// parseSlices reads the small language of these tests: a line "L0 r5" begins a
// run, each word after it is a slice id:lower-upper.
func parseSlices(t testing.TB, text string) []*Slice {
	t.Helper()
	var all []*Slice
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		var level int
		var run uint64
		if _, err := fmt.Sscanf(words[0]+" "+words[1], "L%d r%d", &level, &run); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		for _, word := range words[2:] {
			idText, bounds, _ := strings.Cut(word, ":")
			var id uint64
			if _, err := fmt.Sscan(idText, &id); err != nil {
				t.Fatalf("%q: %v", word, err)
			}
			lower, upper, _ := strings.Cut(bounds, "-")
			all = append(all, newSlice(id, level, run, lower, upper))
		}
	}
	return all
}

func parseVersion(t testing.TB, text string) *Version {
	t.Helper()
	v, err := new(Version).Apply(&Edit{Added: parseSlices(t, text)})
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Check(); err != nil {
		t.Fatal(err)
	}
	return v
}

// brief is the version in the small language, without runs' ids where 0.
func brief(v *Version) string {
	var b strings.Builder
	for level := range v.Levels {
		for _, run := range v.Levels[level].Runs {
			fmt.Fprintf(&b, "L%d r%d", level, run.ID)
			for _, s := range run.Slices {
				fmt.Fprintf(&b, " %d:%s-%s", s.ID, s.Lower, s.Upper)
			}
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// describe is everything of a state that edits determine.
func describe(st *State) string {
	return fmt.Sprintf("edit %d, last sequence %d, log from %+v, log %+v, durable %d\n%s",
		st.Edit, st.LastSeq, st.LogFrom, st.Log, st.DurableLSN, full(st.Version))
}

// full is every figure of every slice.
func full(v *Version) string {
	var b strings.Builder
	for s := range v.All() {
		figures := *s
		figures.Lower, figures.Upper = nil, nil
		fmt.Fprintf(&b, "%q-%q %+v\n", s.Lower, s.Upper, figures)
	}
	return b.String()
}

// readAll and writeAll are whole files.
func readAll(t testing.TB, d vfs.Dir, name string) []byte {
	t.Helper()
	f, err := d.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		t.Fatal(err)
	}
	p := make([]byte, size)
	if n, err := f.ReadAt(p, 0); n < len(p) {
		t.Fatal(err)
	}
	return p
}

func writeAll(t testing.TB, d vfs.Dir, name string, p []byte) {
	t.Helper()
	f, err := d.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(p[:usedBytes(p)], 0); err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(int64(len(p))); err != nil { // zeros behind: quicker
		t.Fatal(err)
	}
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := d.Sync(); err != nil {
		t.Fatal(err)
	}
}

// dirOf makes a directory in memory that holds exactly these files.
func dirOf(t testing.TB, files map[string][]byte) vfs.Dir {
	t.Helper()
	d := openDir(t, vfs.NewStrict(1))
	for name, p := range files {
		writeAll(t, d, name, p)
	}
	return d
}

func filesOf(t testing.TB, d vfs.Dir) map[string][]byte {
	t.Helper()
	names, err := d.List()
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, name := range names {
		files[name] = readAll(t, d, name)
	}
	return files
}

// names are the directory's files of one kind.
func names(t testing.TB, d vfs.Dir, kind filename.Kind) []string {
	t.Helper()
	all, err := d.List()
	if err != nil {
		t.Fatal(err)
	}
	var some []string
	for _, name := range all {
		if k, _ := filename.Parse(name); k == kind {
			some = append(some, name)
		}
	}
	return some
}

// script fills a database with edits of every kind and returns the description
// of the state after each, from the creation on.
func script(t testing.TB, s *Store) []string {
	t.Helper()
	states := []string{describeStore(s)}
	for range 8 {
		mustNumber(t, s)
	}
	for _, e := range scriptEdits(s.next - 8) {
		mustApply(t, s, e)
		states = append(states, describeStore(s))
	}
	return states
}

func describeStore(s *Store) string {
	st := s.State()
	return describe(&st)
}

// scriptEdits use the eight file numbers from first on.
func scriptEdits(first uint64) []*Edit {
	id := func(i uint64) uint64 { return first + i }
	return []*Edit{
		{LogAccepted: &LogAccepted{Identity: 77, Epoch: 1, Segment: 1}},
		{Added: []*Slice{newSlice(id(0), 0, id(0), "a", "m")}, LastSeq: 200, LogFrom: &LogPoint{2, 4096}, DurableLSN: 4000},
		{Added: []*Slice{newSlice(id(1), 0, id(1), "b", "x")}, LastSeq: 300, LogFrom: &LogPoint{3, 8192}, DurableLSN: 8192},
		{
			Removed: []uint64{id(0), id(1)},
			Added:   []*Slice{newSlice(id(2), 1, 1, "a", "k"), newSlice(id(3), 1, 1, "l", "x")},
		},
		{LogAccepted: &LogAccepted{Identity: 77, Epoch: 2, Segment: 5, End: 9000, Chain: 0xdeadbeef}},
		{Removed: []uint64{id(2)}, Added: []*Slice{newSlice(id(2), 2, 2, "a", "k")}},
	}
}
