// Package recordio is the framing of checked records in an append-only file: it
// is shared by the write-ahead log and the manifest.
//
// A frame is a 24-byte header and a payload. Both carry a CRC32C. The header's
// also covers what is not stored: the file's Binding and the position (LSN) at
// which the frame stands. Bytes of a frame inside a value, a frame of a recycled
// file's earlier life, or a frame that was moved, never pass for one.
//
// The package knows nothing of what payloads mean, decides nothing about damage
// (it says what it found and where) and never trusts a length before the
// checksum over it was verified.
package recordio

import (
	"encoding/binary"
	"fmt"

	"github.com/varvekv/varve/internal/crc"
)

// Format of a frame, version 1, little endian, no alignment:
//
//	 0          4           8         11   12    13              20      24
//	┌──────────┬───────────┬─────────┬────┬─────┬───────────────┬───────┬─────────┐
//	│headerCRC │payloadCRC │length   │kind│flags│first sequence │count  │payload …│
//	│u32       │u32        │u24      │u8  │u8   │u56            │u32    │         │
//	└──────────┴───────────┴─────────┴────┴─────┴───────────────┴───────┴─────────┘
//
// headerCRC covers bytes 4 to 24 and then the frame's LSN (u64, not stored),
// started from the seed of the file's Binding. payloadCRC covers the payload
// alone, so that a caller can compute it outside every lock.

// Sizes of the format.
const (
	HeaderBytes   = 24
	MaxFrameBytes = 1 << 20 // greatest payload of one frame; longer units are chains
	// ScratchBytes is the room that PutHeader needs: the header and the implied LSN.
	ScratchBytes = HeaderBytes + 8
)

// Kind says what a payload is. Values are part of the format.
type Kind uint8

// Kinds. Zero is invalid, so that zeroed bytes never pass for a frame.
const (
	KindInvalid Kind = 0
	KindOps     Kind = 1 // operations of one batch
	KindRecord  Kind = 2 // a caller's own record
	KindMark    Kind = 3 // durable mark of a write group
	KindSeal    Kind = 4 // the end of a segment
	KindEdit    Kind = 5 // a manifest edit

	// KindSkippable is the bit of kinds that a reader may skip when it does not
	// understand them; all others must be understood.
	KindSkippable Kind = 0x80

	kindLast = KindEdit
)

// Known reports whether this version understands the kind.
func (k Kind) Known() bool { return k != KindInvalid && k <= kindLast }

// Flags of a frame. Values are part of the format.
type Flags uint8

// Flags. A frame that is no part of a chain is both first and last.
const (
	FlagFirst     Flags = 1 << 0 // first of its chain
	FlagLast      Flags = 1 << 1 // last of its chain: with it the chain counts
	FlagExtension Flags = 1 << 2 // reserved: the payload starts with an extension block
	FlagContinues Flags = 1 << 3 // kind record: the next frame of the chain continues this record

	FlagWhole = FlagFirst | FlagLast // not chained

	flagsKnown = FlagFirst | FlagLast | FlagContinues
)

// Header is what stands before a payload.
type Header struct {
	PayloadCRC uint32
	Length     uint32 // payload bytes, at most MaxFrameBytes
	Kind       Kind
	Flags      Flags
	// FirstSeq is, in 56 bits: of operations, the first one's sequence; of a mark or
	// seal, the last sequence given out before it; of an edit, its number; of records 0.
	FirstSeq uint64
	Count    uint32 // operations or records in the whole chain; else 1
}

// Binding is what ties frames to their file without being stored in them.
type Binding struct {
	Identity uint64 // random, of the log or database
	Epoch    uint64
	File     uint64 // number of the file
}

// Seed is a Binding's part of every header checksum.
type Seed uint32

// Seed is the checksum of the binding, from which header checksums start.
func (b Binding) Seed() Seed {
	var p [24]byte
	binary.LittleEndian.PutUint64(p[0:], b.Identity)
	binary.LittleEndian.PutUint64(p[8:], b.Epoch)
	binary.LittleEndian.PutUint64(p[16:], b.File)
	return Seed(crc.Sum(p[:]))
}

