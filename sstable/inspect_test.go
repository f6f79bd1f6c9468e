package sstable

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/varvekv/varve/internal/codec"
	"github.com/varvekv/varve/internal/corruption"
)

// told is what Inspect told of a table.
type told struct {
	text     strings.Builder // all of it
	entries  []string
	findings []error
	damaged  []int // blocks
}

func inspectTable(t testing.TB, name string, data []byte) *told {
	t.Helper()
	got := new(told)
	say := func(v any) error { fmt.Fprintf(&got.text, "%T %+v\n", v, v); return nil }
	f := &memFile{name: name, data: data}
	before := bytes.Clone(data)
	err := Inspect(f, Inspection{
		Footer:     func(x *FooterInfo) error { return say(*x) },
		Properties: func(at Place, p *Properties) error { return errors.Join(say(at), say(*p)) },
		Filter:     func(x *FilterInfo) error { return say(*x) },
		Index:      func(x *IndexInfo) error { return say(*x) },
		Block: func(x *BlockInfo) error {
			if x.Err != nil {
				got.damaged = append(got.damaged, x.Number)
			}
			return say(*x)
		},
		Entry: func(x *EntryInfo) error {
			got.entries = append(got.entries, fmt.Sprintf("%v=%q", x.Key, x.Value))
			return say(*x)
		},
		Finding: func(err error) error { got.findings = append(got.findings, err); return nil },
	})
	if err != nil || !bytes.Equal(before, f.data) || f.closed != 0 {
		t.Fatalf("%v; changed %v, closed %d times", err, !bytes.Equal(before, f.data), f.closed)
	}
	for _, err := range got.findings {
		mustNameItsPlace(t, name, int64(len(data)), err)
	}
	return got
}

// mustNameItsPlace wants file, offset and reason of every finding.
func mustNameItsPlace(t testing.TB, name string, size int64, err error) {
	t.Helper()
	var damage *corruption.Error
	var newer *corruption.UnsupportedError
	switch {
	case errors.As(err, &damage):
		if damage.File != name || damage.Offset < 0 || damage.Offset > size || damage.Reason == "" {
			t.Fatalf("%+v", damage)
		}
	case errors.As(err, &newer):
		if newer.File != name || newer.Offset < 0 || newer.What == "" {
			t.Fatalf("%+v", newer)
		}
	default:
		t.Fatalf("%T %v", err, err)
	}
}

func goldenTables(t testing.TB) map[string][]byte {
	return map[string][]byte{
		"v1-none": readDump(t, filepath.Join("testdata", "v1-none.hex")),
		"v1-s2":   readDump(t, filepath.Join("testdata", "v1-s2.hex")),
		"v1-zstd": readDump(t, filepath.Join("testdata", "v1-zstd.hex")),
	}
}

func entryTexts(entries []entry) (texts []string) {
	for _, e := range entries {
		texts = append(texts, fmt.Sprintf("%v=%q", e.k, e.v))
	}
	return texts
}

func TestInspectTellsAllOfAGoldenTable(t *testing.T) {
	for name, data := range goldenTables(t) {
		got := inspectTable(t, name, data)
		if len(got.findings) > 0 {
			t.Fatal(name, got.findings)
		}
		if want := entryTexts(goldenEntries()); strings.Join(got.entries, "\n") != strings.Join(want, "\n") {
			t.Fatalf("%s: %q", name, got.entries)
		}
		for _, part := range []string{
			"FooterInfo {Offset:", "IsSound:true Version:1 Identity:1234605616436508552",
			"Properties {Identity:1234605616436508552 Entries:14 Tombstones:1",
			"FilterInfo {Place:{", "Probes:6 Lines:1 Keys:9}", "Blocks:3 PrefixBytes:0 FenceBytes:6}",
			"Number:0 Fence:[107 102]", "Entries:12", "Number:2 Fence:[122 111 111]",
		} {
			if !strings.Contains(got.text.String(), part) {
				t.Errorf("%s: no %q in\n%s", name, part, &got.text)
			}
		}
	}
}

// Every damaged byte is a finding; what it does not touch is told all the same.
func TestInspectFindsEveryDamagedByteAndGoesOn(t *testing.T) {
	for name, data := range goldenTables(t) {
		_, f := openParts(t, data)
		whole := entryTexts(goldenEntries())
		for at := range data {
			for _, bit := range []byte{1, 0x80} {
				damaged := bytes.Clone(data)
				damaged[at] ^= bit
				got := inspectTable(t, name, damaged)
				if len(got.findings) == 0 {
					t.Fatalf("%s: byte %d changed and nothing was found:\n%s", name, at, &got.text)
				}
				offset := uint64(at)
				if offset < f.dataEnd {
					if len(got.damaged) != 1 || len(got.entries) >= len(whole) || len(got.entries) == 0 {
						t.Fatalf("%s: byte %d of a data block: blocks %v damaged, %d entries told", name, at, got.damaged, len(got.entries))
					}
				} else if !inIndexLengths(f, offset) && len(got.entries) != len(whole) {
					t.Fatalf("%s: byte %d of no data block: %d entries told, %v", name, at, len(got.entries), got.findings)
				}
			}
		}
	}
}

