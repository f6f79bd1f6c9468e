package manifest

import (
	"encoding/binary"

	"github.com/varvekv/varve/internal/corruption"
	"github.com/varvekv/varve/internal/crc"
)

// The first block of a manifest file, version 1, little endian. It is written
// and synced once, before CURRENT names the file, so that any damage to it is
// corruption.
//
//	   0 ┌──────────────────────────────────────────┐
//	     │ magic "varveMAN"                         │
//	   8 ├─────────────────────┬────────────────────┤
//	     │ version u32         │ comparer u32       │  comparer: 1 bytewise
//	  16 ├─────────────────────┴────────────────────┤
//	     │ features: incompatible u64               │  unknown bit: not opened
//	  24 │           read-compatible u64            │  unknown bit: read-only
//	  32 │           compatible u64                 │
//	  40 ├──────────────────────────────────────────┤
//	     │ identity of the database u64             │
//	  48 │ identity of this file u64                │  CURRENT has it too
//	  56 │ number of this file u64                  │
//	  64 │ number of the first edit u64             │  it holds the whole state
//	  72 │ file size at the switch of CURRENT i64   │  bytes
//	  80 │ created, unix nanoseconds i64            │
//	  88 ├──────────────────────────────────────────┤
//	     │ reserved, zero                           │
//	4092 ├─────────────────────┬────────────────────┘
//	     │ CRC32C of 0..4092   │
//	4096 └─────────────────────┘ frames (internal/recordio) of kind edit follow
//
// A frame's position is its file offset; its first sequence is the edit's number.
const (
	headerBytes   = 4096
	headerMagic   = "varveMAN"
	headerVersion = 1
	headerSumAt   = headerBytes - 4
	comparerBytes = 1 // bytewise
	featuresKnown = 0 // of each set
)

type header struct {
	features  features
	database  uint64
	identity  uint64
	number    uint64
	firstEdit uint64
	fileBytes int64
	created   int64
}

// features are what the file holds that earlier versions did not know.
type features struct {
	incompatible, readCompatible, compatible uint64
}

func (h *header) encode() []byte {
	p := make([]byte, headerBytes)
	copy(p, headerMagic)
	binary.LittleEndian.PutUint32(p[8:], headerVersion)
	binary.LittleEndian.PutUint32(p[12:], comparerBytes)
	for i, v := range [...]uint64{
		h.features.incompatible, h.features.readCompatible, h.features.compatible,
		h.database, h.identity, h.number, h.firstEdit, uint64(h.fileBytes), uint64(h.created),
	} {
		binary.LittleEndian.PutUint64(p[16+8*i:], v)
	}
	binary.LittleEndian.PutUint32(p[headerSumAt:], crc.Sum(p[:headerSumAt]))
	return p
}

// decodeHeader reads the first block of the named file.
// REQUIRES: len(p) == headerBytes.
func decodeHeader(file string, p []byte) (header, error) {
	if string(p[:8]) != headerMagic {
		return header{}, corruption.New(file, 0, "not a manifest: it begins with %q", p[:8])
	}
	if sum := crc.Sum(p[:headerSumAt]); sum != binary.LittleEndian.Uint32(p[headerSumAt:]) {
		return header{}, corruption.New(file, 0, "header checksum mismatch")
	}
	if v := binary.LittleEndian.Uint32(p[8:]); v != headerVersion {
		return header{}, unsupported(file, -1, "format version %d, known is %d", v, headerVersion)
	}
	if c := binary.LittleEndian.Uint32(p[12:]); c != comparerBytes {
		return header{}, unsupported(file, -1, "comparer %d, known is %d (bytewise)", c, comparerBytes)
	}
	h := headerFields(p)
	if h.fileBytes < headerBytes || h.firstEdit == 0 || h.firstEdit > NumberMax {
		return header{}, corruption.New(file, 0, "header: first edit %d, size %d: out of range", h.firstEdit, h.fileBytes)
	}
	return h, nil
}

// headerFields is what a header says, believed or not. REQUIRES: len(p) == headerBytes.
func headerFields(p []byte) header {
	word := func(i int) uint64 { return binary.LittleEndian.Uint64(p[16+8*i:]) }
	return header{
		features: features{word(0), word(1), word(2)},
		database: word(3), identity: word(4), number: word(5), firstEdit: word(6),
		fileBytes: int64(word(7)), created: int64(word(8)),
	}
}

// check refuses features that this version does not know: incompatible ones
// always, read-compatible ones unless the file is only read.
func (f features) check(file string, readOnly bool) error {
	if unknown := f.incompatible &^ featuresKnown; unknown != 0 {
		return unsupported(file, -1, "unknown incompatible feature bits %#x", unknown)
	}
	if unknown := f.readCompatible &^ featuresKnown; unknown != 0 && !readOnly {
		return unsupported(file, -1, "unknown feature bits %#x allow reading only", unknown)
	}
	return nil
}