// PutHeader encodes h for a frame at lsn into dst[:HeaderBytes] and returns the
// header's checksum. It allocates nothing: dst[HeaderBytes:ScratchBytes], where
// the payload goes next, serves as scratch. REQUIRES: len(dst) >= ScratchBytes,
// h.Length <= MaxFrameBytes, h.FirstSeq < 1<<56.
func PutHeader(dst []byte, s Seed, lsn uint64, h Header) uint32 {
	_ = dst[ScratchBytes-1]
	binary.LittleEndian.PutUint32(dst[4:], h.PayloadCRC)
	binary.LittleEndian.PutUint32(dst[8:], h.Length|uint32(h.Kind)<<24)
	binary.LittleEndian.PutUint64(dst[12:], uint64(h.Flags)|h.FirstSeq<<8)
	binary.LittleEndian.PutUint32(dst[20:], h.Count)
	binary.LittleEndian.PutUint64(dst[24:], lsn)
	sum := crc.Update(uint32(s), dst[4:ScratchBytes])
	binary.LittleEndian.PutUint32(dst[0:], sum)
	return sum
}

// ParseHeader decodes and verifies the header of a frame at lsn. A reason other
// than None says why it is no header. REQUIRES: len(src) >= HeaderBytes.
func ParseHeader(src []byte, s Seed, lsn uint64) (Header, Reason) {
	return parseHeader(src, s, lsn, new([28]byte))
}

// parseHeader is ParseHeader with the caller's scratch, because bytes handed to
// the checksum escape to the heap.
func parseHeader(src []byte, s Seed, lsn uint64, scratch *[28]byte) (Header, Reason) {
	_ = src[HeaderBytes-1]
	copy(scratch[:20], src[4:HeaderBytes])
	binary.LittleEndian.PutUint64(scratch[20:], lsn)
	if crc.Update(uint32(s), scratch[:]) != binary.LittleEndian.Uint32(src) {
		if allZero(src[:HeaderBytes]) {
			return Header{}, Zeros
		}
		return Header{}, HeaderChecksum
	}
	h := decodeHeader(src)
	switch {
	case h.Length > MaxFrameBytes:
		return h, Unknown
	case h.Kind&KindSkippable == 0 && !h.Kind.Known():
		return h, Unknown
	case h.Flags&^flagsKnown != 0:
		return h, Unknown
	}
	return h, None
}

func decodeHeader(src []byte) Header {
	lengthKind := binary.LittleEndian.Uint32(src[8:])
	flagsSeq := binary.LittleEndian.Uint64(src[12:])
	return Header{
		PayloadCRC: binary.LittleEndian.Uint32(src[4:]),
		Length:     lengthKind & 0xffffff,
		Kind:       Kind(lengthKind >> 24),
		Flags:      Flags(flagsSeq),
		FirstSeq:   flagsSeq >> 8,
		Count:      binary.LittleEndian.Uint32(src[20:]),
	}
}

// Append appends a frame that stands at lsn to dst; it fills in the length, and
// the payload's checksum where h.PayloadCRC is 0.
// REQUIRES: len(payload) <= MaxFrameBytes.
func Append(dst []byte, s Seed, lsn uint64, h Header, payload []byte) []byte {
	h.Length = uint32(len(payload))
	if h.PayloadCRC == 0 {
		h.PayloadCRC = crc.Sum(payload)
	}
	n := len(dst)
	dst = append(dst, make([]byte, ScratchBytes)...)
	PutHeader(dst[n:], s, lsn, h)
	return append(dst[:n+HeaderBytes], payload...)
}

// Reason says why a scan stopped, or why bytes are no frame.
type Reason uint8

// Reasons. Zeros and End are candidates for a clean end; which they are, the
// caller's verdict says.
const (
	None            Reason = iota
	End                    // the region ended exactly behind a frame
	Zeros                  // a header's worth of zero bytes
	Cut                    // the region ends inside a header or payload
	HeaderChecksum         // no valid header: damage, or bytes of another life
	PayloadChecksum        // a valid header before a damaged payload
	Unknown                // a valid header that this version does not understand
	ReadError              // the file could not be read: see Scanner.Err
)

var reasonText = [...]string{
	None: "valid", End: "end of file", Zeros: "zeros", Cut: "frame is cut short",
	HeaderChecksum: "frame header checksum mismatch", PayloadChecksum: "payload checksum mismatch",
	Unknown: "frame of a kind, flag or length that this version does not understand", ReadError: "read error",
}

func (r Reason) String() string {
	if int(r) < len(reasonText) {
		return reasonText[r]
	}
	return fmt.Sprintf("reason(%d)", uint8(r))
}

func allZero(p []byte) bool {
	for len(p) >= 8 {
		if binary.LittleEndian.Uint64(p) != 0 {
			return false
		}
		p = p[8:]
	}
	for _, c := range p {
		if c != 0 {
			return false
		}
	}
	return true
}
