package workload

import "math/bits"

// Permutation is a fixed random order of [0, n): each number once, computed and
// not stored, by a Feistel network that walks over numbers out of range.
type Permutation struct {
	n        uint64
	halfBits uint
	keys     [4]uint64
}

// NewPermutation makes the order that seed fixes. REQUIRES: 0 < n <= 1 << 62.
func NewPermutation(n, seed uint64) *Permutation {
	p := &Permutation{n: n, halfBits: 1}
	for uint64(1)<<(2*p.halfBits) < n {
		p.halfBits++
	}
	for i := range p.keys {
		p.keys[i] = Hash(seed + uint64(i)<<56)
	}
	return p
}

// At is the number at place i. REQUIRES: i < n.
func (p *Permutation) At(i uint64) uint64 {
	for {
		if i = p.encrypt(i); i < p.n {
			return i
		}
	}
}

func (p *Permutation) encrypt(v uint64) uint64 {
	mask := uint64(1)<<p.halfBits - 1
	left, right := v>>p.halfBits, v&mask
	for _, k := range p.keys {
		hi, lo := bits.Mul64(right^k, 0x9E3779B97F4A7C15)
		left, right = right, (left^hi^lo>>29)&mask
	}
	return left<<p.halfBits | right
}
