package recordio

import (
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/varvekv/varve/internal/crc"
	"github.com/varvekv/varve/vfs"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files anew")

// memFile is a file in memory that counts what it is asked for.
type memFile struct {
	vfs.File
	data     []byte
	syncs    int
	unsound  int // writes that do not begin and end on a block boundary
	failNext error
}

func (m *memFile) Name() string { return "mem" }
func (m *memFile) ReadAt(p []byte, off int64) (int, error) {
	return bytes.NewReader(m.data).ReadAt(p, off)
}
func (m *memFile) WriteAt(p []byte, off int64) (int, error) {
	if err := m.failNext; err != nil {
		return 0, err
	}
	if off%BlockBytes != 0 || len(p)%BlockBytes != 0 {
		m.unsound++
	}
	if need := int(off) + len(p); need > len(m.data) {
		m.data = append(m.data, make([]byte, need-len(m.data))...)
	}
	return copy(m.data[off:], p), nil
}
func (m *memFile) SyncData() error { m.syncs++; return nil }

var testBinding = Binding{Identity: 0x1122334455667788, Epoch: 3, File: 7}

func testRegion(end int) Region {
	return Region{Seed: testBinding.Seed(), Start: BlockBytes, End: int64(end), LSN: 1000}
}

// build makes a file with the payloads as units behind an empty header block.
func build(t testing.TB, payloads ...[]byte) (*memFile, *Writer) {
	t.Helper()
	f := &memFile{data: make([]byte, BlockBytes)}
	w, err := NewWriter(f, testRegion(0), BlockBytes)
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range payloads {
		w.Append(Header{Kind: KindEdit, FirstSeq: uint64(i + 1), Count: 1}, p)
		if err := w.Sync(); err != nil {
			t.Fatal(err)
		}
	}
	if f.unsound != 0 {
		t.Fatalf("%d writes off the block boundaries", f.unsound)
	}
	return f, w
}

// units reads every complete unit.
func units(f io.ReaderAt, region Region) (got [][]byte, s *Scanner) {
	s = NewScanner(f, region)
	var u Unit
	for s.Next() {
		done, ok := u.Add(s.Frame())
		if !ok {
			return got, s
		}
		if done {
			got = append(got, append([]byte{}, u.Payload()...))
		}
	}
	return got, s
}

func pattern(n int, seed byte) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(i)*7 + byte(i>>8)*13 + seed
	}
	return p
}

func TestUnitsComeBackAsWritten(t *testing.T) {
	want := [][]byte{{}, {1}, pattern(4096-24-25, 1), pattern(5000, 2), pattern(MaxFrameBytes, 3), pattern(MaxFrameBytes+1, 4), {}, pattern(3*MaxFrameBytes+17, 5), {9}}
	f, w := build(t, want...)
	got, s := units(f, testRegion(len(f.data)))
	if len(got) != len(want) {
		t.Fatalf("%d units, want %d (stopped by %v at %d)", len(got), len(want), s.Stop(), s.Offset())
	}
	for i := range want {
		if !bytes.Equal(got[i], want[i]) {
			t.Fatalf("unit %d differs", i)
		}
	}
	if s.LSN() != w.End() || s.Offset() != w.SizeBytes() {
		t.Fatalf("scan ended at %d/%d, writer at %d/%d", s.LSN(), s.Offset(), w.End(), w.SizeBytes())
	}
	if s.Stop() != Zeros && s.Stop() != End {
		t.Fatalf("stop %v", s.Stop())
	}
}

