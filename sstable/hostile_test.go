package sstable

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/varvekv/varve/internal/codec"
	"github.com/varvekv/varve/internal/corruption"
	"github.com/varvekv/varve/internal/crc"
	"github.com/varvekv/varve/internal/hash"
	"github.com/varvekv/varve/internal/ikey"
	"github.com/varvekv/varve/internal/invariants"
	"github.com/varvekv/varve/internal/offheap"
)

// smallTable is a table of a few blocks with every kind of entry.
func smallTable(t testing.TB, typ codec.Type) ([]entry, []byte) {
	entries := makeEntries(3, shape{n: 40, maxVersions: 3, keyPrefix: "k/", minValue: 0, maxValue: 60})
	f, p := writeTable(t, WriterOptions{BlockBytes: 512, Compression: typ}, entries)
	if p.DataBlocks < 3 {
		t.Fatalf("%d blocks are too few", p.DataBlocks)
	}
	return entries, f.data
}

// readAll opens data and reads all of it in every way. It returns the first
// error; wrong answers without an error end the test.
func readAll(t *testing.T, data []byte, entries []entry) error {
	t.Helper()
	r, err := Open(&memFile{name: "000007.sst", data: data}, ReaderOptions{Identity: testIdentity})
	if err != nil {
		return err
	}
	defer r.Close()
	var first error
	note := func(err error) {
		if err != nil && first == nil {
			first = err
		}
	}
	var s Scratch
	for _, e := range entries {
		tr, v, ok, err := r.Get(e.k.User, hash.Sum(e.k.User), e.k.Trailer.Seq(), &s)
		note(err)
		if err == nil && (!ok || tr != e.k.Trailer || !bytes.Equal(v, e.v)) {
			t.Fatalf("Get(%v) = %v, %q, %v without an error", e.k, tr, v, ok)
		}
	}
	c := r.NewCursor(CursorOptions{})
	defer c.Close()
	i := 0
	for ok := c.First(); ok; ok = c.Next() {
		sameEntry(t, entries, i, c)
		i++
	}
	note(c.Err())
	if c.Err() == nil && i != len(entries) {
		t.Fatalf("a scan ends after %d of %d entries without an error", i, len(entries))
	}
	_, err = r.Check(context.Background())
	if (err == nil) != (first == nil) && first != nil {
		t.Fatalf("Check passes a table whose read fails with %v", first)
	}
	note(err)
	return first
}

// mustBeCorrupt requires an error that names the file and matches corruption.Err.
func mustBeCorrupt(t *testing.T, what string, i int, err error) {
	t.Helper()
	var e *corruption.Error
	if !errors.As(err, &e) || !errors.Is(err, corruption.Err) || e.File != "000007.sst" || e.Offset < 0 || e.Reason == "" {
		t.Fatalf("%s %d: %v", what, i, err)
	}
}

// mustBeNewer: named as of a later version, and never as damaged.
func mustBeNewer(t *testing.T, what string, i int, err error) {
	t.Helper()
	var e *corruption.UnsupportedError
	if !errors.As(err, &e) || !errors.Is(err, corruption.ErrUnsupported) || errors.Is(err, corruption.Err) || e.File != "000007.sst" || e.What == "" {
		t.Fatalf("%s %d: %v", what, i, err)
	}
}

func mustBeCorruptOrNewer(t *testing.T, what string, i int, err error) {
	t.Helper()
	if errors.Is(err, corruption.ErrUnsupported) {
		mustBeNewer(t, what, i, err)
		return
	}
	mustBeCorrupt(t, what, i, err)
}

func TestEveryFlippedByteIsFound(t *testing.T) {
	for _, typ := range []codec.Type{codec.None, codec.S2, codec.Zstd} {
		entries, data := smallTable(t, typ)
		if err := readAll(t, data, entries); err != nil {
			t.Fatal(err)
		}
		for i := range data {
			for j, flip := range []byte{1 << (i % 8), 0xff, data[i]} { // a bit, all bits, zeroed
				if flip == 0 || invariants.Enabled && i%3 != j { // the race detector takes its time
					continue
				}
				bad := bytes.Clone(data)
				bad[i] ^= flip
				mustBeCorrupt(t, "flip at", i, readAll(t, bad, entries))
			}
		}
	}
}

