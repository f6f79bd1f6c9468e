package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/varvekv/varve/internal/corruption"
	"github.com/varvekv/varve/vfs"
)

// toldManifest is what Inspect told of a file.
type toldManifest struct {
	text     strings.Builder // all but findings
	header   *HeaderInfo
	edits    []uint64
	state    *State
	findings []error
}

func inspectBytes(t testing.TB, p []byte) *toldManifest {
	t.Helper()
	d := dirOf(t, map[string][]byte{liveName: p})
	f, err := d.Open(liveName)
	if err != nil {
		t.Fatal(err)
	}
	got := new(toldManifest)
	say := func(format string, args ...any) error { fmt.Fprintf(&got.text, format+"\n", args...); return nil }
	err = Inspect(f, Inspection{
		Header: func(h *HeaderInfo) error { got.header = h; return say("%+v", *h) },
		Edit: func(e *EditInfo) error {
			got.edits = append(got.edits, e.Number)
			return say("%d: %d %d %d %v %d %v %+v %v", e.Number, e.Offset, e.Bytes, e.Frames, e.IsSnapshot, e.SyncedBytes, e.IsBehind, *e.Edit, e.Added)
		},
		State:   func(st *State) error { got.state = st; return say("%s", describe(st)) },
		Finding: func(err error) error { got.findings = append(got.findings, err); return nil },
	})
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(readAll(t, d, liveName), p) {
		t.Fatal("Inspect changed the file")
	}
	for _, err := range got.findings {
		mustNameItsPlace(t, err)
	}
	return got
}

// mustNameItsPlace wants file, offset and reason of every finding.
func mustNameItsPlace(t testing.TB, err error) {
	t.Helper()
	var damage *corruption.Error
	var newer *corruption.UnsupportedError
	switch {
	case errors.As(err, &damage):
		if damage.File != liveName || damage.Offset < 0 || damage.Reason == "" {
			t.Fatalf("%+v", damage)
		}
	case errors.As(err, &newer):
		if newer.File != liveName || newer.What == "" {
			t.Fatalf("%+v", newer)
		}
	default:
		t.Fatalf("%T %v", err, err)
	}
}

// goldenManifest is the golden file with the zeros ahead that it lacks.
func goldenManifest(t testing.TB) []byte {
	t.Helper()
	p, err := os.ReadFile("testdata/v1-manifest.bin")
	if err != nil {
		t.Fatal(err)
	}
	h, err := decodeHeader(liveName, p[:headerBytes])
	if err != nil {
		t.Fatal(err)
	}
	return append(p, make([]byte, h.fileBytes-int64(len(p)))...)
}

func TestInspectTellsAllOfTheGoldenManifest(t *testing.T) {
	got := inspectBytes(t, goldenManifest(t))
	want, err := os.ReadFile("testdata/v1-state.txt")
	if err != nil || len(got.findings) > 0 || describe(got.state) != string(want) {
		t.Fatal(err, got.findings, describe(got.state))
	}
	for _, part := range []string{
		"IsSound:true Version:1 Comparer:1", "FirstEdit:1 FileBytes:139264",
		"1: 4096 8 1 true 0 false", "2: 4128 15 1 false 139264 false", "3: 4167 99 1 false 139264 false {Number:3 Removed:[] Added:[",
	} {
		if !strings.Contains(got.text.String(), part) {
			t.Errorf("no %q in\n%s", part, &got.text)
		}
	}
}

// Every damaged byte is found, but for zeros that were written ahead and edits
// that are told all the same.
func TestInspectFindsEveryDamagedByteOfAManifest(t *testing.T) {
	p := goldenManifest(t)
	whole := inspectBytes(t, p)
	used := usedBytes(p)
	damaged := bytes.Clone(p)
	for at := 0; at < used+64; at += thin() {
		if at >= 96 && at < headerBytes-8 && at%128 != 0 {
			continue // reserved zeros; codec_test flips each of them
		}
		damaged[at] ^= 0x41
		got := inspectBytes(t, damaged)
		if len(got.findings) == 0 {
			t.Fatalf("byte %d changed and nothing was found:\n%s", at, &got.text)
		}
		bound := at >= 48 && at < 64 // identity and number: no frame verifies without them
		if at < headerBytes && !bound && (len(got.edits) != len(whole.edits) || got.state == nil) {
			t.Fatalf("byte %d of the header hides edits: %d of %d, %v", at, len(got.edits), len(whole.edits), got.findings)
		}
		if at >= headerBytes && len(got.edits) < len(whole.edits)-1 {
			t.Fatalf("byte %d hides edits: %d of %d", at, len(got.edits), len(whole.edits))
		}
		damaged[at] = p[at]
	}
}

