package wal

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/varvekv/varve/internal/corruption"
	"github.com/varvekv/varve/internal/recordio"
	"github.com/varvekv/varve/vfs"
)

// toldSegment is what Inspect told of a file.
type toldSegment struct {
	text     strings.Builder // all but findings
	header   *SegmentInfo
	ops      []string
	frames   int
	end      EndInfo
	findings []error
}

func inspectBytes(t testing.TB, name string, data []byte, next *SegmentInfo) *toldSegment {
	t.Helper()
	d, err := vfs.NewStrict(1).OpenDir("x", true)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	f, err := d.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(data, 0); err != nil {
		t.Fatal(err)
	}
	got := new(toldSegment)
	say := func(v any) error { fmt.Fprintf(&got.text, "%T %+v\n", v, v); return nil }
	err = Inspect(f, Inspection{
		Packed: func(p *PackedInfo) error { return say(*p) },
		Header: func(h *SegmentInfo) error { kept := *h; got.header = &kept; return say(*h) },
		Frame: func(x *FrameInfo) error {
			got.frames++
			plain := *x
			plain.Mark, plain.Seal = nil, nil
			return errors.Join(say(plain), say(fmt.Sprintf("%+v %+v", x.Mark, x.Seal)))
		},
		Op: func(o *OpInfo) error {
			got.ops = append(got.ops, fmt.Sprintf("%d:%d %q=%q", o.Seq, o.Kind, o.Key, o.Value))
			return say(*o)
		},
		End:     func(e *EndInfo) error { got.end = *e; return say(*e) },
		Finding: func(err error) error { got.findings = append(got.findings, err); return nil },
		Next:    next,
	})
	after := make([]byte, len(data))
	if n, rerr := f.ReadAt(after, 0); err != nil || n < len(after) || !bytes.Equal(after, data) {
		t.Fatal("Inspect changed the file or failed", err, rerr)
	}
	for _, err := range got.findings {
		mustNameItsPlace(t, name, err)
	}
	return got
}

// mustNameItsPlace wants file, offset and reason of every finding.
func mustNameItsPlace(t testing.TB, name string, err error) {
	t.Helper()
	var damage *corruption.Error
	var newer *corruption.UnsupportedError
	switch {
	case errors.As(err, &damage):
		if !strings.HasPrefix(damage.File, name) || damage.Offset < 0 || damage.Reason == "" {
			t.Fatalf("%+v", damage)
		}
	case errors.As(err, &newer):
		if !strings.HasPrefix(newer.File, name) || newer.Offset < 0 || newer.What == "" {
			t.Fatalf("%+v", newer)
		}
	default:
		t.Fatalf("%T %v", err, err)
	}
}

// goldenSegments reads the segments of testdata, which lack their zero lines.
func goldenSegments(t testing.TB) map[string][]byte {
	t.Helper()
	text, err := os.ReadFile("testdata/segment.golden")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	name := ""
	for line := range strings.Lines(string(text)) {
		if len(line) < 60 {
			name = strings.TrimSpace(line)
			continue
		}
		at, err1 := strconv.ParseInt(line[:8], 16, 64)
		p, err2 := hex.DecodeString(strings.ReplaceAll(line[10:58], " ", ""))
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		data := files[name]
		whole := (int(at) + len(p) + recordio.BlockBytes - 1) &^ (recordio.BlockBytes - 1)
		data = append(data, make([]byte, max(0, whole-len(data)))...)
		copy(data[at:], p)
		files[name] = data
	}
	return files
}

