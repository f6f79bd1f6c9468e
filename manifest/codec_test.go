package manifest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/varvekv/varve/internal/corruption"
	"github.com/varvekv/varve/internal/crc"
)

var here = place{"MANIFEST-000001", 4096}

func wholeEdit() *Edit {
	extreme := &Slice{
		ID: math.MaxUint64, File: math.MaxUint64, Identity: math.MaxUint64,
		Level: LevelCount - 1, Run: math.MaxUint64, FileBytes: math.MaxInt64,
		Lower: []byte{}, Upper: []byte(strings.Repeat("\xff", 70000)),
		SeqMin: math.MaxUint64, SeqMax: math.MaxUint64, TimeMin: math.MinInt64, TimeMax: math.MaxInt64,
		Entries: math.MaxUint64, Tombstones: math.MaxUint64, UserKeys: 1, KeyBytes: math.MaxUint64,
		ValueBytes: math.MaxUint64, EntrySum: math.MaxUint64,
	}
	return &Edit{
		Number: 300, Removed: []uint64{1, 1 << 60, 0}, Added: []*Slice{newSlice(7, 3, 9, "a", "b"), extreme},
		LastSeq: 1 << 55, NextFile: 1 << 40, LogFrom: &LogPoint{Segment: 3}, DurableLSN: 1 << 62,
		LogAccepted: &LogAccepted{Identity: 1, Epoch: 2, Segment: 3, End: 4, Chain: math.MaxUint64},
		snapshot:    true, fileBytes: 70000,
	}
}

func TestEditRoundTrip(t *testing.T) {
	for _, e := range []*Edit{
		{Number: 1}, {Number: NumberMax}, wholeEdit(),
		{Number: 2, LogFrom: &LogPoint{}}, {Number: 2, LogFrom: &LogPoint{1, 0}},
		{Number: 3, Added: []*Slice{newSlice(1, 0, 0, "", "")}},
	} {
		got, err := decodeEdit(here, appendEdit(nil, e))
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, e) {
			t.Errorf("got %+v\nwant %+v", got, e)
		}
	}
}

// A field of Slice or Edit that the codec forgets is found here.
func TestEveryFieldIsWritten(t *testing.T) {
	e := wholeEdit()
	for _, v := range []reflect.Value{reflect.ValueOf(*e), reflect.ValueOf(*e.Added[0]), reflect.ValueOf(*e.LogAccepted)} {
		for i := range v.NumField() {
			if name := v.Type().Field(i).Name; v.Field(i).IsZero() && name != "Keyspace" {
				t.Errorf("%s.%s is zero: the round trip does not cover it", v.Type(), name)
			}
		}
	}
}

func TestDecodedEditOwnsItsMemory(t *testing.T) {
	p := appendEdit(nil, &Edit{Number: 3, Added: []*Slice{newSlice(1, 0, 0, "abc", "def")}})
	e, err := decodeEdit(here, p)
	if err != nil {
		t.Fatal(err)
	}
	clear(p)
	if s := e.Added[0]; string(s.Lower) != "abc" || string(s.Upper) != "def" {
		t.Errorf("bounds are %q, %q", s.Lower, s.Upper)
	}
}

func TestUnknownFields(t *testing.T) {
	slice := appendSlice(nil, newSlice(1, 0, 0, "a", "b"))
	edit := appendNumber(nil, editNumber, 5)
	withSlice := func(tail []byte) []byte {
		return appendField(append([]byte(nil), edit...), editAdded, append(append([]byte(nil), slice...), tail...))
	}
	skip, understand := appendField(nil, 60<<1, []byte("new")), appendField(nil, 60<<1|must, []byte("new"))
	for name, p := range map[string][]byte{
		"edit": append(append([]byte(nil), edit...), skip...), "slice": withSlice(skip),
	} {
		if e, err := decodeEdit(here, p); err != nil || e.Number != 5 {
			t.Errorf("%s: a field that may be passed over: %v", name, err)
		}
	}
	for name, p := range map[string][]byte{
		"edit": append(append([]byte(nil), edit...), understand...), "slice": withSlice(understand),
	} {
		_, err := decodeEdit(here, p)
		if !errors.Is(err, ErrUnsupported) || errors.Is(err, corruption.Err) {
			t.Errorf("%s: %v", name, err)
		}
		if text := fmt.Sprint(err); !strings.Contains(text, here.file) || !strings.Contains(text, name+" has field 60") {
			t.Errorf("%s: the error names neither file nor field: %s", name, text)
		}
	}
}

