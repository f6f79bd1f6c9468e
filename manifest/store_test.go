package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/varvekv/varve/internal/corruption"
	"github.com/varvekv/varve/internal/filename"
	"github.com/varvekv/varve/vfs"
)

func TestStateSurvivesReopen(t *testing.T) {
	d := openDir(t, vfs.NewStrict(1))
	s := mustCreate(t, d)
	identity := s.State().Identity
	script(t, s)
	want := describeStore(s)
	mustClose(t, s)
	s, st := mustOpen(t, d)
	st.Edit-- // Close adds a mark
	if got := describe(st); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	if st.Identity != identity || st.Report.Torn || st.Report.File != "MANIFEST-000001" {
		t.Errorf("%+v", st)
	}
	mustClose(t, s)
	if again, st2 := mustOpen(t, d); st2.Edit != st.Edit+1 {
		t.Errorf("closing without a change made edit %d", st2.Edit)
	} else {
		mustClose(t, again)
	}
}

func TestGoldenFiles(t *testing.T) {
	d := openDir(t, vfs.NewStrict(1))
	s := mustCreate(t, d)
	script(t, s)
	mustClose(t, s)
	files := filesOf(t, d)
	golden(t, "v1-manifest.bin", bytes.TrimRight(files["MANIFEST-000001"], "\x00"))
	golden(t, "v1-current.txt", files["CURRENT"])

	s, st := mustOpen(t, d)
	golden(t, "v1-state.txt", []byte(describe(st)))
	mustClose(t, s)
}

func TestCreateInitial(t *testing.T) {
	d := openDir(t, vfs.NewStrict(1))
	s := mustCreate(t, d)
	script(t, s)
	o := testOptions()
	o.Initial = s.Snapshot()
	o.Initial.NextFile = 5 // too low for its slices
	to := openDir(t, vfs.NewStrict(2))
	copied, st, err := Create(to, o)
	if err != nil {
		t.Fatal(err)
	}
	was := s.State()
	was.Edit = 1
	if got, want := describe(st), describe(&was); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	for sl := range st.Version.All() {
		if n := mustNumber(t, copied); n <= sl.ID {
			t.Errorf("number %d again", n)
		}
	}
	mustClose(t, copied)
	mustClose(t, s)
	_, st = mustOpen(t, to)
	if full(st.Version) != full(was.Version) {
		t.Errorf("after reopen:\n%s", st.Version)
	}
	o.Initial.Added = append(o.Initial.Added, o.Initial.Added[0])
	if _, _, err := Create(openDir(t, vfs.NewStrict(3)), o); !errors.Is(err, ErrInvalid) {
		t.Errorf("an invalid initial edit: %v", err)
	}
}

