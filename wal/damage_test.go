package wal

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/varvekv/varve/internal/corruption"
	"github.com/varvekv/varve/internal/invariants"
	"github.com/varvekv/varve/internal/recordio"
	"github.com/varvekv/varve/vfs"
)

// Damage at rest. What a mark proves durable must never be missing in silence;
// what nothing proves must open.

// damageCase is a small log and what is proven of it.
type damageCase struct {
	name    string
	fs      *vfs.Strict
	records []Record
	proven  LSN              // by all files together: everything before it must be there, or an error
	ends    map[string]int64 // logical end of each file
}

// smallLog appends across three segments and leaves the log as end says.
func smallLog(t testing.TB, name string, end func(*Log)) *damageCase {
	t.Helper()
	c := &damageCase{name: name, fs: vfs.NewStrict(1), ends: map[string]int64{}}
	l, _ := mustOpen(t, c.fs, Options{SegmentBytes: 16 << 10})
	for i := range 9 {
		p := payload(i, 5+i*13)
		lsn, err := l.AppendSync(p)
		if err != nil {
			t.Fatal(err)
		}
		c.records = append(c.records, Record{lsn, p})
		if i%3 == 2 && i < 8 {
			l.Cut()
		}
	}
	end(l)
	l.mu.Lock()
	for _, s := range l.segments {
		c.ends[s.name] = s.offsetOf(s.end)
	}
	l.mu.Unlock()
	c.fs = c.fs.CrashImageKept()
	c.proven = c.provenBy(t, "")
	return c
}

func smallLogs(t testing.TB) []*damageCase {
	return []*damageCase{
		smallLog(t, "closed", func(l *Log) { mustClose(t, l) }),
		smallLog(t, "idle", func(l *Log) {
			l.line.takeLead()
			if err := l.writePending(takeMark); err != nil {
				t.Fatal(err)
			}
			l.handOver()
			t.Cleanup(func() { mustClose(t, l) })
		}),
		smallLog(t, "busy", func(l *Log) { t.Cleanup(func() { mustClose(t, l) }) }),
	}
}

