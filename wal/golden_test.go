package wal

import (
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/varvekv/varve/internal/recordio"
	"github.com/varvekv/varve/vfs"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files anew")

// TestGoldenSegment fixes format version 1 byte by byte: a log with operations,
// a batch of records, marks, a rotation and a clean close.
func TestGoldenSegment(t *testing.T) {
	fs := vfs.NewStrict(1)
	now := time.Unix(1_700_000_000, 0)
	l, _ := mustOpen(t, fs, Options{Clock: func() time.Time { now = now.Add(time.Microsecond); return now }, FlushInterval: time.Hour, MinEpoch: 3})
	l.line.takeLead() // the flusher stays out
	step := func(how takeKind) {
		if err := l.writeAndSync(how); err != nil {
			t.Fatal(err)
		}
	}
	l.SetManifestEdit(7)
	p, sum := ops(1, "key", "value", "k2", "")
	p = AppendDelete(p, []byte("gone"))
	_ = sum
	l.AppendOps(p, crcSum(p), 1, 3)
	step(takePlain)
	if _, err := l.appendUnit(100, []byte("one"), nil, []byte("three")); err != nil {
		t.Fatal(err)
	}
	step(takePlain)
	l.Cut()
	if _, err := l.appendRecord([]byte("in the second segment")); err != nil {
		t.Fatal(err)
	}
	step(takeMark)
	l.handOver()
	mustClose(t, l)

	d, _ := fs.OpenDir("log", false)
	var got strings.Builder
	for _, name := range []string{segmentName(1), segmentName(2)} {
		f, err := d.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		size, _ := f.Size()
		data := make([]byte, size)
		if _, err := f.ReadAt(data, 0); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&got, "%s\n%s", name, dumpNonZero(data))
	}
	const golden = "testdata/segment.golden"
	if *rewrite {
		if err := os.WriteFile(golden, []byte(got.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil || got.String() != string(want) {
		t.Fatalf("the segment format changed (%v):\n%s", err, got.String())
	}
}

// dumpNonZero is a hex dump without its zero lines.
func dumpNonZero(data []byte) string {
	var b strings.Builder
	for line := range strings.Lines(hex.Dump(data)) {
		if !strings.Contains(line, "00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00") {
			b.WriteString(line)
		}
	}
	return b.String()
}

func TestSegmentHeaderEveryBitFlipIsSeen(t *testing.T) {
	h := segmentHeader{
		state: stateSegment, number: 3, identity: 4, epoch: 5, first: 6, firstSeq: 7, start: 8, durable: 9, durableSeq: 10,
		edit: 11, created: 12, prev: link{13, 14, 15, 16}, features: features{readCompatible: 17, compatible: 18},
	}
	block := appendHeader(nil, &h)
	got, damage, err := parseHeader(block)
	if err != nil || damage.reason != "" || got != h {
		t.Fatal(got, damage, err)
	}
	for i := range block {
		for bit := range 8 {
			block[i] ^= 1 << bit
			got, damage, err := parseHeader(block)
			if err != nil || damage.reason == "" || !damage.usable || got != h {
				t.Fatalf("flip %d.%d: %+v %+v %v", i, bit, got, damage, err)
			}
			block[i] ^= 1 << bit
		}
	}
	for n := range block {
		if _, damage, err := parseHeader(block[:n]); err != nil || damage.reason == "" {
			t.Fatal(n, damage, err)
		}
	}
}

func FuzzSegmentHeader(f *testing.F) {
	f.Add(appendHeader(nil, &segmentHeader{state: stateSegment, number: 1}), true)
	f.Add([]byte{}, false)
	f.Fuzz(func(t *testing.T, block []byte, mend bool) {
		block = block[:min(len(block), headerBytes)]
		if mend && len(block) == headerBytes {
			sealHeader(block)
		}
		h, damage, err := parseHeader(block)
		if err != nil || damage.reason != "" {
			return
		}
		if !bytes.Equal(blockOf(wholeCopy(block)), block) {
			t.Fatal("a header that would be rewritten otherwise")
		}
		if again, _, err := parseHeader(appendHeader(nil, &h)); err != nil || again != h {
			t.Fatal("a header that encodes otherwise")
		}
	})
}

func FuzzOps(f *testing.F) {
	p, _ := ops(1, "key", "value", "k2", "")
	f.Add(AppendDelete(p, []byte("gone")))
	f.Add([]byte{0xc5, 1, 1, 'k', 1, 'v'})
	f.Fuzz(func(t *testing.T, p []byte) {
		d := DecodeOps(p)
		var again []byte
		plain := true
		for d.Next() {
			switch {
			case d.Op.Skip:
				plain = false
			case d.Op.Kind == OpPut:
				again = AppendPut(again, d.Op.Key, d.Op.Value)
			default:
				again = AppendDelete(again, d.Op.Key)
			}
		}
		if d.Err() == nil && d.Len() != 0 {
			t.Fatal("ended early without an error")
		}
		if plain && d.Err() == nil && len(again) > len(p) {
			t.Fatal("decoded to more than there was")
		}
	})
}

// FuzzOpen opens a directory with a hostile segment whose checksums are right
// where mend says so: no panic, no hang, no bytes destroyed by a refusal.
func FuzzOpen(f *testing.F) {
	c := smallLog(f, "closed", func(l *Log) { mustClose(f, l) })
	d, err := c.fs.OpenDir("log", false)
	if err != nil {
		f.Fatal(err)
	}
	file, err := d.Open(segmentName(2))
	if err != nil {
		f.Fatal(err)
	}
	data := make([]byte, c.ends[segmentName(2)])
	if _, err := file.ReadAt(data, 0); err != nil {
		f.Fatal(err)
	}
	f.Add(data, true, uint8(0))
	f.Add(data[:len(data)-9], false, uint8(3))
	f.Fuzz(func(t *testing.T, data []byte, mend bool, policy uint8) {
		if mend {
			data = mendFrames(append([]byte(nil), data...))
		}
		fs := c.fs.CrashImageKept()
		edit(t, fs, segmentName(2), func(f vfs.File) error {
			if err := f.Truncate(0); err != nil {
				return err
			}
			_, err := f.WriteAt(data, 0)
			return err
		})
		l, _, err := Open("log", &Options{FS: fs, Policy: Policy(policy % 4), Replay: func(Unit) error { return nil }})
		if err != nil {
			return
		}
		for _, err := range l.Records() {
			if err != nil && Policy(policy%4) != Salvage {
				t.Fatal(err)
			}
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// mendFrames makes the header's and the frames' checksums right, as far as the
// lengths make sense.
func mendFrames(data []byte) []byte {
	if len(data) < headerBytes {
		return data
	}
	sealHeader(data[:headerBytes])
	h, _, err := parseHeader(data[:headerBytes])
	if err != nil {
		return data
	}
	seed := h.binding().Seed()
	for at := headerBytes; at+recordio.HeaderBytes <= len(data); {
		n := int(data[at+8]) | int(data[at+9])<<8 | int(data[at+10])<<16
		if at+recordio.HeaderBytes+n > len(data) {
			break
		}
		payload := data[at+recordio.HeaderBytes : at+recordio.HeaderBytes+n]
		head := recordio.Header{
			PayloadCRC: crcSum(payload), Length: uint32(n), Kind: recordio.Kind(data[at+11]), Flags: recordio.Flags(data[at+12]),
			FirstSeq: uint64(data[at+13]), Count: uint32(data[at+20]),
		}
		var b [recordio.ScratchBytes]byte
		recordio.PutHeader(b[:], seed, uint64(h.first)+uint64(at-headerBytes), head)
		copy(data[at:], b[:recordio.HeaderBytes])
		at += recordio.HeaderBytes + n
	}
	return data
}