func TestWriterGoesOnBehindAReopen(t *testing.T) {
	f, w := build(t, pattern(100, 1), pattern(9000, 2))
	w2, err := NewWriter(f, testRegion(0), w.SizeBytes())
	if err != nil {
		t.Fatal(err)
	}
	if err := w2.Reserve(64 << 10); err != nil || w2.Reserved() < 64<<10 {
		t.Fatal(err, w2.Reserved())
	}
	size := len(f.data)
	w2.Append(Header{Kind: KindEdit, FirstSeq: 9}, pattern(5000, 3))
	if err := w2.Sync(); err != nil {
		t.Fatal(err)
	}
	if len(f.data) != size || f.unsound != 0 {
		t.Fatalf("file grew from %d to %d, %d unsound writes", size, len(f.data), f.unsound)
	}
	got, s := units(f, testRegion(len(f.data)))
	if len(got) != 3 || !bytes.Equal(got[2], pattern(5000, 3)) || s.Stop() != Zeros {
		t.Fatal(len(got), s.Stop())
	}
}

func TestWriterErrorIsSticky(t *testing.T) {
	f, w := build(t)
	f.failNext = io.ErrShortWrite
	w.Append(Header{Kind: KindEdit}, []byte("x"))
	first := w.Flush()
	f.failNext = nil
	if first == nil || w.Flush() != first || w.Sync() != first || w.Reserve(1) != first {
		t.Fatal("the error did not stick")
	}
}

// Every bit of every frame byte: the scan must stop at the damaged frame, never
// hand out different bytes, never go past.
func TestEveryBitFlipStopsTheScan(t *testing.T) {
	f, w := build(t, []byte("one"), pattern(60, 1), pattern(300, 2), []byte("last"))
	want, _ := units(f, testRegion(len(f.data)))
	starts := []int64{}
	for s := NewScanner(f, testRegion(len(f.data))); s.Next(); {
		starts = append(starts, s.Frame().Offset)
	}
	for at := int64(BlockBytes); at < w.SizeBytes(); at++ {
		for bit := range 8 {
			f.data[at] ^= 1 << bit
			got, s := units(f, testRegion(len(f.data)))
			index := 0
			for index+1 < len(starts) && starts[index+1] <= at {
				index++
			}
			if len(got) != index || s.Offset() != starts[index] || s.Stop() == Zeros || s.Stop() == End {
				t.Fatalf("flip %d.%d: %d units, stop %v at %d, want %d at %d", at, bit, len(got), s.Stop(), s.Offset(), index, starts[index])
			}
			for i := range got {
				if !bytes.Equal(got[i], want[i]) {
					t.Fatalf("flip %d.%d changed unit %d", at, bit, i)
				}
			}
			f.data[at] ^= 1 << bit
		}
	}
}

func TestTruncationAtEveryLength(t *testing.T) {
	f, w := build(t, []byte("one"), pattern(60, 1), pattern(300, 2))
	whole, _ := units(f, testRegion(len(f.data)))
	for n := int64(BlockBytes); n <= w.SizeBytes(); n++ {
		got, s := units(bytes.NewReader(f.data[:n]), testRegion(int(n)))
		if s.Err() != nil || len(got) > len(whole) || n < w.SizeBytes() && len(got) == len(whole) {
			t.Fatal(n, len(got), s.Err())
		}
		if stop := s.Stop(); stop != End && stop != Cut {
			t.Fatalf("cut at %d: stop %v", n, stop)
		}
		// The file is shorter than the region says.
		if _, s := units(bytes.NewReader(f.data[:n]), testRegion(int(n)+1)); s.Stop() != Cut && s.Stop() != None {
			t.Fatalf("short file at %d: stop %v", n, s.Stop())
		}
	}
}

// A frame elsewhere, of another file, epoch or log, is no frame.
func TestFramesAreBoundToTheirPlace(t *testing.T) {
	frame := Append(nil, testBinding.Seed(), 500, Header{Kind: KindOps, Flags: FlagWhole, FirstSeq: 1<<56 - 1, Count: 3}, []byte("payload"))
	if h, r := ParseHeader(frame, testBinding.Seed(), 500); r != None || h.FirstSeq != 1<<56-1 || h.Count != 3 || h.Length != 7 || h.PayloadCRC != crc.Sum([]byte("payload")) {
		t.Fatal(h, r)
	}
	others := []Binding{{0x1122334455667789, 3, 7}, {0x1122334455667788, 4, 7}, {0x1122334455667788, 3, 8}}
	for _, b := range others {
		if _, r := ParseHeader(frame, b.Seed(), 500); r != HeaderChecksum {
			t.Fatal(b, r)
		}
	}
	if _, r := ParseHeader(frame, testBinding.Seed(), 501); r != HeaderChecksum {
		t.Fatal(r)
	}
}