// openParts is the footer of a sound table.
func openParts(t *testing.T, data []byte) (*Reader, *footer) {
	t.Helper()
	r, err := Open(&memFile{name: "x", data: data}, ReaderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r, r.footer
}

// inIndexLengths says whether a byte is one of those without which blocks cannot
// be found: counts and lengths in the index, and its place in the footer.
func inIndexLengths(f *footer, at uint64) bool {
	inIndex := at - f.index.offset
	const blocks, prefix = 3, 0
	return at >= f.index.offset && inIndex < indexHeaderBytes+prefix+8*blocks ||
		at >= f.fileBytes-footerBytes+64 && at < f.fileBytes-footerBytes+80
}

func TestInspectFindsEveryTruncation(t *testing.T) {
	data := goldenTables(t)["v1-s2"]
	for n := range data {
		if got := inspectTable(t, "cut", data[:n:n]); len(got.findings) == 0 {
			t.Fatalf("%d of %d bytes", n, len(data))
		}
	}
}

// What only the whole table shows is found too: here entries out of order, all
// checksums right.
func TestInspectHoldsTheTableAgainstItself(t *testing.T) {
	f, _ := writeTable(t, WriterOptions{Compression: codec.None}, []entry{put("a", 1, "x"), put("b", 1, "y")})
	at := bytes.Index(f.data, []byte("xyab"))
	if at < 0 {
		t.Fatal("another layout")
	}
	f.data[at+2], f.data[at+3] = 'b', 'a'
	fixUp(f.data)
	if got := inspectTable(t, "x", f.data); len(got.findings) != 1 || len(got.entries) != 2 {
		t.Fatal(got.findings, got.entries)
	}
}

func TestInspectReadsOnlyTheBlocksThatAreWanted(t *testing.T) {
	data := goldenTables(t)["v1-none"]
	data[0] ^= 1 // in block 0
	var seen []int
	err := Inspect(&memFile{name: "x", data: data}, Inspection{
		Wants:   func(n int) bool { return n == 2 },
		Entry:   func(e *EntryInfo) error { seen = append(seen, e.Block); return nil },
		Finding: func(err error) error { return err },
	})
	if err != nil || len(seen) != 1 || seen[0] != 2 {
		t.Fatal(err, seen)
	}
}

func TestInspectEndsWithTheVisitorsError(t *testing.T) {
	data := goldenTables(t)["v1-none"]
	enough := errors.New("enough")
	for _, in := range []Inspection{
		{Footer: func(*FooterInfo) error { return enough }},
		{Properties: func(Place, *Properties) error { return enough }},
		{Filter: func(*FilterInfo) error { return enough }},
		{Index: func(*IndexInfo) error { return enough }},
		{Block: func(*BlockInfo) error { return enough }},
		{Entry: func(*EntryInfo) error { return enough }},
	} {
		if err := Inspect(&memFile{name: "x", data: data}, in); err != enough {
			t.Fatal(err)
		}
	}
	f := &memFile{name: "x", data: data, fail: func(string, int64) error { return errInjected }}
	var found error
	if err := Inspect(f, Inspection{Finding: func(err error) error { found = err; return nil }}); err != nil || !errors.Is(found, errInjected) {
		t.Fatal(err, found)
	}
}

// FuzzInspect hands it whole files, with checksums made right where mend says so:
// it finds something exactly where opening and checking the table do.
func FuzzInspect(f *testing.F) {
	for _, data := range goldenTables(f) {
		f.Add(data, true)
		f.Add(data[:len(data)-1], false)
	}
	f.Fuzz(func(t *testing.T, data []byte, mend bool) {
		data = bytes.Clone(data)
		if mend {
			fixUp(data)
		}
		got := inspectTable(t, "x", data)
		if isSound := checkTable(data) == nil; isSound != (len(got.findings) == 0) {
			t.Fatalf("sound %v, found %v", isSound, got.findings)
		}
	})
}

func checkTable(data []byte) error {
	r, err := Open(&memFile{name: "x", data: data}, ReaderOptions{})
	if err != nil {
		return err
	}
	_, err = r.Check(context.Background())
	return errors.Join(err, r.Close())
}
