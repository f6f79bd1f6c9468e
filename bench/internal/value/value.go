// Package value makes record values that prove what they are, and judges the
// values that a database gives back. A value is a function of (record, stamp,
// size) alone; any change to it, and a value of another record, is found.
//
//	┌───────┬──────────┬──────────┬─────────────┬───────────────────────────┐
//	│ crc 4 │ record 8 │ stamp 8  │ random half │ the random half once more │
//	└───────┴──────────┴──────────┴─────────────┴───────────────────────────┘
//
// Integers are little endian; the checksum is CRC32C over record, stamp and random
// half; the copy is compared with its original. So about half of a value
// compresses away, as in db_bench, and half is enough to checksum.
package value

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math/bits"
)

// MinBytes is the shortest value that can be verified.
const MinBytes = headerBytes

const (
	recordAt    = 4
	stampAt     = 12
	headerBytes = 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// ErrWrong is a value that is not what was written for its record.
var ErrWrong = errors.New("wrong value")

// Stamp tells one version of a record from another: which writer made it, and
// its how-manieth write that was. The loader's is Loaded.
type Stamp uint64

// Loaded is the stamp of values written by the load phase.
const Loaded Stamp = 0

// MakeStamp is the stamp of a writer's n-th write. REQUIRES: n < 1 << 48.
func MakeStamp(writer int, n uint64) Stamp { return Stamp(uint64(writer+1)<<48 | n) }

// Append appends the value of a record. REQUIRES: sizeBytes >= MinBytes.
func Append(dst []byte, record uint64, s Stamp, sizeBytes int) []byte {
	start := len(dst)
	dst = grow(dst, sizeBytes)
	v := dst[start:]
	binary.LittleEndian.PutUint64(v[recordAt:], record)
	binary.LittleEndian.PutUint64(v[stampAt:], uint64(s))
	fill(v[headerBytes:], record, uint64(s))
	binary.LittleEndian.PutUint32(v, checksum(v))
	return dst
}

func grow(b []byte, n int) []byte {
	if cap(b)-len(b) < n {
		b = append(make([]byte, 0, len(b)+n), b...)
	}
	return b[:len(b)+n]
}

// fill writes random bytes in the first half, and copies them behind.
func fill(body []byte, record, stamp uint64) {
	half := (len(body) + 1) / 2
	scatter(body[:half], record*0x9E3779B97F4A7C15^bits.RotateLeft64(stamp*0xD6E8FEB86659FD93, 32))
	copy(body[half:], body[:half])
}

// scatter fills b from a counter sent through a wide multiplication, of which
// both halves are used: a nanosecond for 16 bytes.
func scatter(b []byte, x uint64) {
	const step, mask = 0xA0761D6478BD642F, 0xE7037ED1A0B428DB
	for len(b) >= 16 {
		x += step
		hi, lo := bits.Mul64(x, x^mask)
		binary.LittleEndian.PutUint64(b, hi^x)
		binary.LittleEndian.PutUint64(b[8:], lo^hi)
		b = b[16:]
	}
	if len(b) > 0 {
		var last [16]byte
		scatter(last[:], x)
		copy(b, last[:])
	}
}

func checksum(v []byte) uint32 {
	half := (len(v) - headerBytes + 1) / 2
	return crc32.Checksum(v[recordAt:headerBytes+half], castagnoli)
}

// halvesAgree tells whether the copy is like its original.
func halvesAgree(v []byte) bool {
	body := v[headerBytes:]
	half := (len(body) + 1) / 2
	return bytes.Equal(body[half:], body[:len(body)-half])
}

// Verify checks that v is whole, of this size and of this record, and tells its
// stamp. Its error is ErrWrong with what is wrong.
func Verify(v []byte, record uint64, sizeBytes int) (Stamp, error) {
	got, s, err := Identify(v, sizeBytes)
	if err == nil && got != record {
		return 0, fmt.Errorf("%w: it belongs to record %d, not %d", ErrWrong, got, record)
	}
	return s, err
}

// Identify checks that v is whole and of this size, and tells whose it is.
func Identify(v []byte, sizeBytes int) (record uint64, s Stamp, err error) {
	if len(v) != sizeBytes || len(v) < headerBytes {
		return 0, 0, fmt.Errorf("%w: %d bytes, not %d", ErrWrong, len(v), sizeBytes)
	}
	if sum := checksum(v); sum != binary.LittleEndian.Uint32(v) {
		return 0, 0, fmt.Errorf("%w: its bytes do not match its checksum (%08x)", ErrWrong, sum)
	}
	if !halvesAgree(v) {
		return 0, 0, fmt.Errorf("%w: its second half is no copy of the first", ErrWrong)
	}
	return binary.LittleEndian.Uint64(v[recordAt:]), Stamp(binary.LittleEndian.Uint64(v[stampAt:])), nil
}