// "Version + 1": valid checksums over what this version does not understand.
func TestUnknownIsNotDamage(t *testing.T) {
	for _, h := range []Header{{Kind: 6, Flags: FlagWhole}, {Kind: KindInvalid, Flags: FlagWhole}, {Kind: KindOps, Flags: FlagWhole | FlagExtension}, {Kind: KindOps, Flags: FlagWhole | 0x80}, {Kind: KindOps, Length: MaxFrameBytes + 1}} {
		var b [ScratchBytes]byte
		PutHeader(b[:], testBinding.Seed(), 1, h)
		if _, r := ParseHeader(b[:HeaderBytes], testBinding.Seed(), 1); r != Unknown {
			t.Fatalf("%+v: %v", h, r)
		}
	}
	var b [ScratchBytes]byte
	PutHeader(b[:], testBinding.Seed(), 1, Header{Kind: 0x86, Flags: FlagWhole})
	if _, r := ParseHeader(b[:HeaderBytes], testBinding.Seed(), 1); r != None {
		t.Fatalf("a skippable kind: %v", r)
	}
}

func TestFindFrameLooksPastDamage(t *testing.T) {
	inner := Append(nil, testBinding.Seed(), 1000, Header{Kind: KindOps, Flags: FlagWhole}, []byte("old"))
	f, _ := build(t, pattern(300, 1), inner, pattern(5000, 2), []byte("end"))
	region := testRegion(len(f.data))
	var offsets []int64
	for s := NewScanner(f, region); s.Next(); {
		offsets = append(offsets, s.Frame().Offset)
	}
	for i, at := range offsets {
		f.data[at+3] ^= 0x10
		got, found, err := FindFrame(f, region, at)
		if err != nil || found != (i+1 < len(offsets)) || found && got.Offset != offsets[i+1] {
			t.Fatal(i, got.Offset, found, err)
		}
		f.data[at+3] ^= 0x10
	}
}

func TestUnitRefusesBrokenChains(t *testing.T) {
	first, middle, last := Flags(FlagFirst), Flags(0), FlagLast
	for _, c := range [][]Flags{{middle}, {last}, {first, first}, {first, FlagWhole}} {
		var u Unit
		ok := true
		for _, flags := range c {
			_, ok = u.Add(&Frame{Header: Header{Kind: KindOps, Flags: flags}})
		}
		if ok {
			t.Errorf("%v passed", c)
		}
	}
	var u Unit
	u.Add(&Frame{Header: Header{Kind: KindOps, Flags: first, FirstSeq: 1}})
	if _, ok := u.Add(&Frame{Header: Header{Kind: KindOps, Flags: last, FirstSeq: 2}}); ok {
		t.Error("a chain of two units passed")
	}
}

func TestAllZero(t *testing.T) {
	data := make([]byte, 3*scanBufferBytes)
	if zero, _, err := AllZero(bytes.NewReader(data), 5, int64(len(data))+9); !zero || err != nil {
		t.Fatal(zero, err)
	}
	data[2*scanBufferBytes+77] = 1
	if zero, at, _ := AllZero(bytes.NewReader(data), 5, int64(len(data))); zero || at != 2*scanBufferBytes+77 {
		t.Fatal(zero, at)
	}
}

