// Package hash is the one stable 64-bit hash of varve: filters, the memtable's
// index and the conservation sums use it, so its values are part of the formats.
//
// The construction folds 16 bytes at a time through a 64x64->128 bit multiply,
// after wyhash (Wang Yi, 2019; public domain). It is no MAC.
package hash

import (
	"encoding/binary"
	"math/bits"
)

const (
	k0 = 0xa0761d6478bd642f
	k1 = 0xe7037ed1a0b428db
	k2 = 0x8ebc6af09c88c6e3
	k3 = 0x589965cc75374cc3
)

func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

// Sum is the hash of p.
func Sum(p []byte) uint64 { return SumSeed(p, 0) }

// SumSeed is the hash of p under a seed.
func SumSeed(p []byte, seed uint64) uint64 {
	n := uint64(len(p))
	h := seed ^ k0
	if len(p) > 32 {
		h2 := h
		for len(p) > 32 {
			h = mix(binary.LittleEndian.Uint64(p)^k1, binary.LittleEndian.Uint64(p[8:])^h)
			h2 = mix(binary.LittleEndian.Uint64(p[16:])^k2, binary.LittleEndian.Uint64(p[24:])^h2)
			p = p[32:]
		}
		h ^= h2
	}
	if len(p) > 16 {
		h = mix(binary.LittleEndian.Uint64(p)^k1, binary.LittleEndian.Uint64(p[8:])^h)
		p = p[16:]
	}
	a, b := tail(p)
	return mix(k3^n, mix(a^k1, b^h))
}

// tail reads the last 0 to 16 bytes as two overlapping words.
func tail(p []byte) (a, b uint64) {
	switch n := len(p); {
	case n >= 8:
		return binary.LittleEndian.Uint64(p), binary.LittleEndian.Uint64(p[n-8:])
	case n >= 4:
		return uint64(binary.LittleEndian.Uint32(p)), uint64(binary.LittleEndian.Uint32(p[n-4:]))
	case n > 0:
		return uint64(p[0])<<16 | uint64(p[n>>1])<<8 | uint64(p[n-1]), 0
	}
	return 0, 0
}

// Entry is the hash of one table entry: user key, trailer (sequence and kind)
// and value. Sums of it, modulo 2^64, are the conservation law's two sides.
func Entry(user []byte, trailer uint64, value []byte) uint64 {
	return mix(SumSeed(user, trailer)^k2, SumSeed(value, k3)^k0)
}