func packed(t testing.TB, segment []byte) []byte {
	t.Helper()
	d, err := vfs.NewStrict(1).OpenDir("x", true)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	f, err := d.Create("x")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := newArchiveWriter(f, true)
	for rest := segment; len(rest) > 0; {
		n := min(len(rest), archiveBlockBytes)
		if err := w.block(rest[:n]); err != nil {
			t.Fatal(err)
		}
		rest = rest[n:]
	}
	if err := w.finish(); err != nil {
		t.Fatal(err)
	}
	p := make([]byte, w.at)
	if _, err := f.ReadAt(p, 0); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestInspectTellsAllOfTheGoldenSegments(t *testing.T) {
	files := goldenSegments(t)
	second := inspectBytes(t, segmentName(2), files[segmentName(2)], nil)
	first := inspectBytes(t, segmentName(1), files[segmentName(1)], second.header)
	for _, got := range []*toldSegment{first, second} {
		if len(got.findings) > 0 || !got.end.IsSealed {
			t.Fatal(got.findings, got.end)
		}
	}
	if want := `1:1 "key"="value", 2:1 "k2"="", 3:2 "gone"=""`; strings.Join(first.ops, ", ") != want {
		t.Fatal(first.ops)
	}
	for _, part := range []string{
		"State:segment IsCompressed:false", "Number:1 Identity:4097 Epoch:3 First:0 FirstSeq:1",
		"Offset:4096 LSN:0 Kind:1 Flags:3 Seq:1 Count:3 Length:22 HeaderCRC:219589836",
		"Kind:2 Flags:1 Seq:0 Count:3 Length:3", "&{Durable:46 DurableSeq:3", "ManifestEdit:7} <nil>", "IsSealed:true IsClosed:false Reason:seal",
	} {
		if !strings.Contains(first.text.String(), part) {
			t.Errorf("no %q in\n%s", part, &first.text)
		}
	}
	if !second.end.IsClosed || second.header.Prev.End != first.end.LSN || second.header.Prev.Chain != first.end.Chain {
		t.Fatalf("%+v %+v", second.header, first.end)
	}
}

// Each damaged byte is found, or changes nothing of what is told: behind the seal
// stands nothing of the segment.
func TestInspectFindsEveryDamagedByteOfASegment(t *testing.T) {
	for name, data := range goldenSegments(t) {
		whole := inspectBytes(t, name, data, nil)
		for at := range data {
			damaged := bytes.Clone(data)
			damaged[at] ^= 0x41
			got := inspectBytes(t, name, damaged, nil)
			if len(got.findings) == 0 && (got.text.String() != whole.text.String() || int64(at) < whole.end.Offset) {
				t.Fatalf("%s: byte %d changed what is told and nothing was found:\n%s", name, at, &got.text)
			}
			if got.frames < whole.frames-1 {
				t.Fatalf("%s: byte %d hides %d of %d frames", name, at, whole.frames-got.frames, whole.frames)
			}
		}
	}
}

func TestInspectFindsEveryTruncationOfASegment(t *testing.T) {
	data := goldenSegments(t)[segmentName(1)]
	end := inspectBytes(t, "x", data, nil).end.Offset
	for n := range end {
		got := inspectBytes(t, "x", data[:n:n], nil)
		isBetween := n >= headerBytes && got.end.Offset == n // a file that ends behind a frame
		if len(got.findings) == 0 && !isBetween || got.end.IsSealed {
			t.Fatalf("%d of %d bytes: %+v", n, end, got.end)
		}
	}
}

func TestInspectReadsCompressedCopies(t *testing.T) {
	segment := goldenSegments(t)[segmentName(1)]
	end := inspectBytes(t, "x", segment, nil).end.Offset
	data := packed(t, segment[:end])
	whole := inspectBytes(t, "000001.log.vz", data, nil)
	if len(whole.findings) > 0 || len(whole.ops) != 3 || !whole.end.IsSealed || !whole.header.IsCompressed {
		t.Fatal(whole.findings, &whole.text)
	}
	for at := range data {
		damaged := bytes.Clone(data)
		damaged[at] ^= 0x41
		if got := inspectBytes(t, "000001.log.vz", damaged, nil); len(got.findings) == 0 {
			t.Fatalf("byte %d changed and nothing was found:\n%s", at, &got.text)
		}
	}
}

// The golden copy holds no segment: its blocks are told, and that.
func TestInspectTellsTheGoldenArchive(t *testing.T) {
	got := inspectBytes(t, "000001.log.vz", readDump(t, "testdata/archive.golden"), nil)
	if len(got.findings) != 1 || strings.Count(got.text.String(), "PackedInfo") != 2 || got.header != nil {
		t.Fatal(got.findings, &got.text)
	}
}

// Files that are prepared, or recycled, hold no damage.
func TestInspectKnowsWhatIsNotDamage(t *testing.T) {
	segment := goldenSegments(t)[segmentName(1)]
	spare := appendHeader(nil, &segmentHeader{state: stateSpare, identity: 1})
	h, _, _ := parseHeader(segment[:headerBytes])
	h.number = 7 // the segment in another life: frames from the same places do not verify
	recycled := append(appendHeader(nil, &h), segment[headerBytes:]...)
	for _, data := range [][]byte{make([]byte, 3*headerBytes), append(spare, segment[headerBytes:]...), recycled} {
		if got := inspectBytes(t, "x", data, nil); len(got.findings) > 0 || got.frames > 0 || got.header == nil {
			t.Fatal(got.findings, &got.text)
		}
	}
	wiped := bytes.Clone(segment)
	clear(wiped[:headerBytes])
	if got := inspectBytes(t, "x", wiped, nil); len(got.findings) != 1 {
		t.Fatal(got.findings)
	}
}

// The next header says where a segment was accepted to end: a torn tail behind is
// no finding, an end before it is.
func TestInspectHoldsASegmentAgainstTheNext(t *testing.T) {
	files := goldenSegments(t)
	data := files[segmentName(1)]
	whole := inspectBytes(t, "x", data, nil)
	sum := whole.header.Prev.Chain
	var ends []LSN
	var sums []uint64
	s := recordio.NewScanner(bytes.NewReader(data), recordio.Region{
		Seed:  recordio.Binding{Identity: whole.header.Identity, Epoch: whole.header.Epoch, File: 1}.Seed(),
		Start: headerBytes, End: int64(len(data)),
	})
	for s.Next() {
		sum = chained(sum, s.Frame().HeaderCRC)
		ends, sums = append(ends, LSN(s.Frame().EndLSN())), append(sums, sum)
	}
	torn := bytes.Clone(data)
	clear(torn[int64(headerBytes)+int64(ends[0])+1:]) // in the second frame
	next := SegmentInfo{Number: 2, Identity: whole.header.Identity, Prev: PrevInfo{Number: 1, End: ends[0], Chain: sums[0]}}
	for _, c := range []struct {
		what     string
		change   func(*SegmentInfo)
		findings int
	}{
		{"accepted", func(*SegmentInfo) {}, 0},
		{"another chain", func(n *SegmentInfo) { n.Prev.Chain++ }, 1},
		{"longer", func(n *SegmentInfo) { n.Prev.End = ends[1] }, 2},
		{"outside", func(n *SegmentInfo) { n.Prev.End = 1 << 60 }, 2},
		{"of another log", func(n *SegmentInfo) { n.Identity++ }, 1},
	} {
		n := next
		c.change(&n)
		if got := inspectBytes(t, "x", torn, &n); len(got.findings) != c.findings {
			t.Errorf("%s: %v", c.what, got.findings)
		}
	}
}

func TestInspectTellsUnitsBehindDamage(t *testing.T) {
	var data []byte
	h := segmentHeader{state: stateSegment, number: 1, identity: 5}
	data = appendHeader(data, &h)
	frame := func(f recordio.Header, p []byte) int {
		at := len(data)
		data = recordio.Append(data, h.binding().Seed(), uint64(at-headerBytes), f, p)
		return at
	}
	long := AppendPut(nil, []byte("long"), bytes.Repeat([]byte("x"), 90))
	frame(recordio.Header{Kind: recordio.KindOps, Flags: recordio.FlagFirst, FirstSeq: 1, Count: 1}, long[:30])
	middle := frame(recordio.Header{Kind: recordio.KindOps, FirstSeq: 1, Count: 1}, long[30:60])
	frame(recordio.Header{Kind: recordio.KindOps, Flags: recordio.FlagLast, FirstSeq: 1, Count: 1}, long[60:])
	frame(recordio.Header{Kind: recordio.KindOps, Flags: recordio.FlagWhole, FirstSeq: 2, Count: 1}, AppendDelete(nil, []byte("k")))
	bad := frame(recordio.Header{Kind: recordio.KindOps, Flags: recordio.FlagWhole, FirstSeq: 3, Count: 2}, AppendDelete(nil, []byte("k")))
	if got := inspectBytes(t, "x", data, nil); len(got.ops) != 3 || len(got.findings) != 1 || !strings.Contains(got.findings[0].Error(), fmt.Sprint("offset ", bad)) {
		t.Fatal(got.ops, got.findings)
	}
	data[middle+recordio.HeaderBytes]++
	got := inspectBytes(t, "x", data, nil)
	if len(got.findings) != 3 || strings.Join(got.ops, ", ") != `2:2 "k"="", 3:2 "k"=""` || got.frames != 5 {
		t.Fatal(got.ops, got.frames, got.findings)
	}
}

func TestInspectEndsWithTheVisitorsError(t *testing.T) {
	data := goldenSegments(t)[segmentName(1)]
	enough := errors.New("enough")
	for _, in := range []Inspection{
		{Packed: func(*PackedInfo) error { return enough }},
		{Header: func(*SegmentInfo) error { return enough }},
		{Frame: func(*FrameInfo) error { return enough }},
		{Op: func(*OpInfo) error { return enough }},
		{End: func(*EndInfo) error { return enough }},
	} {
		fs := vfs.NewStrict(1)
		d, err := fs.OpenDir("x", true)
		if err != nil {
			t.Fatal(err)
		}
		f, err := d.Create("000001.log.vz")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteAt(packed(t, data), 0); err != nil {
			t.Fatal(err)
		}
		if err := Inspect(f, in); err != enough {
			t.Fatal(err)
		}
		if err := errors.Join(f.Close(), d.Close()); err != nil {
			t.Fatal(err)
		}
	}
}

// FuzzInspect hands it hostile segments and copies, checksums made right where
// mend says so: no panic, no hang, and every finding names its place.
func FuzzInspect(f *testing.F) {
	for _, data := range goldenSegments(f) {
		f.Add(data, true, false)
		f.Add(data[:len(data)-9], false, true)
		f.Add(packed(f, data), false, false)
	}
	f.Fuzz(func(t *testing.T, data []byte, mend, pack bool) {
		if mend {
			data = mendFrames(bytes.Clone(data))
		}
		if pack {
			data = packed(t, data)
		}
		got := inspectBytes(t, "x", data, nil)
		if got.header == nil && len(got.findings) == 0 {
			t.Fatal("neither a header nor a finding")
		}
	})
}