// A slice in a keyspace of its own would otherwise be read as one of keyspace 0.
func TestSliceInAKeyspaceIsOfALaterVersion(t *testing.T) {
	n := newSlice(7, 0, 0, "a", "b").numbers()
	n[sliceKeyspace] = 3
	var body []byte
	for field, v := range n {
		body = appendNumber(body, sliceTag(field), v)
	}
	body = appendField(appendField(body, sliceTag(sliceLower), []byte("a")), sliceTag(sliceUpper), []byte("b"))
	_, err := decodeEdit(here, appendField(appendNumber(nil, editNumber, 5), editAdded, body))
	if !errors.Is(err, ErrUnsupported) || errors.Is(err, corruption.Err) || !strings.Contains(fmt.Sprint(err), "slice 7 lies in keyspace 3") || !strings.Contains(fmt.Sprint(err), here.file) {
		t.Fatal(err)
	}
	s := newSlice(7, 0, 0, "a", "b")
	s.Keyspace = 3
	if err := s.Check(); !errors.Is(err, ErrInvalid) {
		t.Fatal(err)
	}
}

func TestDecodeEditRefusesNonsense(t *testing.T) {
	number := appendNumber(nil, editNumber, 5)
	with := func(tag uint64, body ...byte) []byte { return appendField(append([]byte(nil), number...), tag, body) }
	slice := func(change func(n *[sliceNumbers]uint64), tail ...byte) []byte {
		n := newSlice(1, 0, 0, "a", "b").numbers()
		change(&n)
		var body []byte
		for field, v := range n {
			body = appendNumber(body, sliceTag(field), v)
		}
		body = appendField(body, sliceTag(sliceUpper), []byte("b"))
		return with(editAdded, append(body, tail...)...)
	}
	same := func(*[sliceNumbers]uint64) {}
	for name, p := range map[string][]byte{
		"no number":            appendNumber(nil, editLastSeq, 5),
		"empty":                {},
		"number out of range":  appendNumber(nil, editNumber, NumberMax+1),
		"next file too great":  appendNumber(append([]byte(nil), number...), editNextFile, NumberMax+1),
		"field twice":          append(append([]byte(nil), number...), number...),
		"fields descend":       append(appendNumber(nil, editLastSeq, 5), number...),
		"tag cut short":        append(append([]byte(nil), number...), 0x80),
		"length cut short":     append(append([]byte(nil), number...), editLastSeq, 0x80),
		"length too long":      append(append([]byte(nil), number...), editLastSeq, 9, 1),
		"length overflows":     append(append([]byte(nil), number...), editLastSeq, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1),
		"number too long":      with(editLastSeq, 1, 2),
		"number overflows":     with(editLastSeq, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1),
		"snapshot not empty":   with(editSnapshot, 1),
		"log from cut short":   with(editLogFrom, 1),
		"log from too long":    with(editLogFrom, 1, 2, 3),
		"accepted cut short":   with(editLogAccepted, 1, 2, 3, 4),
		"accepted no identity": with(editLogAccepted, 0, 2, 3, 4, 5),
		"removed cut short":    with(editRemoved, 1, 0x80),
		"file bytes":           with(editFileBytes, 0x80),
		"slice without fields": with(editAdded),
		"slice cut short":      with(editAdded, sliceID<<1|must),
		"slice number":         with(editAdded, sliceID<<1|must, 2, 1, 1),
		"slice field twice":    slice(same, appendField(nil, sliceTag(sliceUpper), []byte("c"))...),
		"slice level":          slice(func(n *[sliceNumbers]uint64) { n[sliceLevel] = LevelCount }),
		"slice keyspace":       slice(func(n *[sliceNumbers]uint64) { n[sliceKeyspace] = 1 << 32 }),
		"slice file bytes":     slice(func(n *[sliceNumbers]uint64) { n[sliceFileBytes] = 1 << 63 }),
		"slice sequences":      slice(func(n *[sliceNumbers]uint64) { n[sliceSeqMin] = 1 << 50 }),
	} {
		_, err := decodeEdit(here, p)
		var c *corruption.Error
		if !errors.As(err, &c) || c.File != here.file || c.Offset != here.offset {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := decodeEdit(here, slice(same)); err != nil {
		t.Errorf("the slice unchanged: %v", err)
	}
}

func testHeader() header {
	return header{database: 1, identity: 2, number: 3, firstEdit: 4, fileBytes: 70000, created: 6}
}

func TestHeaderRoundTrip(t *testing.T) {
	h := testHeader()
	h.features = features{0, 0, 1 << 63}
	got, err := decodeHeader("M", h.encode())
	if err != nil || got != h {
		t.Errorf("%+v, %v", got, err)
	}
	if err := got.features.check("M", false); err != nil {
		t.Errorf("a compatible feature: %v", err)
	}
}

func TestHeaderBitFlips(t *testing.T) {
	h := testHeader()
	p := h.encode()
	for bit := range 8 * len(p) {
		p[bit/8] ^= 1 << (bit % 8)
		if _, err := decodeHeader("M", p); !errors.Is(err, corruption.Err) {
			t.Fatalf("bit %d: %v", bit, err)
		}
		p[bit/8] ^= 1 << (bit % 8)
	}
}

// reseal changes a header and fixes its checksum.
func reseal(h header, change func(p []byte)) []byte {
	p := h.encode()
	change(p)
	binary.LittleEndian.PutUint32(p[headerSumAt:], crc.Sum(p[:headerSumAt]))
	return p
}

func TestHeaderOfANewerVersion(t *testing.T) {
	for want, at := range map[string]int{"format version 2": 8, "comparer 2": 12} {
		_, err := decodeHeader("MANIFEST-000003", reseal(testHeader(), func(p []byte) { p[at]++ }))
		if !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), "MANIFEST-000003: "+want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	h := testHeader()
	h.features.incompatible = 4
	for _, readOnly := range []bool{false, true} {
		if err := h.features.check("M", readOnly); !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), "M: unknown incompatible feature bits 0x4") {
			t.Errorf("incompatible: %v", err)
		}
	}
	h.features = features{readCompatible: 8}
	if err := h.features.check("M", false); !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), "0x8") {
		t.Errorf("read-compatible, writing: %v", err)
	}
	if err := h.features.check("M", true); err != nil {
		t.Errorf("read-compatible, reading: %v", err)
	}
}

