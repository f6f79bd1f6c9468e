package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/varvekv/varve/internal/corruption"
	"github.com/varvekv/varve/internal/recordio"
	"github.com/varvekv/varve/vfs"
)

// What bytes on disk may look like, and what Open makes of them: the state of
// all edits, or an error, or, where nothing proves the last edit, the state
// before it with a report. Never anything else.

const liveName = "MANIFEST-000001"

// scripted is the files of a database after script, with the description of each
// state on the way; closed adds the mark that proves the last edit.
func scripted(t testing.TB, closed bool) (files map[string][]byte, states []string) {
	d := openDir(t, vfs.NewStrict(1))
	s := mustCreate(t, d)
	states = script(t, s)
	if closed {
		mustClose(t, s)
	}
	return filesOf(t, d), states
}

// openFiles opens the directory read-only and read-write; both must agree.
func openFiles(t testing.TB, files map[string][]byte) (*State, error) {
	t.Helper()
	d := dirOf(t, files)
	r, st, err := Open(d, Options{ReadOnly: true})
	if err == nil {
		if err := st.Version.Check(); err != nil {
			t.Fatal(err)
		}
		mustClose(t, r)
	}
	s, again, errAgain := Open(d, testOptions())
	if (err == nil) != (errAgain == nil) {
		t.Fatalf("read-only: %v; else: %v", err, errAgain)
	}
	if err != nil {
		return nil, err
	}
	defer mustClose(t, s)
	if describe(st) != describe(again) || st.Report != again.Report {
		t.Fatalf("read-only:\n%s\nelse:\n%s", describe(st), describe(again))
	}
	return st, nil
}

// usedBytes is the length of a file without the zeros behind.
func usedBytes(p []byte) int {
	for len(p) >= len(zeros) && bytes.Equal(p[len(p)-len(zeros):], zeros) {
		p = p[:len(p)-len(zeros)]
	}
	return len(bytes.TrimRight(p, "\x00"))
}

var zeros = make([]byte, 512)

func isClearError(err error) bool {
	return errors.Is(err, corruption.Err) || errors.Is(err, ErrUnsupported)
}

func TestEveryBitFlipAfterCloseIsCorruption(t *testing.T) {
	files, states := scripted(t, true)
	p := files[liveName]
	markStart := startOfLast(t, files)
	used := usedBytes(p)
	torn := 0
	for i := 0; i < used; i++ {
		if i >= 200 && i < headerBytes-200 && i%128 != 0 {
			continue // reserved zeros; codec_test flips each of them
		}
		for bit := i % thin(); bit < 8; bit += thin() {
			p[i] ^= 1 << bit
			st, err := openFiles(t, files)
			p[i] ^= 1 << bit
			switch {
			case i < markStart && !errors.Is(err, corruption.Err):
				t.Fatalf("byte %d, bit %d: %v", i, bit, err)
			case i >= markStart && (err != nil || !st.Report.Torn):
				t.Fatalf("byte %d, bit %d of the mark: %v", i, bit, err)
			case err == nil:
				torn++
				if got := describe(st); got != states[len(states)-1] {
					t.Fatalf("byte %d, bit %d: lost\n%s", i, bit, got)
				}
			}
		}
	}
	if torn == 0 {
		t.Error("no case of a damaged mark")
	}
}

// startOfLast is where the last edit begins.
func startOfLast(t testing.TB, files map[string][]byte) int {
	t.Helper()
	d := dirOf(t, files)
	f, err := d.Open(liveName)
	if err != nil {
		t.Fatal(err)
	}
	c, err := readCurrent(d)
	if err != nil {
		t.Fatal(err)
	}
	l, err := load(f, c, true)
	if err != nil {
		t.Fatal(err)
	}
	return int(l.lastStart)
}

func TestBitFlipWithoutCloseLosesAtMostTheLastEdit(t *testing.T) {
	files, states := scripted(t, false)
	p := files[liveName]
	lastStart, used := startOfLast(t, files), usedBytes(p)
	for i := headerBytes; i < used; i += thin() {
		bit := byte(1) << (i % 8)
		p[i] ^= bit
		st, err := openFiles(t, files)
		p[i] ^= bit
		if i < lastStart {
			if !errors.Is(err, corruption.Err) {
				t.Fatalf("byte %d: %v", i, err)
			}
			continue
		}
		if err != nil || !st.Report.Torn || st.Report.Offset != int64(lastStart) || describe(st) != states[len(states)-2] {
			t.Fatalf("byte %d of the last edit: %v, %+v", i, err, st)
		}
	}
}