func edit(t testing.TB, f *vfs.Strict, name string, change func(vfs.File) error) {
	t.Helper()
	d, err := f.OpenDir("log", false)
	if err != nil {
		t.Fatal(err)
	}
	file, err := d.OpenReadWrite(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(change(file), file.Close(), d.Close()); err != nil {
		t.Fatal(err)
	}
}

func flip(offset int64, bit int) func(vfs.File) error {
	return func(f vfs.File) error {
		var b [1]byte
		if _, err := f.ReadAt(b[:], offset); err != nil {
			return err
		}
		b[0] ^= 1 << bit
		_, err := f.WriteAt(b[:], offset)
		return err
	}
}

// verified counts cases: most are opened read-only, which is quicker.
var verified int

// verify opens a damaged copy. mustFail: the damage lies below the proof.
func (c *damageCase) verify(t *testing.T, f *vfs.Strict, what string, proven LSN, mustFail bool, file string) *Recovery {
	t.Helper()
	verified++
	l, rep, err := Open("log", &Options{FS: f, SegmentBytes: 16 << 10, ReadOnly: verified%16 != 0})
	if err != nil {
		var ce *corruption.Error
		if !errors.As(err, &ce) || !errors.Is(err, ErrCorruption) || ce.File == "" || ce.Reason == "" || rep.Verdict == Clean || rep.Verdict == TornTail {
			t.Fatalf("%s %s: %v (%+v)", c.name, what, err, *rep)
		}
		if file != "" && ce.File != file {
			t.Fatalf("%s %s: the error names %s: %v", c.name, what, ce.File, err)
		}
		if !mustFail {
			t.Fatalf("%s %s: an honest tail was refused: %v (%+v)", c.name, what, err, *rep)
		}
		return rep
	}
	defer mustClose(t, l)
	got := contents(t, l)
	if mustFail {
		t.Fatalf("%s %s: opened with %d of %d records: %+v", c.name, what, len(got), len(c.records), *rep)
	}
	if len(got) > len(c.records) {
		t.Fatalf("%s %s: %d records", c.name, what, len(got))
	}
	same(t, got, c.records[:len(got)])
	if len(got) < len(c.records) && c.records[len(got)].LSN < proven {
		t.Fatalf("%s %s: record %d was lost in silence: %+v", c.name, what, len(got), *rep)
	}
	return rep
}

func (c *damageCase) names() (names []string) {
	for name := range c.ends {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// first is the position of a file's first frame.
func (c *damageCase) lsnAt(t testing.TB, name string, offset int64) LSN {
	f := &found{name: name}
	d, err := c.fs.OpenDir("log", false)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.readHeader(d); err != nil {
		t.Fatal(err)
	}
	return f.header.first + LSN(max(offset, headerBytes)-headerBytes)
}

// stride leaves cases out under the race detector, where each is ten times as slow.
func stride() int64 {
	if invariants.Enabled {
		return 13
	}
	return 1
}

func TestEveryBitFlipBelowTheMarkIsCorruption(t *testing.T) {
	for _, c := range smallLogs(t) {
		flips := 0
		for _, name := range c.names() {
			for offset := int64(0); offset < c.ends[name]; offset += stride() {
				bits := []int{int(offset) % 8}
				if offset >= headerBytes || offset < 200 {
					bits = []int{0, 1, 2, 3, 4, 5, 6, 7}
				}
				for _, bit := range bits {
					f := c.fs.CrashImageKept()
					edit(t, f, name, flip(offset, bit))
					what := fmt.Sprintf("flip %s %d.%d", name, offset, bit)
					// The frame that the byte belongs to begins at or before it.
					below := c.lsnAt(t, name, offset) < c.proven
					c.verify(t, f, what, c.proven, below, name)
					flips++
				}
			}
		}
		t.Logf("%s: %d flips, proven up to %d of %d", c.name, flips, c.proven, c.records[len(c.records)-1].LSN)
	}
}

func TestTruncationAtEveryLengthIsHonestOrCorrupt(t *testing.T) {
	for _, c := range smallLogs(t) {
		for _, name := range c.names() {
			last := name == c.names()[len(c.names())-1]
			for n := int64(0); n < c.ends[name]; n += stride() {
				f := c.fs.CrashImageKept()
				edit(t, f, name, func(f vfs.File) error { return f.Truncate(n) })
				// Proof that lies in the cut part is gone with it; a later file's stays.
				proven := LSN(0)
				if !last {
					proven = c.provenBy(t, name)
				}
				mustFail := c.lsnAt(t, name, n) < proven
				c.verify(t, f, fmt.Sprintf("cut %s at %d", name, n), proven, mustFail, "")
				if c.zeros(t, name, n) {
					continue // it was zero before
				}
				f = c.fs.CrashImageKept()
				edit(t, f, name, func(f vfs.File) error {
					_, err := f.WriteAt(make([]byte, c.ends[name]-n), n)
					return err
				})
				c.verify(t, f, fmt.Sprintf("zeros in %s from %d", name, n), proven, mustFail, "")
			}
		}
	}
}

func (c *damageCase) zeros(t testing.TB, name string, from int64) (zero bool) {
	edit(t, c.fs, name, func(f vfs.File) (err error) {
		zero, _, err = recordio.AllZero(f, from, c.ends[name])
		return err
	})
	return zero
}

// provenBy is what the files behind name prove.
func (c *damageCase) provenBy(t testing.TB, name string) LSN {
	d, err := c.fs.OpenDir("log", false)
	if err != nil {
		t.Fatal(err)
	}
	r := &recoverer{dir: d}
	for _, other := range c.names() {
		if other <= name {
			continue
		}
		f := &found{name: other}
		if err := f.readHeader(d); err != nil {
			t.Fatal(err)
		}
		r.proof = max(r.proof, f.header.durable)
		if _, err := r.behindFile(f, headerBytes); err != nil {
			t.Fatal(err)
		}
	}
	return r.proof
}

func TestMissingAndSwappedSegmentsAreFound(t *testing.T) {
	c := smallLogs(t)[0]
	names := c.names()
	for i, name := range names {
		f := c.fs.CrashImageKept()
		d, _ := f.OpenDir("log", false)
		if err := d.Remove(name); err != nil {
			t.Fatal(err)
		}
		if rep := c.verifyAny(t, f, "without "+name, i < len(names)-1); i < len(names)-1 && rep.Verdict != Gap {
			t.Fatalf("without %s: %+v", name, *rep)
		}
		for _, other := range names[i+1:] {
			f := c.fs.CrashImageKept()
			d, _ := f.OpenDir("log", false)
			for _, move := range [][2]string{{name, "x"}, {other, name}, {"x", other}} {
				if err := d.Rename(move[0], move[1]); err != nil {
					t.Fatal(err)
				}
			}
			if rep := c.verifyAny(t, f, "swapped "+name+" "+other, true); rep.Verdict != Stale {
				t.Fatalf("swapped: %+v", *rep)
			}
		}
	}
}

func (c *damageCase) verifyAny(t *testing.T, f *vfs.Strict, what string, mustFail bool) *Recovery {
	t.Helper()
	return c.verify(t, f, what, 0, mustFail, "")
}

// A log whose newest header a crash cut short or zeroed opens.
func TestNewestSegmentWithoutAHeaderIsATornTail(t *testing.T) {
	c := smallLogs(t)[2]
	names := c.names()
	last := names[len(names)-1]
	for _, n := range []int64{0, 1, 500, 2100, 4095} {
		f := c.fs.CrashImageKept()
		edit(t, f, last, func(f vfs.File) error { return f.Truncate(n) })
		c.verify(t, f, fmt.Sprintf("header cut at %d", n), 0, false, "")
	}
}

func TestPoliciesAgainstDamage(t *testing.T) {
	c := smallLogs(t)[0]
	names := c.names()
	damaged := func() *vfs.Strict {
		f := c.fs.CrashImageKept()
		edit(t, f, names[1], flip(headerBytes+30, 3)) // record 3
		return f
	}
	f := damaged()
	if _, rep, err := Open("log", &Options{FS: f}); !errors.Is(err, ErrCorruption) || rep.Verdict != Corrupt || rep.File != names[1] || rep.Offset != headerBytes {
		t.Fatal(err, *rep)
	}
	before := f.Fingerprint()
	if _, _, err := Open("log", &Options{FS: f}); err == nil || f.Fingerprint() != before {
		t.Fatal("a refused open changed something")
	}

	l, rep := mustOpen(t, f, Options{Policy: PointInTime})
	same(t, contents(t, l), c.records[:3])
	if rep.Verdict != Corrupt || len(rep.SetAside) != 1 || rep.SetAside[0] != names[2]+".torn" {
		t.Fatalf("%+v", *rep)
	}
	mustClose(t, l)
	l, rep = mustOpen(t, f, Options{}) // it was cut for good
	same(t, contents(t, l), c.records[:3])
	if rep.Verdict != Clean {
		t.Fatalf("%+v", *rep)
	}
	mustClose(t, l)

	torn := c.fs.CrashImageKept()
	edit(t, torn, names[2], flip(c.ends[names[2]]-10, 3)) // the seal
	if _, rep, err := Open("log", &Options{FS: torn, Policy: Strict}); err == nil || rep.Verdict != TornTail {
		t.Fatal(err, *rep)
	}
	l, rep = mustOpen(t, torn, Options{})
	same(t, contents(t, l), c.records)
	if rep.Verdict != TornTail {
		t.Fatalf("%+v", *rep)
	}
	mustClose(t, l)
}

func TestSalvageReplaysWhatIsValidBehindTheDamage(t *testing.T) {
	f := vfs.NewStrict(1)
	l, _ := mustOpen(t, f, Options{SegmentBytes: 16 << 10})
	for i := range uint64(6) {
		p, sum := ops(i+1, fmt.Sprint("k", i), "v")
		ticket := l.AppendOps(p, sum, i+1, 1)
		if err := l.Commit(ticket.End, Synced); err != nil {
			t.Fatal(err)
		}
		if i == 2 {
			l.Cut()
		}
	}
	mustClose(t, l)
	edit(t, f, segmentName(1), flip(headerBytes+26, 1))
	var got []uint64
	o := Options{Policy: Salvage, Replay: func(u Unit) error { got = append(got, u.FirstSeq); return nil }}
	l, rep := mustOpen(t, f, o)
	if !slices.Equal(got, []uint64{2, 3, 4, 5, 6}) || rep.Verdict != Corrupt {
		t.Fatal(got, *rep)
	}
	mustClose(t, l)
}

// A segment of a later format, or with features this version does not know, is
// refused by name, and is not called damaged.
func TestLaterVersionsAreRefusedByName(t *testing.T) {
	for _, change := range []func(p []byte){
		func(p []byte) { p[8]++ },
		func(p []byte) { p[12] = 3 }, // a state
		func(p []byte) { p[16] = 1 },
		func(p []byte) { p[24] = 1 },
	} {
		h := segmentHeader{state: stateSegment, number: 1, identity: 5}
		block := appendHeader(nil, &h)
		change(block)
		sealHeader(block)
		f := vfs.NewStrict(1)
		d, _ := f.OpenDir("log", true)
		file, err := d.Create(segmentName(1))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := file.WriteAt(block, 0); err != nil {
			t.Fatal(err)
		}
		for policy := TolerateTornTail; policy <= Salvage; policy++ {
			_, _, err = Open("log", &Options{FS: f, Policy: policy})
			if !errors.Is(err, ErrUnsupported) || errors.Is(err, ErrCorruption) || !strings.Contains(err.Error(), segmentName(1)) {
				t.Fatal(err)
			}
		}
	}
}

func TestAFileInTheWayIsAnError(t *testing.T) {
	f := vfs.NewStrict(1)
	if _, _, err := Open("log", &Options{FS: f, ReadOnly: true}); !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
}
