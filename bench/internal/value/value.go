// Package value makes record values that prove what they are, and judges the
// values that a database gives back. A value is a function of (record, stamp,
// size) alone; any change to it, and a value of another record, is found.
//
//	┌──────────┬──────────┬─────────┬─────────────┬─────────────────────────────┐
//	│ record 8 │ stamp 8  │ crc 4   │ random half │ the random half once more … │
//	└──────────┴──────────┴─────────┴─────────────┴─────────────────────────────┘
//
// Integers are little endian; the checksum is CRC32C over all but itself. So
// about half of a value compresses away, as in db_bench.
package value

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math/bits"
)

// MinBytes is the shortest value that can be verified.
const MinBytes = headerBytes

const (
	checksumAt  = 16
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
	binary.LittleEndian.PutUint64(v, record)
	binary.LittleEndian.PutUint64(v[8:], uint64(s))
	fill(v[headerBytes:], record, uint64(s))
	binary.LittleEndian.PutUint32(v[checksumAt:], checksum(v))
	return dst
}

func grow(b []byte, n int) []byte {
	if cap(b)-len(b) < n {
		b = append(make([]byte, 0, len(b)+n), b...)
	}
	return b[:len(b)+n]
}

// fill writes random bytes (a counter through a wide multiplication: half a
// nanosecond a word) in the first half, and copies them behind.
func fill(body []byte, record, stamp uint64) {
	half := (len(body) + 1) / 2
	x := record*0x9E3779B97F4A7C15 ^ bits.RotateLeft64(stamp*0xD6E8FEB86659FD93, 32)
	random := body[:half]
	for len(random) >= 8 {
		x += 0xA0761D6478BD642F
		binary.LittleEndian.PutUint64(random, scatter(x))
		random = random[8:]
	}
	if len(random) > 0 {
		var last [8]byte
		binary.LittleEndian.PutUint64(last[:], scatter(x+0xA0761D6478BD642F))
		copy(random, last[:])
	}
	copy(body[half:], body[:half])
}

func scatter(x uint64) uint64 {
	hi, lo := bits.Mul64(x, x^0xE7037ED1A0B428DB)
	return hi ^ lo
}

func checksum(v []byte) uint32 {
	return crc32.Update(crc32.Checksum(v[:checksumAt], castagnoli), castagnoli, v[headerBytes:])
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
	if sum := checksum(v); sum != binary.LittleEndian.Uint32(v[checksumAt:]) {
		return 0, 0, fmt.Errorf("%w: its bytes do not match its checksum (%08x)", ErrWrong, sum)
	}
	return binary.LittleEndian.Uint64(v), Stamp(binary.LittleEndian.Uint64(v[8:])), nil
}