func TestTruncationAtEveryLengthIsAnError(t *testing.T) {
	for _, closed := range []bool{true, false} {
		files, _ := scripted(t, closed)
		whole := files[liveName]
		used := usedBytes(whole)
		for length := 0; length < len(whole); length += thin() {
			if length > used+600 && length%4099 >= thin() {
				continue
			}
			files[liveName] = whole[:length]
			if _, err := openFiles(t, files); !errors.Is(err, corruption.Err) {
				t.Fatalf("length %d: %v", length, err)
			}
		}
	}
}

// A file that has grown by its edits is cut somewhere behind its first size:
// later edits say how much was synced, and zeros ahead keep them before the cut.
func TestTruncationOfAGrownManifestIsAnError(t *testing.T) {
	d := openDir(t, vfs.NewStrict(1))
	s, _, err := Create(d, crashOptions(1))
	if err != nil {
		t.Fatal(err)
	}
	s.o.rewriteBytesMin = 1 << 20
	for range 60 {
		n := mustNumber(t, s)
		key := strings.Repeat("k", 200)
		mustApply(t, s, &Edit{Added: []*Slice{newSlice(n, 0, n, key, key)}, LastSeq: 1 << 40})
	}
	want := full(s.Version())
	mustClose(t, s)
	files := filesOf(t, d)
	whole := files[liveName]
	if len(whole) < 30_000 {
		t.Fatalf("%d bytes: not grown", len(whole))
	}
	for length := 0; length < len(whole); length += 101 {
		files[liveName] = whole[:length]
		st, err := openFiles(t, files)
		if err == nil && full(st.Version) != want || err != nil && !errors.Is(err, corruption.Err) {
			t.Fatalf("length %d of %d: %v", length, len(whole), err)
		}
		if err == nil && length < usedBytes(whole) {
			t.Fatalf("length %d of %d used: no error", length, usedBytes(whole))
		}
	}
}

// Zeros from any offset on are what a file system may show after a power cut of
// its own: the edits before stand, and those that are gone are torn or an error.
// Only zeros that begin exactly where an edit ends look like a clean end; log
// segments' headers prove such an edit (ProveEdit).
func TestZeroedTail(t *testing.T) {
	files, states := scripted(t, false)
	whole := files[liveName]
	clean := 0
	for from := headerBytes; from < usedBytes(whole); from += thin() {
		p := bytes.Clone(whole)
		clear(p[from:])
		files[liveName] = p
		st, err := openFiles(t, files)
		if err != nil {
			if !errors.Is(err, corruption.Err) {
				t.Fatalf("from %d: %v", from, err)
			}
			continue
		}
		if !contains(states, describe(st)) && !describesCounter(st, states) {
			t.Fatalf("from %d: a state that never was:\n%s", from, describe(st))
		}
		if !st.Report.Torn {
			clean++
		}
	}
	if last := len(states) + 2; clean > last { // the ends of edits, one byte off where zeros end them
		t.Errorf("%d offsets look clean, of at most %d edits", clean, last)
	}
}

func contains(states []string, s string) bool {
	for _, x := range states {
		if x == s {
			return true
		}
	}
	return false
}

// describesCounter allows the states of edits that only raised the counter.
func describesCounter(st *State, states []string) bool {
	for back := range uint64(3) {
		x := *st
		x.Edit -= back
		if contains(states, describe(&x)) {
			return true
		}
	}
	return false
}

func TestBlocksZeroedOrSwapped(t *testing.T) {
	const sector = 64 // finer than a disk's
	files, states := scripted(t, true)
	whole := files[liveName]
	used := usedBytes(whole)
	last := startOfLast(t, files)
	for a := headerBytes; a < used; a += sector {
		for b := a; b < used; b += sector {
			p := bytes.Clone(whole)
			if a == b {
				clear(p[a : a+sector])
			} else {
				copy(p[a:], whole[b:b+sector])
				copy(p[b:], whole[a:a+sector])
			}
			files[liveName] = p
			st, err := openFiles(t, files)
			if bytes.Equal(p, whole) {
				continue
			}
			// Damage to the mark as well leaves nothing that proves the rest.
			if proof := b+sector <= last; proof && !isClearError(err) || err == nil && !st.Report.Torn {
				t.Fatalf("blocks %d and %d: %v", a, b, err)
			}
			if err == nil && !describesCounter(st, states) {
				t.Fatalf("blocks %d and %d: a state that never was\n%s", a, b, describe(st))
			}
		}
	}
}

func TestGarbageBehindTheEndIsTorn(t *testing.T) {
	files, states := scripted(t, false)
	p := files[liveName]
	used := usedBytes(p)
	for _, at := range []int{used, used + 1, used + 23, used + 24, used + 500, 8191, 8192, len(p) - 1} {
		p[at] = 0x5a
		st, err := openFiles(t, files)
		p[at] = 0
		if err != nil || !st.Report.Torn || describe(st) != states[len(states)-1] {
			t.Errorf("garbage at %d: %v, %+v", at, err, st)
		}
	}
}

