package wal

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/varvekv/varve/internal/crc"
	"github.com/varvekv/varve/internal/recordio"
)

// Header block of a segment file: 4096 bytes, of which two equal copies of 512
// bytes carry data, at 0 and at 2048; the rest is zero. Two, so that a header
// damaged in place can still be told from one that a crash never let arrive: the
// other copy opens the frames behind it, whose marks prove how far it was durable.
// Each copy lies in one disk sector.
//
//	  0 magic u64        8 version u32     12 state u32 (1 segment, 2 spare)
//	 16 incompatible u64 24 readCompatible u64  32 compatible u64    feature sets
//	 40 number u64       48 identity u64   56 epoch u64
//	 64 firstLSN u64     72 firstSeq u64   of the first frame and operation
//	 80 startLSN u64     what is needed of the log, when written
//	 88 durableLSN u64   96 durableSeq u64 proven when written
//	104 manifestEdit u64 last durable one  112 created i64, unix nanoseconds
//	120 prevNumber u64   128 prevEnd u64   136 prevChain u64  144 prevEpoch u64
//	152 reserved         508 crc u32       CRC32C of bytes 0 to 508
//
// What is reserved is zero in this version. A later one may put fields there that
// a reader may ignore: the checksum covers them, and whoever rewrites a header
// writes the bytes that it read.
const (
	headerBytes     = recordio.BlockBytes
	headerCopyBytes = 512
	headerCopyB     = 2048

	segmentMagic   = 0x0000474f4c565256 // "VRVLOG\0\0"
	segmentVersion = 1

	stateSegment = 1
	stateSpare   = 2 // prepared for reuse: holds nothing
)

// Feature bits that this version understands. Compatible ones need no understanding.
const (
	knownIncompatible   = 0
	knownReadCompatible = 0
)

// features are what a segment holds that earlier versions did not know.
type features struct {
	incompatible, readCompatible, compatible uint64
}

// link ties a segment to the one before it.
type link struct {
	number uint64 // 0: none
	end    LSN    // accepted end: behind its seal, or where recovery cut it
	chain  uint64 // chained checksum of all frames up to end
	epoch  uint64
}

type segmentHeader struct {
	state      uint32
	features   features
	number     uint64
	identity   uint64
	epoch      uint64
	first      LSN
	firstSeq   uint64
	start      LSN
	durable    LSN
	durableSeq uint64
	edit       uint64
	created    int64
	prev       link
}

func (h *segmentHeader) binding() recordio.Binding {
	return recordio.Binding{Identity: h.identity, Epoch: h.epoch, File: h.number}
}

// appendHeader appends the header block.
func appendHeader(dst []byte, h *segmentHeader) []byte {
	block := len(dst)
	dst = append(dst, make([]byte, headerBytes)...)
	p := dst[block:]
	le := binary.LittleEndian
	le.PutUint64(p[0:], segmentMagic)
	le.PutUint32(p[8:], segmentVersion)
	le.PutUint32(p[12:], h.state)
	for i, v := range []uint64{
		h.features.incompatible, h.features.readCompatible, h.features.compatible, h.number, h.identity, h.epoch, uint64(h.first), h.firstSeq, uint64(h.start),
		uint64(h.durable), h.durableSeq, h.edit, uint64(h.created),
		h.prev.number, uint64(h.prev.end), h.prev.chain, h.prev.epoch,
	} {
		le.PutUint64(p[16+8*i:], v)
	}
	sealHeader(p)
	return dst
}

// sealHeader computes the checksum and makes the second copy.
func sealHeader(block []byte) {
	binary.LittleEndian.PutUint32(block[508:], crc.Sum(block[:508]))
	copy(block[headerCopyB:], block[:headerCopyBytes])
}

// headerDamage is what is wrong with a header block.
type headerDamage struct {
	reason string // empty: nothing
	offset int64
	usable bool // one copy is whole: the decoded header can be relied on
	zero   bool // nothing but zeros
}

// parseHeader decodes a header block, which may be cut short. An error is a valid
// header of a later version.
func parseHeader(block []byte) (h segmentHeader, d headerDamage, err error) {
	raw := wholeCopy(block)
	if raw == nil {
		return h, brokenHeader(block), nil
	}
	if h, err = decodeHeader(raw); err != nil {
		return h, d, err
	}
	if h.state == 0 {
		return h, headerDamage{reason: "segment header without a state"}, nil
	}
	for i, want := range blockOf(raw) {
		if i >= len(block) {
			return h, headerDamage{reason: "segment header is cut short", offset: int64(i), usable: true}, nil
		}
		if block[i] != want {
			return h, headerDamage{reason: "segment header is damaged", offset: int64(i), usable: true}, nil
		}
	}
	return h, headerDamage{usable: true}, nil
}

// wholeCopy is the first copy in a header block whose checksum is right; nil when
// there is none.
func wholeCopy(block []byte) []byte {
	for _, at := range []int{0, headerCopyB} {
		if len(block) < at+headerCopyBytes {
			return nil
		}
		p := block[at : at+headerCopyBytes]
		if binary.LittleEndian.Uint64(p) == segmentMagic && binary.LittleEndian.Uint32(p[508:]) == crc.Sum(p[:508]) {
			return p
		}
	}
	return nil
}

// blockOf is the header block that holds the copy twice, byte for byte, with what
// this version does not know in it.
func blockOf(raw []byte) []byte {
	block := make([]byte, headerBytes)
	copy(block, raw)
	copy(block[headerCopyB:], raw)
	return block
}

func brokenHeader(block []byte) headerDamage {
	if len(bytes.TrimLeft(block, "\x00")) == 0 {
		d := headerDamage{reason: "segment header is zero", zero: true}
		if len(block) < headerBytes {
			d.reason = "segment header is cut short"
		}
		return d
	}
	if len(block) < headerBytes {
		return headerDamage{reason: "segment header is cut short"}
	}
	return headerDamage{reason: "segment header checksum mismatch"}
}

// decodeHeader decodes a copy whose checksum was verified.
func decodeHeader(p []byte) (h segmentHeader, err error) {
	le := binary.LittleEndian
	if v := le.Uint32(p[8:]); v != segmentVersion {
		return h, fmt.Errorf("segment format version %d, known is %d", v, segmentVersion)
	}
	u := func(at int) uint64 { return le.Uint64(p[at:]) }
	h = segmentHeader{
		state: le.Uint32(p[12:]), features: features{u(16), u(24), u(32)},
		number: u(40), identity: u(48), epoch: u(56), first: LSN(u(64)), firstSeq: u(72),
		start: LSN(u(80)), durable: LSN(u(88)), durableSeq: u(96), edit: u(104), created: int64(u(112)),
		prev: link{number: u(120), end: LSN(u(128)), chain: u(136), epoch: u(144)},
	}
	if unknown := h.features.incompatible &^ knownIncompatible; unknown != 0 {
		return h, fmt.Errorf("unknown incompatible feature bits %#x", unknown)
	}
	if h.state > stateSpare {
		return h, fmt.Errorf("segment in state %d", h.state)
	}
	return h, nil
}