func TestGoldenFrame(t *testing.T) {
	b := Append(nil, testBinding.Seed(), 42, Header{Kind: KindOps, Flags: FlagWhole, FirstSeq: 0x01020304050607, Count: 2}, []byte("\x01\x01k\x01v\x02\x01k"))
	b = Append(b, testBinding.Seed(), 42+uint64(len(b)), Header{Kind: KindEdit, Flags: FlagFirst, Count: 1}, nil)
	got := hex.Dump(b)
	const name = "testdata/frame.golden"
	if *rewrite {
		if err := os.WriteFile(name, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil || got != string(want) {
		t.Fatalf("the frame format changed (%v):\n%s", err, got)
	}
}

func TestScanAllocatesNothingPerFrame(t *testing.T) {
	payloads := make([][]byte, 2000)
	for i := range payloads {
		payloads[i] = pattern(200, byte(i))
	}
	f, _ := build(t, payloads...)
	s := NewScanner(f, testRegion(len(f.data)))
	n := testing.AllocsPerRun(5, func() {
		frames := 0
		for s.Reset(f, testRegion(len(f.data))); s.Next(); {
			frames++
		}
		if frames != len(payloads) {
			t.Fatalf("%d frames, %v at %d", frames, s.Stop(), s.Offset())
		}
	})
	if n > 20 { // bytes.NewReader in memFile, one a read
		t.Fatalf("%v allocations for 2000 frames", n)
	}
}

// Any bytes: no panic, no frame that was not written, bounded memory.
func FuzzScanner(f *testing.F) {
	file, _ := build(f, []byte("one"), pattern(100, 1), pattern(5000, 2))
	f.Add(file.data[BlockBytes:])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		data = append(make([]byte, BlockBytes), data...)
		region := testRegion(len(data))
		s := NewScanner(bytes.NewReader(data), region)
		for s.Next() {
			fr := s.Frame()
			again := Append(nil, region.Seed, fr.LSN, fr.Header, fr.Payload)
			if !bytes.Equal(again, data[fr.Offset:s.Offset()]) {
				t.Fatal("a frame that encodes otherwise")
			}
		}
		if s.Stop() == None || s.Err() != nil {
			t.Fatal(s.Stop(), s.Err())
		}
		if fr, found, err := FindFrame(bytes.NewReader(data), region, s.Offset()+1); err != nil || found && fr.Offset <= s.Offset() {
			t.Fatal(err)
		}
	})
}

func BenchmarkScan(b *testing.B) {
	payloads := make([][]byte, 20000)
	for i := range payloads {
		payloads[i] = pattern(200, byte(i))
	}
	f := &memFile{data: make([]byte, BlockBytes)}
	w, _ := NewWriter(f, testRegion(0), BlockBytes)
	for _, p := range payloads {
		w.Append(Header{Kind: KindOps}, p)
	}
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
	s := NewScanner(f, testRegion(len(f.data)))
	b.SetBytes(int64(len(f.data)))
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		s.Reset(f, testRegion(len(f.data)))
		for s.Next() {
			n++
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/frame")
}

func BenchmarkFindFrame(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	data := make([]byte, 1<<20)
	for i := range data {
		data[i] = byte(r.Uint32())
	}
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, found, _ := FindFrame(bytes.NewReader(data), Region{Seed: 1, End: int64(len(data))}, 0); found {
			b.Fatal("found")
		}
	}
}

func BenchmarkPutHeader(b *testing.B) {
	var dst [ScratchBytes]byte
	b.ReportAllocs()
	for b.Loop() {
		PutHeader(dst[:], 1, 77, Header{Length: 200, Kind: KindOps, Flags: FlagWhole})
	}
}

func ExampleScanner() {
	f := &memFile{data: make([]byte, BlockBytes)}
	region := Region{Seed: Binding{Identity: 1}.Seed(), Start: BlockBytes}
	w, _ := NewWriter(f, region, BlockBytes)
	w.Append(Header{Kind: KindEdit, Count: 1}, []byte("first"))
	w.Append(Header{Kind: KindEdit, Count: 1}, []byte("second"))
	if err := w.Sync(); err != nil {
		fmt.Println(err)
	}
	region.End = int64(len(f.data))
	s := NewScanner(f, region)
	for s.Next() {
		fmt.Printf("%d %s\n", s.Frame().LSN, s.Frame().Payload)
	}
	fmt.Println(s.Stop())
	// Output:
	// 0 first
	// 29 second
	// zeros
}