func TestInspectFindsEveryTruncationOfAManifest(t *testing.T) {
	p := goldenManifest(t)
	for n := 0; n < len(p); n = min(n+1+n/4200*500, max(n+1, len(p)-1)) {
		if got := inspectBytes(t, p[:n]); len(got.findings) == 0 {
			t.Fatalf("%d of %d bytes", n, len(p))
		}
	}
}

// Behind damage edits are told, and not added up.
func TestInspectTellsEditsBehindDamage(t *testing.T) {
	p := goldenManifest(t)
	p[4128]++ // edit 2
	got := inspectBytes(t, p)
	if len(got.findings) != 1 || got.edits[0] != 1 || got.edits[1] != 3 || got.state.Edit != 1 {
		t.Fatal(got.findings, got.edits, got.state)
	}
	if !strings.Contains(got.text.String(), "3: 4167 99 1 false 139264 true") {
		t.Fatal(&got.text)
	}
}

func TestInspectRefusesEditsThatDoNotFollow(t *testing.T) {
	start := &Edit{Number: 1, snapshot: true, LastSeq: 300, NextFile: 66}
	for name, e := range map[string]*Edit{
		"a gap":            {Number: 3},
		"a slice unknown":  {Number: 2, Removed: []uint64{7}},
		"a slice too new":  {Number: 2, Added: []*Slice{newSlice(70, 0, 70, "a", "b")}},
		"another snapshot": {Number: 2, snapshot: true},
	} {
		files := forgePayloads(t, appendEdit(nil, start), appendEdit(nil, e))
		if got := inspectBytes(t, files[liveName]); len(got.findings) != 1 || len(got.edits) != 2 || got.state == nil || got.state.Edit != 1 {
			t.Errorf("%s: %v %v", name, got.findings, got.edits)
		}
	}
}

func TestInspectEndsWithTheVisitorsError(t *testing.T) {
	d := dirOf(t, map[string][]byte{liveName: goldenManifest(t)})
	f, err := d.Open(liveName)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	enough := errors.New("enough")
	for _, in := range []Inspection{
		{Header: func(*HeaderInfo) error { return enough }},
		{Edit: func(*EditInfo) error { return enough }},
		{State: func(*State) error { return enough }},
	} {
		if err := Inspect(f, in); err != enough {
			t.Fatal(err)
		}
	}
}

func TestReadCurrent(t *testing.T) {
	text, err := os.ReadFile("testdata/v1-current.txt")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{"CURRENT": text}
	c, err := ReadCurrent(dirOf(t, files))
	if err != nil || c.Name != liveName || c.Number != 1 || c.Identity != 0x9dcec3ad077dec6c {
		t.Fatal(c, err)
	}
	if _, err := ReadCurrent(openDir(t, vfs.NewStrict(1))); !errors.Is(err, ErrNoDatabase) {
		t.Fatal(err)
	}
	for at := range text {
		damaged := bytes.Clone(text)
		damaged[at] ^= 1
		files["CURRENT"] = damaged
		if _, err := ReadCurrent(dirOf(t, files)); !isClearError(err) {
			t.Fatal(at, err)
		}
	}
}

// FuzzInspect hands it hostile manifests: damaged ones, and ones of arbitrary
// edits whose checksums are right. It finds something exactly where opening
// refuses the file or drops its end.
func FuzzInspect(f *testing.F) {
	files, _ := scripted(f, true)
	whole := files[liveName]
	f.Add(whole[headerBytes:usedBytes(whole)], []byte{}, uint16(0))
	start := &Edit{Number: 1, snapshot: true, LastSeq: 300, NextFile: 66, Added: []*Slice{newSlice(2, 0, 2, "a", "m")}}
	for _, e := range scriptEdits(2) {
		e.Number = 2
		f.Add([]byte{}, appendEdit(nil, e), uint16(headerBytes+30))
	}
	f.Fuzz(func(t *testing.T, frames, edit []byte, flip uint16) {
		if len(frames)+len(edit) > 1<<15 {
			return
		}
		p := bytes.Clone(whole)
		if len(frames) > 0 {
			copy(p[headerBytes:], frames)
		} else {
			p = forgePayloads(t, appendEdit(nil, start), edit)[liveName]
		}
		p[int(flip)%len(p)] ^= byte(flip >> 8)
		got := inspectBytes(t, p)
		if got.header == nil {
			t.Fatal("no header", got.findings)
		}
		c := current{got.header.Number, got.header.Identity}
		if c.number == 0 || c.number > 99 {
			return
		}
		name := fmt.Sprintf("MANIFEST-%06d", c.number)
		st, err := openFiles(t, map[string][]byte{name: p, "CURRENT": c.encode()})
		if isSound := err == nil && !st.Report.Torn; isSound != (len(got.findings) == 0) {
			t.Fatalf("open %v, found %v", err, got.findings)
		}
	})
}
