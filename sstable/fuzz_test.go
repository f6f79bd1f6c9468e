package sstable

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"reflect"
	"testing"

	"github.com/varvekv/varve/internal/codec"
	"github.com/varvekv/varve/internal/corruption"
	"github.com/varvekv/varve/internal/hash"
	"github.com/varvekv/varve/internal/ikey"
)

func FuzzBlock(f *testing.F) {
	for _, entries := range blockCases() {
		if data, _ := buildBlock(entries); len(data) < 10_000 {
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) { touchBlock(data) })
}

func FuzzIndex(f *testing.F) {
	var b indexBuilder
	f.Add(b.appendTo(nil), []byte("key"), uint64(0))
	for _, fence := range []string{"user1", "user12345678", "user2"} {
		b.fences = append(b.fences, fence...)
		b.endFence()
		b.stored, b.decoded = append(b.stored, 100), append(b.decoded, 100)
	}
	f.Add(b.appendTo(nil), []byte("user12345678"), uint64(315))
	f.Fuzz(func(t *testing.T, data, user []byte, dataEnd uint64) {
		if len(data) < indexHeaderBytes {
			return
		}
		n := min(uint64(binary.LittleEndian.Uint32(data)), uint64(len(data)))
		x, err := parseIndex(data, make([]byte, n*indexDerivedBytes), dataEnd)
		if err != nil {
			return
		}
		i := x.find(user)
		for j := range x.count {
			fence := append(bytes.Clone(x.prefix), x.suffix(j)...)
			if (bytes.Compare(fence, user) >= 0) != (j >= i) {
				t.Fatalf("find(%q) = %d, fence %d is %q", user, i, j, fence)
			}
			if x.isFence(j, user) != bytes.Equal(fence, user) {
				t.Fatalf("isFence(%d, %q)", j, user)
			}
		}
	})
}

func FuzzFilter(f *testing.F) {
	data, _ := appendFilter(nil, []uint64{1, 2, 1 << 60}, 10)
	f.Add(data, uint64(5))
	f.Fuzz(func(t *testing.T, data []byte, h uint64) {
		if x, err := parseFilter(data); err == nil {
			x.mayContain(h)
		}
	})
}

func FuzzProperties(f *testing.F) {
	_, p := writeTable(f, WriterOptions{}, makeEntries(1, shape{n: 3, maxVersions: 3, maxValue: 9}))
	f.Add(appendProperties(nil, &p))
	f.Add(appendProperties(nil, &Properties{}))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := parseProperties(data)
		if err != nil {
			return
		}
		again, err := parseProperties(appendProperties(nil, p))
		if err != nil || !reflect.DeepEqual(p, again) {
			t.Fatalf("%+v became %+v, %v", p, again, err)
		}
	})
}

func FuzzFooter(f *testing.F) {
	_, data := smallTable(f, codec.None)
	f.Add(data[len(data)-footerBytes:], uint64(len(data)))
	f.Fuzz(func(t *testing.T, b []byte, fileBytes uint64) {
		if len(b) != footerBytes {
			return
		}
		b = bytes.Clone(b)
		sealFooter(b)
		if x, err := parseFooter(b, fileBytes); err == nil && x.properties.end() != fileBytes-footerBytes {
			t.Fatalf("%+v in a file of %d bytes", x, fileBytes)
		}
	})
}

// FuzzTable opens whole files whose checksums were made right: only what the
// decoders themselves check stands between these bytes and a panic.
func FuzzTable(f *testing.F) {
	for _, typ := range []codec.Type{codec.None, codec.S2, codec.Zstd} {
		_, data := smallTable(f, typ)
		f.Add(data, []byte("k/5"))
	}
	f.Fuzz(func(t *testing.T, data, user []byte) {
		data = bytes.Clone(data)
		fixUp(data)
		r, err := Open(&memFile{name: "x", data: data}, ReaderOptions{})
		if err != nil {
			if !isRefusal(err) {
				t.Fatal(err)
			}
			return
		}
		defer r.Close()
		var s Scratch
		r.Get(user, hash.Sum(user), ikey.MaxSeq, &s)
		c := r.NewCursor(CursorOptions{})
		defer c.Close()
		for ok := c.SeekLT(ikey.First(user)); ok; ok = c.Prev() {
			_, _ = c.Key(), c.Value()
		}
		if _, err := r.Check(context.Background()); err != nil && !isRefusal(err) {
			t.Fatal(err)
		}
	})
}

// isRefusal is an error that bytes from disk may cause.
func isRefusal(err error) bool {
	return errors.Is(err, corruption.Err) || errors.Is(err, corruption.ErrUnsupported)
}

// fixUp makes every checksum right that can be found.
func fixUp(data []byte) {
	if len(data) < footerBytes {
		return
	}
	b := data[len(data)-footerBytes:]
	sealFooter(b)
	identity := binary.LittleEndian.Uint64(b)
	seal := func(h handle) []byte {
		end := h.offset + uint64(h.stored) + blockTrailerBytes
		if h.offset > uint64(len(data)) || end > uint64(len(data)) || end < h.offset {
			return nil
		}
		stored := data[h.offset:end]
		appendBlockTrailer(stored[:h.stored], 0, codec.Type(stored[h.stored]), identity, h.offset)
		return stored[:h.stored]
	}
	for at := 48; at < 96; at += handleBytes {
		seal(parseHandle(b[at:]))
	}
	index := seal(parseHandle(b[64:]))
	x, err := splitIndex(index)
	if err != nil {
		return
	}
	offset := uint64(0)
	for i := range x.count {
		h := handle{offset: offset, stored: binary.LittleEndian.Uint32(x.stored[4*i:])}
		seal(h)
		offset = h.end()
	}
}

func TestFixUpKeepsAGoodTable(t *testing.T) {
	_, data := smallTable(t, codec.S2)
	again := bytes.Clone(data)
	if fixUp(again); !bytes.Equal(data, again) {
		t.Fatal("a good table changed")
	}
	again[len(again)/2] ^= 1
	broken := bytes.Clone(again)
	if fixUp(again); bytes.Equal(broken, again) {
		t.Fatal("a broken table was not fixed up")
	}
}