func TestApplyRefusesWithoutHarm(t *testing.T) {
	d := openDir(t, vfs.NewStrict(1))
	s := mustCreate(t, d)
	script(t, s)
	want := describeStore(s)
	n := mustNumber(t, s)
	beyond := newSlice(n, 0, n, "a", "b")
	beyond.SeqMax = 301
	live := s.Version().Levels[1].Runs[0].Slices[0].ID
	for name, e := range map[string]*Edit{
		"number not handed out": {Added: []*Slice{newSlice(n+1, 0, n, "a", "b")}, LastSeq: 1 << 40},
		"file not handed out":   {Added: []*Slice{{ID: n, File: n + 1, FileBytes: 1}}},
		"sequence unknown":      {Added: []*Slice{beyond}},
		"sequence goes down":    {LastSeq: 299},
		"sequence too great":    {LastSeq: 1 << 56},
		"overlap":               {Added: []*Slice{newSlice(n, 1, 1, "w", "y")}, LastSeq: 1 << 40},
		"live id":               {Added: []*Slice{newSlice(live, 5, 1, "w", "y")}, LastSeq: 1 << 40},
		"not live":              {Removed: []uint64{n}},
		"counter":               {NextFile: 1 << 30},
		"log needed goes down":  {LogFrom: &LogPoint{2, 8192}},
		"log needed goes back":  {LogFrom: &LogPoint{3, 8191}},
		"epoch goes down":       {LogAccepted: &LogAccepted{Identity: 77, Epoch: 1, End: 9000}},
		"accepted goes down":    {LogAccepted: &LogAccepted{Identity: 77, Epoch: 3, End: 8999}},
		"no log identity":       {LogAccepted: &LogAccepted{Epoch: 3}},
	} {
		if _, err := s.Apply(e); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := describeStore(s); got != want || s.Err() != nil {
		t.Errorf("%v, got:\n%s\nwant:\n%s", s.Err(), got, want)
	}
	// Another log begins anew.
	mustApply(t, s, &Edit{LogAccepted: &LogAccepted{Identity: 78, Epoch: 1}, LogFrom: &LogPoint{1, 0}})
	if st := s.State(); st.DurableLSN != 0 || st.LogFrom.Segment != 1 {
		t.Errorf("%+v", st)
	}
	mustClose(t, s)
}

func TestFileNumbersAreNeverHandedOutTwice(t *testing.T) {
	d := openDir(t, vfs.NewStrict(1))
	s := mustCreate(t, d)
	seen := map[uint64]bool{s.State().Manifest: true}
	take := func() uint64 {
		n := mustNumber(t, s)
		if seen[n] {
			t.Fatalf("number %d again", n)
		}
		seen[n] = true
		return n
	}
	for range 5 {
		for range 150 {
			take()
		}
		mustClose(t, s)
		s, _ = mustOpen(t, d)
	}
	greatest := take()
	writeAll(t, d, filename.Make(filename.Table, greatest+1000), []byte("x"))
	writeAll(t, d, filename.MakeTorn(filename.Make(filename.Table, greatest+2000)), []byte("x"))
	writeAll(t, d, filename.Make(filename.Table, 1<<63), []byte("someone else's"))
	mustClose(t, s)
	s, _ = mustOpen(t, d)
	if n := take(); n <= greatest+2000 || n > greatest+3000 {
		t.Errorf("number %d beside a file %d", n, greatest+2000)
	}
	s.RaiseNextFile(100_000)
	s.RaiseNextFile(50_000)
	if n := take(); n != 100_000 {
		t.Errorf("number %d after raising", n)
	}
	edits := s.State().Edit
	for range fileStep {
		take()
	}
	if got := s.State().Edit - edits; got > 1 {
		t.Errorf("%d numbers cost %d edits", fileStep, got)
	}
	s.RaiseNextFile(1 << 63)
	if _, err := s.NextFileNumber(); !errors.Is(err, ErrInvalid) {
		t.Errorf("past the end of numbers: %v", err)
	}
	mustClose(t, s)
}

func TestLongManifestIsRewritten(t *testing.T) {
	m := vfs.NewStrict(1)
	d := openDir(t, m)
	o := testOptions()
	o.rewriteBytesMin = 2000
	s, _, err := Create(d, o)
	if err != nil {
		t.Fatal(err)
	}
	writeAll(t, d, "MANIFEST-000900", []byte("of a rewrite that crashed"))
	for i := range 300 {
		e := &Edit{LastSeq: 1 << 40}
		for level := range s.Version().Levels { // replace everything
			for _, sl := range s.Version().Overlapping(level, nil, nil) {
				e.Removed = append(e.Removed, sl.ID)
			}
		}
		n := mustNumber(t, s)
		e.Added = append(e.Added, newSlice(n, i%LevelCount, 1, "a", "b"))
		mustApply(t, s, e)
		if got := names(t, d, filename.Manifest); s.Metrics().Rewrites > 0 && len(got) != 1 || got[0] != filename.Make(filename.Manifest, s.State().Manifest) {
			t.Fatalf("edit %d: manifests %v", i, got)
		}
	}
	met := s.Metrics()
	if met.Rewrites < 10 || met.FileBytes > 10_000 || met.Slices != 1 || met.Edit < 300 {
		t.Errorf("%+v", met)
	}
	want := describeStore(s)
	mustClose(t, s)
	if h := m.Handles(); len(h) != 1 { // the directory
		t.Errorf("open: %v", h)
	}
	s, st := mustOpen(t, d)
	st.Edit = met.Edit
	if got := describe(st); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	mustClose(t, s)
}

// A rewrite takes a file number too, when a mere mark causes it as well.
func TestRewriteKeepsTheCounterAboveItsNumber(t *testing.T) {
	d := openDir(t, vfs.NewStrict(1))
	s := mustCreate(t, d)
	for range 20 {
		mustApply(t, s, &Edit{LogAccepted: &LogAccepted{Identity: 3, Epoch: 1 << 40}})
	}
	s.o.rewriteBytesMin = 1
	s.RaiseNextFile(5000)
	mustClose(t, s)
	s, st := mustOpen(t, d)
	if st.Manifest != 5000 || st.NextFile <= st.Manifest {
		t.Errorf("manifest %d, next file %d", st.Manifest, st.NextFile)
	}
	mustClose(t, s)
}

func TestEditLongerThanAFrame(t *testing.T) {
	d := openDir(t, vfs.NewStrict(1))
	s := mustCreate(t, d)
	e := &Edit{LastSeq: 1 << 40}
	for i := range 300 {
		n := mustNumber(t, s)
		key := strings.Repeat("k", 4000) + fmt.Sprintf("%06d", i)
		e.Added = append(e.Added, newSlice(n, 1, 1, key, key+strings.Repeat("z", 4000)))
	}
	mustApply(t, s, e) // 2.4 MB
	n := mustNumber(t, s)
	mustApply(t, s, &Edit{Added: []*Slice{newSlice(n, 0, n, "a", "b")}})
	want := full(s.Version())
	mustClose(t, s)
	s, st := mustOpen(t, d)
	if full(st.Version) != want {
		t.Error("the version differs")
	}
	mustClose(t, s)
}

func TestManifestStaysWrittenAhead(t *testing.T) {
	m := vfs.NewStrict(1)
	d := openDir(t, m)
	s := mustCreate(t, d)
	ahead := func() int64 {
		info, err := d.Stat(filename.Make(filename.Manifest, s.State().Manifest))
		if err != nil {
			t.Fatal(err)
		}
		return info.SizeBytes - s.Metrics().FileBytes
	}
	for range 300 {
		id := mustNumber(t, s)
		key := strings.Repeat("k", 300)
		mustApply(t, s, &Edit{Added: []*Slice{newSlice(id, 0, id, key, key)}, LastSeq: 1 << 40})
		if ahead() < aheadBytes {
			t.Fatalf("%d bytes written ahead", ahead())
		}
	}
	// On a full disk, edits go on as long as the zeros last.
	info, err := d.Stat(filename.Make(filename.Manifest, s.State().Manifest))
	if err != nil {
		t.Fatal(err)
	}
	m.SetCapacity(info.SizeBytes+4096, 0)
	for range 20 {
		id := s.Version().Levels[0].Runs[0].Slices[0].ID
		mustApply(t, s, &Edit{Removed: []uint64{id}})
	}
	mustClose(t, s)
}

func TestReadOnlyWritesNothing(t *testing.T) {
	m := vfs.NewStrict(1)
	d := openDir(t, m)
	s := mustCreate(t, d)
	script(t, s)
	want := describeStore(s)
	mustCrash := m.CrashImageKept() // without the mark of a Close
	d = openDir(t, mustCrash)
	mustCrash.SetReadOnly(true)
	before := mustCrash.Fingerprint()
	o := Options{ReadOnly: true}
	r, st, err := Open(d, o)
	if err != nil {
		t.Fatal(err)
	}
	if describe(st) != want || full(r.Version()) != full(st.Version) {
		t.Errorf("got:\n%s\nwant:\n%s", describe(st), want)
	}
	if _, err := r.Apply(&Edit{}); !errors.Is(err, ErrReadOnly) {
		t.Errorf("Apply: %v", err)
	}
	if _, err := r.NextFileNumber(); !errors.Is(err, ErrReadOnly) {
		t.Errorf("NextFileNumber: %v", err)
	}
	if r.Metrics().Edit != st.Edit || r.Metrics().FileBytes == 0 {
		t.Errorf("%+v", r.Metrics())
	}
	mustClose(t, r)
	if mustCrash.Fingerprint() != before {
		t.Error("something was written")
	}
	if _, _, err := Create(d, o); !errors.Is(err, ErrReadOnly) {
		t.Errorf("Create: %v", err)
	}
	mustClose(t, s)
}

func TestClosedStore(t *testing.T) {
	s := mustCreate(t, openDir(t, vfs.NewStrict(1)))
	mustClose(t, s)
	mustClose(t, s)
	if _, err := s.Apply(&Edit{}); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	if _, err := s.NextFileNumber(); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	if s.Version() == nil {
		t.Error("no version")
	}
}

func TestNoDatabase(t *testing.T) {
	if _, _, err := Open(dirOf(t, map[string][]byte{"README": nil}), testOptions()); !errors.Is(err, ErrNoDatabase) {
		t.Error(err)
	}
	s := mustCreate(t, openDir(t, vfs.NewStrict(1)))
	defer mustClose(t, s)
	if _, _, err := Create(s.d, testOptions()); !errors.Is(err, fs.ErrExist) {
		t.Errorf("creating over a database: %v", err)
	}
}

func TestBrokenDirectories(t *testing.T) {
	base := func() map[string][]byte {
		d := openDir(t, vfs.NewStrict(1))
		s := mustCreate(t, d)
		script(t, s)
		mustClose(t, s)
		return filesOf(t, d)
	}
	const manifest = "MANIFEST-000001"
	for _, c := range []struct {
		name   string
		change func(f map[string][]byte)
		want   []string
	}{
		{"CURRENT missing", func(f map[string][]byte) {
			delete(f, "CURRENT")
			f["000003.sst"], f["000004.log"], f["000005.log"], f["000006.log"] = nil, nil, nil, nil
		}, []string{"CURRENT", "missing beside 000003.sst, 000004.log, 000005.log and 1 more", "not a varve database"}},
		{"CURRENT of another engine", func(f map[string][]byte) { f["CURRENT"] = []byte("MANIFEST-000001\n") },
			[]string{"CURRENT", "not a varve database"}},
		{"CURRENT empty", func(f map[string][]byte) { f["CURRENT"] = nil }, []string{"CURRENT", "not a varve database"}},
		{"CURRENT huge", func(f map[string][]byte) { f["CURRENT"] = append(f["CURRENT"], make([]byte, 1<<20)...) },
			[]string{"CURRENT", "checksum"}},
		{"manifest missing", func(f map[string][]byte) { delete(f, manifest) },
			[]string{"CURRENT", "names MANIFEST-000001, which is missing"}},
		{"manifest empty", func(f map[string][]byte) { f[manifest] = nil }, []string{manifest, "truncated"}},
		{"manifest of another engine", func(f map[string][]byte) { f[manifest] = bytes.Repeat([]byte("leveldb"), 3000) },
			[]string{manifest, "not a manifest"}},
		{"manifest of another database", func(f map[string][]byte) {
			d := openDir(t, vfs.NewStrict(1))
			o := testOptions()
			o.Random = func() uint64 { return 99 }
			s, _, _ := Create(d, o)
			mustClose(t, s)
			f[manifest] = readAll(t, d, manifest)
		}, []string{manifest, "a foreign file"}},
		{"manifest truncated", func(f map[string][]byte) { f[manifest] = f[manifest][:9000] },
			[]string{manifest, "truncated: it has 9000 bytes"}},
		{"first edit lost", func(f map[string][]byte) { clear(f[manifest][4096:]) },
			[]string{manifest, "offset 4096", "the first edit"}},
	} {
		files := base()
		c.change(files)
		d := dirOf(t, files)
		_, _, err := Open(d, testOptions())
		if !errors.Is(err, corruption.Err) {
			t.Errorf("%s: %v", c.name, err)
		}
		for _, want := range c.want {
			if !strings.Contains(fmt.Sprint(err), want) {
				t.Errorf("%s: error %q lacks %q", c.name, err, want)
			}
		}
		if c.name == "CURRENT missing" {
			if _, _, err := Create(d, testOptions()); !errors.Is(err, corruption.Err) {
				t.Errorf("Create: %v", err)
			}
		}
		if got := filesOf(t, d); len(got) != len(files) {
			t.Errorf("%s: Open left %d files of %d", c.name, len(got), len(files))
		}
	}
}

func TestProvenEdit(t *testing.T) {
	d := openDir(t, vfs.NewStrict(1))
	s := mustCreate(t, d)
	script(t, s)
	last := s.State().Edit
	if err := s.ProveEdit(last); err != nil {
		t.Error(err)
	}
	mustClose(t, s)
	// What the proof refuses stays refused: nothing takes the lost edit's number.
	for range 2 {
		s, _ := mustOpen(t, d)
		if err := s.ProveEdit(last + 2); !errors.Is(err, corruption.Err) {
			t.Error(err)
		}
		if _, err := s.Apply(&Edit{DurableLSN: 1}); !errors.Is(err, corruption.Err) {
			t.Error(err)
		}
		mustClose(t, s)
	}
	o := testOptions()
	o.ProvenEdit = last + 2 // Close made last+1
	if _, _, err := Open(d, o); !errors.Is(err, corruption.Err) || !strings.Contains(err.Error(), "MANIFEST-000001") {
		t.Error(err)
	}
	o.ProvenEdit = last + 1
	s, _, err := Open(d, o)
	if err != nil {
		t.Fatal(err)
	}
	mustClose(t, s)
}
