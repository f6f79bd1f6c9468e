package tests

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strings"
	"testing"

	"github.com/varvekv/varve"
)

// A head is where a kind of file says what it takes to read it: a version, and
// three sets of features (incompatible, read-compatible, compatible) of eight
// bytes each, under a CRC32C of all of the block but itself.
type head struct {
	kind               string
	fromEnd            bool // the block is the last of the file
	bytes, version     int
	features, checksum int
	again              int // where a second copy stands; 0: nowhere
}

var heads = []head{
	{kind: "manifest", bytes: 4096, version: 8, features: 16, checksum: 4092},
	{kind: "log", bytes: 512, version: 8, features: 16, checksum: 508, again: 2048},
	{kind: "table", fromEnd: true, bytes: 256, version: 244, features: 24, checksum: 240},
}

// change edits the block and makes its checksum right again.
func (h head) change(t *testing.T, f folder, name string, edit func(block []byte)) {
	t.Helper()
	data := f.read(name)
	block := data[:h.bytes]
	if h.fromEnd {
		block = data[len(data)-h.bytes:]
	}
	if got := binary.LittleEndian.Uint32(block[h.checksum:]); got != h.sum(block) {
		t.Fatalf("%s: the checksum is %#x, not %#x: its format is another", name, got, h.sum(block))
	}
	edit(block)
	binary.LittleEndian.PutUint32(block[h.checksum:], h.sum(block))
	if h.again > 0 {
		copy(data[h.again:], block)
	}
	f.write(name, data)
}

func (h head) sum(block []byte) uint32 {
	castagnoli := crc32.MakeTable(crc32.Castagnoli)
	return crc32.Update(crc32.Checksum(block[:h.checksum], castagnoli), castagnoli, block[h.checksum+4:])
}

// TestFutureFormatsAreRefused gives files of each kind versions and features
// that do not exist yet, under valid checksums.
func TestFutureFormatsAreRefused(t *testing.T) {
	guard(t)
	rng, _ := seeded(t)
	s := newSmallSpecimen(t, rng)
	for _, h := range heads {
		name := s.of(h.kind)[0]
		for _, version := range []uint32{0, 2, 0xffffffff} {
			h.refuses(t, s, name, fmt.Sprintf("version %d", version), "version", func(block []byte) {
				binary.LittleEndian.PutUint32(block[h.version:], version)
			})
		}
		for _, bit := range []int{0, 7, 63} {
			h.refuses(t, s, name, fmt.Sprintf("incompatible feature %d", bit), "feature", func(block []byte) {
				block[h.features+bit/8] |= 1 << (bit % 8)
			})
			h.accepts(t, s, name, fmt.Sprintf("compatible feature %d", bit), func(block []byte) {
				block[h.features+16+bit/8] |= 1 << (bit % 8)
			})
		}
	}
}

func (h head) refuses(t *testing.T, s *specimen, name, what, word string, edit func([]byte)) {
	t.Helper()
	c := s.copied()
	h.change(t, c, name, edit)
	err := readAll(s, c, false)
	if err == nil {
		t.Errorf("%s with %s was read", name, what)
		return
	}
	if !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), word) {
		t.Errorf("%s with %s: the error names not both the file and the %s: %v", name, what, word, err)
	}
}

func (h head) accepts(t *testing.T, s *specimen, name, what string, edit func([]byte)) {
	t.Helper()
	c := s.copied()
	h.change(t, c, name, edit)
	if err := readAll(s, c, false); err != nil {
		t.Errorf("%s with %s: %v", name, what, err)
	}
}

// readAll opens a copy and reads everything, which must be there.
func readAll(s *specimen, c folder, readOnly bool) error {
	db, err := varve.Open(worldDir, &varve.Options{FS: c.fs, MemtableBytes: 64 << 10, CacheBytes: -1, ReadOnly: readOnly})
	if err != nil {
		return err
	}
	state, err := contents(db, s.led.keys, false)
	if err == nil {
		_, err = s.led.settle(state, len(s.led.units))
	}
	if closed := db.Close(); err == nil {
		err = closed
	}
	return err
}

// TestReadCompatibleFeatures: who knows a read-compatible feature not may read,
// and must not write.
func TestReadCompatibleFeatures(t *testing.T) {
	guard(t)
	rng, _ := seeded(t)
	s := newSmallSpecimen(t, rng)
	for _, h := range heads {
		if h.kind == "table" {
			continue // never written again
		}
		c := s.copied()
		name := s.of(h.kind)[0]
		h.change(t, c, name, func(block []byte) { block[h.features+8] |= 4 })
		if err := readAll(s, c, true); err != nil {
			t.Errorf("%s, ReadOnly: %v", name, err)
		}
		err := readAll(s, c, false)
		if err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "feature") {
			t.Errorf("%s, for writing: %v, want an error that names the file and the feature", name, err)
		}
	}
}