// The first edit after a torn tail goes to a new file; until then every open
// finds the same, and the old file is set aside, not deleted.
func TestTornTailIsKeptUntilTheFirstEdit(t *testing.T) {
	files, states := scripted(t, false)
	files[liveName][usedBytes(files[liveName])-1] ^= 1
	d := dirOf(t, files)
	for range 2 {
		s, st := mustOpen(t, d)
		if !st.Report.Torn || st.Report.Bytes == 0 || st.Report.Reason == "" {
			t.Fatalf("%+v", st.Report)
		}
		mustClose(t, s)
	}
	s, st := mustOpen(t, d)
	n := mustNumber(t, s) // costs an edit
	mustApply(t, s, &Edit{Added: []*Slice{newSlice(n, 0, n, "a", "b")}, LastSeq: 10_000})
	want := full(s.Version())
	mustClose(t, s)
	kept := filesOf(t, d)
	if !bytes.Equal(kept[liveName+".torn"], files[liveName]) || kept[liveName] != nil {
		t.Error("the torn file was not set aside as it was")
	}
	if st.Edit+1 > s.State().Edit || describe(st) != states[len(states)-2] {
		t.Errorf("%+v", st)
	}
	s, st = mustOpen(t, d)
	if st.Report.Torn || full(st.Version) != want || st.Identity == 0 {
		t.Errorf("%+v", st)
	}
	mustClose(t, s)
}

func TestProvenEditMakesATornTailCorruption(t *testing.T) {
	files, _ := scripted(t, false)
	files[liveName][usedBytes(files[liveName])-1] ^= 1
	d := dirOf(t, files)
	s, st := mustOpen(t, d)
	if err := s.ProveEdit(st.Edit + 1); !errors.Is(err, corruption.Err) {
		t.Error(err)
	}
	mustClose(t, s)
	o := testOptions()
	o.ProvenEdit = st.Edit + 1
	var c *corruption.Error
	if _, _, err := Open(d, o); !errors.As(err, &c) || c.Offset != st.Report.Offset {
		t.Error(err)
	}
}

func TestCurrentDamagedOnDisk(t *testing.T) {
	files, _ := scripted(t, true)
	p := files["CURRENT"]
	for i := 0; i < len(p); i += thin() {
		for _, flip := range []byte{1, 0x20, 0xff} {
			p[i] ^= flip
			if _, err := openFiles(t, files); !errors.Is(err, corruption.Err) {
				t.Fatalf("byte %d ^ %#x: %v", i, flip, err)
			}
			p[i] ^= flip
		}
	}
	for length := range p {
		files["CURRENT"] = p[:length]
		if _, err := openFiles(t, files); !errors.Is(err, corruption.Err) {
			t.Fatalf("length %d: %v", length, err)
		}
	}
}

