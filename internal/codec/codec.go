// Package codec is the one door to block compression: S2 and Zstandard behind
// three calls, every decoder bounded before it writes a byte.
//
// It promises that Decode returns exactly the length the caller expects or an
// error, and that neither time nor memory follows a length found in the bytes
// themselves. It keeps no reference to what it is given. Its encoders and
// decoders are pooled; all functions may be called from any goroutine.
//
//	stored, typ := codec.Encode(nil, block, codec.S2)
//	again, err := codec.Decode(nil, stored, typ, len(block))
package codec

import (
	"errors"
	"fmt"

	"github.com/klauspost/compress/s2"
)

// Type is how bytes are compressed. Values are part of every format.
type Type uint8

// Types. Zero is invalid, so that zeroed bytes never pass for a codec.
const (
	Invalid Type = 0
	None    Type = 1 // stored as they are
	S2      Type = 2 // Snappy's successor: fast both ways
	Zstd    Type = 3 // Zstandard at its fastest level: smaller, encodes ten times slower
)

// MaxLen is the most bytes that Encode compresses and Decode accepts in a
// compressed form: what one hostile block can make a reader allocate. Longer
// input is stored as it is.
const MaxLen = 16 << 20

// minSaving is the part of the input that compression has to save, as a
// divisor: a block that shrinks by less than an eighth (12 %) is stored raw,
// because each later read would pay for decoding it.
const minSaving = 8

// ErrCorrupt is compressed bytes that do not decode to the expected length.
var ErrCorrupt = errors.New("codec: compressed bytes are damaged")

func (t Type) String() string {
	switch t {
	case None:
		return "none"
	case S2:
		return "s2"
	case Zstd:
		return "zstd"
	}
	return fmt.Sprintf("codec(%d)", uint8(t))
}

// Known reports whether this version of varve can decode the type.
func (t Type) Known() bool { return t >= None && t <= Zstd }

// Encode appends src to dst, compressed as t, and says how it is stored: None,
// with nothing appended, when compression would save less than 12 %, when src
// is longer than MaxLen and when t is None: the caller has the bytes already.
func Encode(dst, src []byte, t Type) ([]byte, Type) {
	if len(src) > MaxLen || len(src) == 0 {
		return dst, None
	}
	start := len(dst)
	switch t {
	case S2:
		dst = encodeS2(dst, src)
	case Zstd:
		dst = encodeZstd(dst, src)
	default:
		return dst, None
	}
	if len(dst)-start > len(src)-len(src)/minSaving {
		return dst[:start], None
	}
	return dst, t
}

// Decode appends the length bytes that src holds to dst. Any other decoded
// length, a length above MaxLen in compressed form and damaged bytes are
// ErrCorrupt; dst's bytes up to its length stay as they were.
// REQUIRES: dst and src do not overlap.
func Decode(dst, src []byte, t Type, length int) ([]byte, error) {
	if t == None {
		if len(src) != length {
			return dst, fmt.Errorf("%w: %d bytes stored, %d expected", ErrCorrupt, len(src), length)
		}
		return append(dst, src...), nil
	}
	if length < 0 || length > MaxLen {
		return dst, fmt.Errorf("%w: %d bytes expected, more than the bound of %d", ErrCorrupt, length, MaxLen)
	}
	switch t {
	case S2:
		return decodeS2(dst, src, length)
	case Zstd:
		return decodeZstd(dst, src, length)
	}
	return dst, fmt.Errorf("%w: %v is not known", ErrCorrupt, t)
}

// grow makes room for n more bytes and returns the room, with spare bytes of
// capacity behind it that decoders may scribble on.
func grow(dst []byte, n, spare int) (grown, room []byte) {
	start := len(dst)
	if cap(dst)-start < n+spare {
		bigger := make([]byte, start, start+n+spare)
		copy(bigger, dst)
		dst = bigger
	}
	return dst, dst[start : start+n : start+n+spare]
}

func encodeS2(dst, src []byte) []byte {
	dst, room := grow(dst, s2.MaxEncodedLen(len(src)), 0)
	return dst[:len(dst)+len(s2.Encode(room, src))]
}

// decodeS2 checks the length in the header first: nine bytes can ask for 3 GiB.
func decodeS2(dst, src []byte, length int) ([]byte, error) {
	n, err := s2.DecodedLen(src)
	if err != nil || n != length {
		return dst, fmt.Errorf("%w: s2 header says %d bytes (%v), %d expected", ErrCorrupt, n, err, length)
	}
	dst, room := grow(dst, length, 0)
	if _, err := s2.Decode(room, src); err != nil {
		return dst, fmt.Errorf("%w: %v", ErrCorrupt, err)
	}
	return dst[:len(dst)+length], nil
}
