package sstable

// What every stored block has in common: its handle and its checksum, which is
// bound to the file and to the place in it.

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"

	"github.com/varvekv/varve/internal/codec"
	"github.com/varvekv/varve/internal/corruption"
	"github.com/varvekv/varve/internal/crc"
)

// A block on disk:
//
//	┌──────────────────────────┬─────────┬──────────────────────────┐
//	│ content: stored bytes    │ u8      │ u32 checksum             │
//	│ (compressed, or not)     │ codec   │ CRC32C(content, codec)   │
//	│                          │         │ xor mask(identity, offset)│
//	└──────────────────────────┴─────────┴──────────────────────────┘
//
// The mask makes a block of another file, or of another place in this file,
// fail its check. It is outside the CRC so that the sum of a block can be taken
// before its place is known, and a block be moved whole without reading it.
const blockTrailerBytes = 1 + 4

// notUnderstood is what a parser says of bytes that are whole and of a later
// version; every other error of a parser is damage.
type notUnderstood struct{ what string }

func (e *notUnderstood) Error() string { return e.what }

func newer(format string, args ...any) error {
	return &notUnderstood{fmt.Sprintf(format, args...)}
}

// wrong puts file and place to what a parser said.
func (r *Reader) wrong(offset uint64, err error) error {
	var n *notUnderstood
	if errors.As(err, &n) {
		return fmt.Errorf("sstable: %w", corruption.Unsupported(r.name, int64(offset), "%v", err))
	}
	return corruption.New(r.name, int64(offset), "%v", err)
}

// Limits of a table. Bytes that claim more are damaged.
const (
	MaxKeyBytes   = 64 << 10
	MaxValueBytes = 1 << 30

	// maxStoredBytes is what one block may hold: the largest value with its key.
	maxStoredBytes = MaxValueBytes + MaxKeyBytes + blockTailBytes
)

// handle is the place of a block: content only, its trailer follows.
//
//	┌───────────┬───────────────┬────────────────┐
//	│ u64 offset│ u32 stored len│ u32 decoded len│  16 bytes
//	└───────────┴───────────────┴────────────────┘
type handle struct {
	offset  uint64 // from the start of the file
	stored  uint32 // bytes of content
	decoded uint32 // bytes once decompressed; equal to stored when the codec is none
}

const handleBytes = 16

// end is the offset behind the block and its trailer.
func (h handle) end() uint64 { return h.offset + uint64(h.stored) + blockTrailerBytes }

func appendHandle(dst []byte, h handle) []byte {
	dst = binary.LittleEndian.AppendUint64(dst, h.offset)
	dst = binary.LittleEndian.AppendUint32(dst, h.stored)
	return binary.LittleEndian.AppendUint32(dst, h.decoded)
}

// parseHandle REQUIRES handleBytes in b.
func parseHandle(b []byte) handle {
	return handle{
		binary.LittleEndian.Uint64(b),
		binary.LittleEndian.Uint32(b[8:]),
		binary.LittleEndian.Uint32(b[12:]),
	}
}

// check reports what makes the handle impossible in a file whose blocks end at limit.
func (h handle) check(limit uint64) error {
	switch {
	case h.offset > limit || uint64(h.stored)+blockTrailerBytes > limit-h.offset:
		return fmt.Errorf("block [%d, +%d] reaches past %d", h.offset, h.stored, limit)
	case h.stored > maxStoredBytes:
		return fmt.Errorf("block of %d bytes is longer than any", h.stored)
	case h.decoded != h.stored && h.decoded > codec.MaxLen:
		return fmt.Errorf("block decodes to %d bytes, more than %d", h.decoded, codec.MaxLen)
	}
	return nil
}

// mask is what a block's CRC is combined with: a hash of the file and the place.
func mask(identity, offset uint64) uint32 {
	hi, lo := bits.Mul64(identity^0x9e3779b97f4a7c15, offset^0xd1b54a32d192ed03)
	m := hi ^ lo
	return uint32(m ^ m>>32)
}

// appendBlockTrailer ends the block whose content is the bytes of dst from start on.
func appendBlockTrailer(dst []byte, start int, t codec.Type, identity, offset uint64) []byte {
	dst = append(dst, byte(t))
	sum := crc.Sum(dst[start:]) ^ mask(identity, offset)
	return binary.LittleEndian.AppendUint32(dst, sum)
}

// openBlock checks a block with its trailer and splits it.
func openBlock(raw []byte, identity, offset uint64) (content []byte, t codec.Type, err error) {
	n := len(raw) - blockTrailerBytes
	if n < 0 {
		return nil, 0, fmt.Errorf("block of %d bytes has no room for its trailer", len(raw))
	}
	want := binary.LittleEndian.Uint32(raw[n+1:])
	if got := crc.Sum(raw[:n+1]) ^ mask(identity, offset); got != want {
		return nil, 0, fmt.Errorf("block checksum is %08x, stored %08x", got, want)
	}
	t = codec.Type(raw[n])
	if t == codec.Invalid {
		return nil, 0, fmt.Errorf("block is stored with %v", t)
	}
	if !t.Known() {
		return nil, 0, newer("block is stored with %v, which this version does not know", t)
	}
	return raw[:n:n], t, nil
}