func TestEveryTruncationIsFound(t *testing.T) {
	entries, data := smallTable(t, codec.None)
	for n := range data {
		if invariants.Enabled && n%3 != 0 {
			continue
		}
		mustBeCorrupt(t, "truncated to", n, readAll(t, data[:n:n], entries))
		zeroed := bytes.Clone(data)
		if clear(zeroed[n:]); !bytes.Equal(zeroed, data) {
			mustBeCorrupt(t, "zeroed from", n, readAll(t, zeroed, entries))
		}
	}
	mustBeCorrupt(t, "extended", 0, readAll(t, append(bytes.Clone(data), 0), entries))
	mustBeCorrupt(t, "doubled", 0, readAll(t, append(bytes.Clone(data), data...), entries))
}

// The file gets shorter under an open reader: an error, not the end of the data.
func TestFileTruncatedWhileOpen(t *testing.T) {
	entries, data := smallTable(t, codec.None)
	f := &memFile{name: "000007.sst", data: bytes.Clone(data)}
	r, err := Open(f, ReaderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	f.data = f.data[:1500]
	c := r.NewCursor(CursorOptions{})
	defer c.Close()
	n := 0
	for ok := c.First(); ok; ok = c.Next() {
		n++
	}
	mustBeCorrupt(t, "scan", n, c.Err())
	if c.Next() || c.Prev() || c.Err() == nil {
		t.Fatal("the error does not stay")
	}
	if n == 0 || !c.First() || c.Err() != nil {
		t.Fatal("a seek does not leave the error behind")
	}
	if e := entries[len(entries)-1].k; c.SeekGE(e) || c.Err() == nil || c.Valid() {
		t.Fatal("a seek into the hole succeeds")
	}
}

func TestForeignFilesAreRefused(t *testing.T) {
	entries := makeEntries(3, shape{n: 40, maxVersions: 3, keyPrefix: "k/", maxValue: 60})
	o := WriterOptions{BlockBytes: 512, Identity: testIdentity + 1}
	other, _ := writeTable(t, o, entries)
	mustBeCorrupt(t, "identity", 0, readAll(t, other.data, entries))
	_, mine := smallTable(t, codec.None)
	if len(mine) != len(other.data) {
		t.Fatal("the two tables should have the same layout")
	}
	// A block of the other file at its own offset in this one.
	mixed := bytes.Clone(mine)
	copy(mixed[:520], other.data[:520])
	mustBeCorrupt(t, "block of another file", 0, readAll(t, mixed, entries))
	_, err := Open(&memFile{name: "000007.sst", data: mine}, ReaderOptions{FileBytes: int64(len(mine)) + 1})
	mustBeCorrupt(t, "length", 0, err)
	mustBeCorrupt(t, "text", 0, readAll(t, bytes.Repeat([]byte("no table "), 1000), nil))
}

// Two blocks of equal length change places.
func TestMisplacedBlocksAreFound(t *testing.T) {
	entries := makeEntries(5, shape{n: 400, fixedKey: true, minValue: 100, maxValue: 100, zeroSeq: true})
	f, _ := writeTable(t, WriterOptions{BlockBytes: 1024}, entries)
	r, err := Open(&memFile{name: "x", data: f.data}, ReaderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	a, b := r.index.handle(1), r.index.handle(2)
	r.Close()
	if a.stored != b.stored {
		t.Fatal("blocks differ in length")
	}
	bad := bytes.Clone(f.data)
	copy(bad[a.offset:a.end()], f.data[b.offset:b.end()])
	copy(bad[b.offset:b.end()], f.data[a.offset:a.end()])
	mustBeCorrupt(t, "swapped", 1, readAll(t, bad, entries))
}

// editFooter changes the footer and makes its checksum right again.
func editFooter(data []byte, edit func(footer []byte)) []byte {
	bad := bytes.Clone(data)
	b := bad[len(bad)-footerBytes:]
	edit(b)
	binary.LittleEndian.PutUint32(b[footerSumAt:], footerSum(b))
	return bad
}

func TestUnknownVersionsAndFeaturesAreNamed(t *testing.T) {
	entries, data := smallTable(t, codec.None)
	for _, c := range []struct {
		word string
		edit func(b []byte)
	}{
		{"version 2", func(b []byte) { b[footerSumAt+4]++ }},
		{"incompatible features 0x4", func(b []byte) { b[24] |= 4 }},
	} {
		err := readAll(t, editFooter(data, c.edit), entries)
		mustBeNewer(t, c.word, 0, err)
		if !strings.Contains(err.Error(), c.word) {
			t.Fatalf("%q does not say %q", err, c.word)
		}
	}
	for _, at := range []int{32, 40} { // read-compatible, compatible
		if err := readAll(t, editFooter(data, func(b []byte) { b[at] |= 4 }), entries); err != nil {
			t.Fatalf("feature at %d: %v", at, err)
		}
	}
}

// Blocks whose checksum is right and whose kinds are not of this version: their table
// is whole, and must not be taken for damaged.
func TestUnknownKindsAreNotDamage(t *testing.T) {
	_, data := smallTable(t, codec.None)
	r, err := Open(&memFile{name: "x", data: data}, ReaderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	h, f := r.index.handle(1), r.footer.filter
	r.Close()
	end := h.offset + uint64(h.stored)
	for what, c := range map[string]struct {
		at    uint64
		newer byte
		sums  handle
	}{
		"block kind":      {end - 1, 2, h},
		"codec of block":  {end, 4, h},
		"filter kind":     {f.offset, 9, f},
		"codec of filter": {f.offset + uint64(f.stored), 9, f},
		"kind of entries": {end - blockTailBytes, 9, h},
	} {
		for _, v := range []byte{c.newer, 0} {
			bad := bytes.Clone(data)
			bad[c.at] = v
			resum(bad, c.sums)
			err := open7(bad)
			if v == 0 {
				mustBeCorrupt(t, what, 0, err)
			} else {
				mustBeNewer(t, what, int(v), err)
			}
		}
	}
}

// open7 opens and checks a table under the name that the errors must have.
func open7(data []byte) error {
	r, err := Open(&memFile{name: "000007.sst", data: data}, ReaderOptions{})
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = r.Check(context.Background())
	return err
}

// resum makes the checksum of a block right, whatever its codec says.
func resum(data []byte, h handle) {
	end := h.offset + uint64(h.stored) + 1
	sum := crc.Sum(data[h.offset:end]) ^ mask(testIdentity, h.offset)
	binary.LittleEndian.PutUint32(data[end:], sum)
}

// Footers that are checksummed and lie: no panic, no allocation from them.
func TestLyingFootersAreFound(t *testing.T) {
	entries, data := smallTable(t, codec.None)
	for at := 0; at < 96; at++ {
		if at >= 32 && at < 48 {
			continue // features that are passed over
		}
		for _, v := range []byte{0x01, 0x80, 0xff} {
			bad := editFooter(data, func(b []byte) { b[at] ^= v })
			if at >= 24 && at < 32 {
				mustBeNewer(t, "feature byte", at, readAll(t, bad, entries))
				continue
			}
			mustBeCorrupt(t, "footer byte", at, readAll(t, bad, entries))
		}
	}
}

// Blocks that are checksummed and lie: found by reads, not only by Check.
func TestLyingBlocksAreFound(t *testing.T) {
	_, data := smallTable(t, codec.None)
	r, err := Open(&memFile{name: "x", data: data}, ReaderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	h := r.index.handle(1)
	r.Close()
	for back := 1; back <= blockTailBytes; back++ {
		bad := bytes.Clone(data)
		bad[h.offset+uint64(h.stored)-uint64(back)] ^= 0xc4
		fixUp(bad)
		r, err := Open(&memFile{name: "000007.sst", data: bad}, ReaderOptions{})
		if err != nil {
			t.Fatal(err)
		}
		_, err = r.Check(context.Background())
		mustBeCorruptOrNewer(t, "byte before the end of a block", back, err)
		_, err = r.readBlock(1, new(Scratch))
		if err == nil && back < blockTailBytes-8 { // all but the trailer base is layout
			t.Fatalf("%d bytes before the end: the block passes", back)
		}
		r.Close()
	}
}

// Indexes that are checksummed and lie about their columns or lengths. (A fence
// may still be a bound where it was changed.)
func TestLyingIndexesAreFound(t *testing.T) {
	entries, data := smallTable(t, codec.None)
	r, err := Open(&memFile{name: "x", data: data}, ReaderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	h, prefix := r.footer.index, len(r.index.prefix)
	lengths := indexHeaderBytes + prefix + 8*r.index.count
	r.Close()
	for i := range lengths {
		if i >= indexHeaderBytes && i < indexHeaderBytes+prefix {
			continue
		}
		for _, flip := range []byte{1, 0x80} {
			bad := bytes.Clone(data)
			bad[h.offset+uint64(i)] ^= flip
			appendBlockTrailer(bad[h.offset:h.offset+uint64(h.stored)], 0, codec.None, testIdentity, h.offset)
			mustBeCorrupt(t, "index byte", i, readAll(t, bad, entries))
		}
	}
}

func TestIndexMustCoverTheData(t *testing.T) {
	var b indexBuilder
	b.fences = append(b.fences, "key"...)
	b.endFence()
	b.stored, b.decoded = []uint32{100}, []uint32{100}
	for _, dataEnd := range []uint64{0, 104, 106, 1 << 40} {
		if _, err := parseIndex(b.appendTo(nil), make([]byte, indexDerivedBytes), dataEnd); err == nil {
			t.Errorf("data up to %d: accepted", dataEnd)
		}
	}
	if _, err := parseIndex(b.appendTo(nil), make([]byte, indexDerivedBytes), 105); err != nil {
		t.Error(err)
	}
	if _, err := parseIndex(b.appendTo(nil), nil, 105); err == nil {
		t.Error("accepted without room for the columns")
	}
}

func TestIndexRefusesFencesThatDescend(t *testing.T) {
	var b indexBuilder
	for _, fence := range []string{"key2", "key1"} {
		b.fences = append(b.fences, fence...)
		b.endFence()
	}
	b.stored, b.decoded = []uint32{100, 100}, []uint32{100, 100}
	if _, err := parseIndex(b.appendTo(nil), make([]byte, 2*indexDerivedBytes), 210); err == nil {
		t.Fatal("accepted")
	}
}

func TestHandlesAreBounded(t *testing.T) {
	const limit = 10 << 30
	for _, h := range []handle{
		{offset: limit - 104, stored: 100, decoded: 100},
		{offset: 1<<64 - 1, stored: 100, decoded: 100},
		{stored: maxStoredBytes + 1, decoded: maxStoredBytes + 1},
		{stored: 100, decoded: codec.MaxLen + 1},
	} {
		if h.check(limit) == nil {
			t.Errorf("%+v passes", h)
		}
	}
	for _, h := range []handle{
		{offset: limit - 105, stored: 100, decoded: 100},
		{stored: maxStoredBytes, decoded: maxStoredBytes},
		{stored: 100, decoded: codec.MaxLen},
	} {
		if err := h.check(limit); err != nil {
			t.Error(err)
		}
	}
	_, data := smallTable(t, codec.None)
	r, err := Open(&memFile{name: "000007.sst", data: data}, ReaderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	h := r.index.handle(0)
	h.decoded++
	_, err = r.decodeBlock(data[:h.end()], h, new(Scratch))
	mustBeCorrupt(t, "a raw block of another length", 0, err)
}

func TestPropertiesOfLaterVersions(t *testing.T) {
	known := appendProperties(nil, &Properties{Identity: 5})
	if p, err := parseProperties(appendField(bytes.Clone(known), 200, []byte("news"))); err != nil || p.Identity != 5 {
		t.Fatalf("an even field that is not known: %v", err)
	}
	err := func() error {
		_, err := parseProperties(appendField(bytes.Clone(known), 201, []byte("news")))
		return err
	}()
	if err == nil || !strings.Contains(err.Error(), "field 201") {
		t.Fatalf("an odd field that is not known: %v", err)
	}
	for name, bad := range map[string][]byte{
		"repeated":   appendField(bytes.Clone(known), tagIdentity, []byte{5}),
		"no number":  appendField(bytes.Clone(known), tagSeqMax, []byte{0x80}),
		"two bytes":  appendField(bytes.Clone(known), tagSeqMax, []byte{1, 1}),
		"empty":      appendField(bytes.Clone(known), tagSeqMax, nil),
		"cut":        appendField(bytes.Clone(known), tagSeqMax, []byte{1})[:len(known)+2],
		"count":      appendField(bytes.Clone(known), tagEntries, []byte{1}),
		"tombstones": appendField(bytes.Clone(known), tagTombstones, []byte{1}),
	} {
		if _, err := parseProperties(bad); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// One read fails and the next would not: the error stays until a seek.
func TestCursorErrorsAreSticky(t *testing.T) {
	_, data := smallTable(t, codec.None)
	fails := false
	f := &memFile{name: "x", data: data, fail: func(string, int64) error {
		if fails {
			return errInjected
		}
		return nil
	}}
	r, err := Open(f, ReaderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	c := r.NewCursor(CursorOptions{})
	defer c.Close()
	c.First()
	for fails = true; c.Next(); {
	}
	fails = false
	if c.Next() || c.Prev() || c.Valid() || !errors.Is(c.Err(), errInjected) {
		t.Fatal(c.Err())
	}
	if !c.Last() || c.Err() != nil {
		t.Fatal(c.Err())
	}
}

func TestOpenFailuresReleaseEverything(t *testing.T) {
	_, data := smallTable(t, codec.None)
	before := offheap.Live()
	for i := range data {
		bad := bytes.Clone(data)
		bad[i] ^= 0x10
		f := &memFile{name: "x", data: bad}
		r, err := Open(f, ReaderOptions{})
		if err == nil {
			r.Close()
			r.Close()
		}
		if f.closed != 1 {
			t.Fatalf("flip at %d: closed %d times", i, f.closed)
		}
	}
	if n := offheap.Live() - before; n != 0 {
		t.Fatalf("%d bytes still mapped", n)
	}
}

func TestReadErrorsAreReturned(t *testing.T) {
	entries, data := smallTable(t, codec.S2)
	for fail := 1; fail < 12; fail++ {
		f := &memFile{name: "000007.sst", data: data}
		calls := 0
		f.fail = func(op string, off int64) error {
			if calls++; calls == fail {
				return errInjected
			}
			return nil
		}
		r, err := Open(f, ReaderOptions{})
		if err == nil {
			var s Scratch
			e := entries[len(entries)/2].k
			_, _, _, err = r.Get(e.User, hash.Sum(e.User), ikey.MaxSeq, &s)
			if err == nil {
				_, err = r.Check(context.Background())
			}
			if err == nil {
				c := r.NewCursor(CursorOptions{})
				for ok := c.Last(); ok; ok = c.Prev() {
				}
				err = c.Err()
				c.Close()
			}
			r.Close()
		}
		if calls >= fail && !errors.Is(err, errInjected) || errors.Is(err, corruption.Err) {
			t.Fatalf("call %d failed, the result is %v", fail, err)
		}
	}
}