func TestHeaderRefusesNonsense(t *testing.T) {
	for name, change := range map[string]func(h *header){
		"first edit 0":       func(h *header) { h.firstEdit = 0 },
		"first edit too big": func(h *header) { h.firstEdit = NumberMax + 1 },
		"size":               func(h *header) { h.fileBytes = headerBytes - 1 },
		"negative size":      func(h *header) { h.fileBytes = -1 },
	} {
		h := testHeader()
		change(&h)
		if _, err := decodeHeader("M", h.encode()); !errors.Is(err, corruption.Err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCurrentRoundTrip(t *testing.T) {
	c := current{number: 7, identity: 0x0123456789abcdef}
	got, err := decodeCurrent(c.encode())
	if err != nil || got != c {
		t.Errorf("%+v, %v", got, err)
	}
	golden(t, "current.txt", c.encode())
}

func TestCurrentDamage(t *testing.T) {
	p := current{number: 7, identity: 0x0123456789abcdef}.encode()
	for bit := range 8 * len(p) {
		p[bit/8] ^= 1 << (bit % 8)
		if _, err := decodeCurrent(p); !errors.Is(err, corruption.Err) {
			t.Fatalf("bit %d: %v: %q", bit, err, p)
		}
		p[bit/8] ^= 1 << (bit % 8)
	}
	for length := range len(p) {
		if _, err := decodeCurrent(p[:length]); !errors.Is(err, corruption.Err) {
			t.Fatalf("length %d: %v", length, err)
		}
	}
	for name, q := range map[string][]byte{
		"longer":         append(append([]byte(nil), p...), '\n'),
		"LevelDB's":      []byte("MANIFEST-000007\n"),
		"no manifest":    sealCurrent(1, "000007.sst\nidentity 0123456789abcdef\n"),
		"short number":   sealCurrent(1, "MANIFEST-7\nidentity 0123456789abcdef\n"),
		"identity short": sealCurrent(1, "MANIFEST-000007\nidentity 123456789abcdef\n"),
		"identity upper": sealCurrent(1, "MANIFEST-000007\nidentity 0123456789ABCDEF\n"),
		"no identity":    sealCurrent(1, "MANIFEST-000007\nx\n"),
		"a line more":    sealCurrent(1, "MANIFEST-000007\nidentity 0123456789abcdef\nx\n"),
		"no lines":       sealCurrent(1, ""),
	} {
		if _, err := decodeCurrent(q); !errors.Is(err, corruption.Err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCurrentOfANewerVersion(t *testing.T) {
	_, err := decodeCurrent(sealCurrent(2, "whatever comes\n"))
	if !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), "CURRENT: format version \"2\"") {
		t.Error(err)
	}
}