// A manifest with valid checksums may still lie; these are made by hand.
func TestLyingManifests(t *testing.T) {
	first := func(e *Edit) *Edit {
		e.Number, e.snapshot = 1, true
		return e
	}
	for name, edits := range map[string][]*Edit{
		"no snapshot":      {{Number: 1}},
		"wrong first edit": {{Number: 2, snapshot: true}},
		"a gap":            {first(&Edit{}), {Number: 3}},
		"an edit again":    {first(&Edit{}), {Number: 1}},
		"a later snapshot": {first(&Edit{}), {Number: 2, snapshot: true}},
		"id beyond the counter": {
			first(&Edit{LastSeq: 1000, Added: []*Slice{newSlice(1, 0, 1, "a", "b")}})},
		"removed and not there": {first(&Edit{}), {Number: 2, Removed: []uint64{5}}},
		"added twice": {first(&Edit{LastSeq: 1000, NextFile: 10, Added: []*Slice{newSlice(1, 0, 1, "a", "b")}}),
			{Number: 2, Added: []*Slice{newSlice(1, 0, 1, "a", "b")}}},
		"overlap": {first(&Edit{LastSeq: 1000, NextFile: 10,
			Added: []*Slice{newSlice(1, 1, 1, "a", "c"), newSlice(2, 1, 1, "b", "d")}})},
		"sequence goes down": {first(&Edit{LastSeq: 1000}), {Number: 2, LastSeq: 999}},
		"counter goes down":  {first(&Edit{NextFile: 1000}), {Number: 2, NextFile: 999}},
		"size it never had":  {first(&Edit{}), {Number: 2, fileBytes: 1 << 40}},
	} {
		files := forge(t, edits)
		if _, err := openFiles(t, files); !errors.Is(err, corruption.Err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := openFiles(t, forge(t, []*Edit{first(&Edit{}), {Number: 2, LastSeq: 7}})); err != nil {
		t.Errorf("the forger's tool is broken: %v", err)
	}
}

// forge writes a manifest with these edits, without asking whether they may be.
func forge(t testing.TB, edits []*Edit) map[string][]byte {
	var payloads [][]byte
	for _, e := range edits {
		payloads = append(payloads, appendEdit(nil, e))
	}
	return forgePayloads(t, payloads...)
}

// Proof is a frame of any later edit, be it from the middle of a chain, or a
// first frame where none can begin; nor may frame and payload disagree.
func TestFramesBehindTheDamageProveIt(t *testing.T) {
	start, small := &Edit{Number: 1, snapshot: true}, &Edit{Number: 2, LastSeq: 5}
	long := &Edit{Number: 3, Removed: make([]uint64, 3<<20)} // a chain of three frames
	two := forge(t, []*Edit{start, small})[liveName]
	smallBytes := recordio.HeaderBytes + len(appendEdit(nil, small))
	smallAt := headerBytes + recordio.HeaderBytes + len(appendEdit(nil, start))

	chained := forge(t, []*Edit{start, small, long})
	clear(chained[liveName][smallAt : smallAt+smallBytes+100]) // edit 2 and the head of 3
	gap := bytes.Clone(two[:smallAt])
	gap = append(gap, "no frame"...)
	c, err := decodeCurrent(chained["CURRENT"])
	if err != nil {
		t.Fatal(err)
	}
	h := header{identity: c.identity, number: c.number}
	gap = recordio.Append(gap, region(&h, 0).Seed, uint64(len(gap)), recordio.Header{
		Kind: recordio.KindEdit, Flags: recordio.FlagWhole, FirstSeq: 2, Count: 1}, appendEdit(nil, small))
	liar := recordio.Append(bytes.Clone(two[:smallAt]), region(&h, 0).Seed, uint64(smallAt), recordio.Header{
		Kind: recordio.KindEdit, Flags: recordio.FlagWhole, FirstSeq: 2, Count: 1}, appendEdit(nil, &Edit{Number: 5}))
	for name, p := range map[string][]byte{"chain": chained[liveName], "gap": gap, "liar": liar} {
		_, err := openFiles(t, map[string][]byte{liveName: p, "CURRENT": chained["CURRENT"]})
		if !errors.Is(err, corruption.Err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOpenSaysWhatItFound(t *testing.T) {
	files, _ := scripted(t, false)
	st, err := openFiles(t, files)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprintf("%+v", st.Report); got != "{File:MANIFEST-000001 Edits:7 Torn:false Offset:0 Bytes:0 Reason:}" {
		t.Error(got)
	}
}

// Frames that are valid and no edits: a kind that may be skipped is, whatever
// else is refused.
func TestFramesOfOtherKinds(t *testing.T) {
	files := forge(t, []*Edit{{Number: 1, snapshot: true, LastSeq: 5}})
	base := files[liveName][:usedBytes(files[liveName])]
	c, err := decodeCurrent(files["CURRENT"])
	if err != nil {
		t.Fatal(err)
	}
	h := header{identity: c.identity, number: c.number}
	for name, f := range map[string]recordio.Header{
		"skippable":        {Kind: recordio.KindSkippable | 9, Flags: recordio.FlagWhole, FirstSeq: 1},
		"unknown":          {Kind: 9, Flags: recordio.FlagWhole, FirstSeq: 2},
		"operations":       {Kind: recordio.KindOps, Flags: recordio.FlagWhole, FirstSeq: 2},
		"middle of a unit": {Kind: recordio.KindEdit, Flags: recordio.FlagLast, FirstSeq: 2},
	} {
		files[liveName] = recordio.Append(bytes.Clone(base), region(&h, 0).Seed, uint64(len(base)), f, []byte("payload"))
		st, err := openFiles(t, files)
		switch {
		case name == "skippable" && (err != nil || st.Report.Torn || st.Edit != 1):
			t.Errorf("%s: %v", name, err)
		case name != "skippable" && !isClearError(err):
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFailureToSetAsideIsSticky(t *testing.T) {
	for _, kind := range []vfs.OpKind{vfs.OpRename, vfs.OpSyncDir} {
		files, _ := scripted(t, false)
		files[liveName][usedBytes(files[liveName])-1] ^= 1
		m := vfs.NewStrict(1)
		d := openDir(t, m)
		for name, p := range files {
			writeAll(t, d, name, p)
		}
		setAside := false
		ft := vfs.NewFault(m, func(op vfs.Op) error {
			setAside = setAside || op.Kind == vfs.OpRename && op.Name == liveName
			if setAside && op.Kind == kind {
				return syscall.EIO
			}
			return nil
		})
		s, _ := mustOpen(t, openDir(t, ft))
		if _, err := s.Apply(&Edit{DurableLSN: 1 << 20}); !errors.Is(err, syscall.EIO) || s.Err() == nil {
			t.Errorf("%v: %v", kind, err)
		}
		mustClose(t, s)
	}
}
