package workload

import (
	"math/bits"
	"math/rand/v2"
)

// Random is one goroutine's source of chance: a PCG, fixed by (seed, stream).
type Random struct{ pcg rand.PCG }

// NewRandom makes the stream-th independent source of a seed.
func NewRandom(seed, stream uint64) *Random {
	r := &Random{}
	r.pcg.Seed(Hash(seed), Hash(stream^seed<<32)|1)
	return r
}

// Float is uniform in [0, 1), with 53 bits.
func (r *Random) Float() float64 { return float64(r.pcg.Uint64()>>11) / (1 << 53) }

// Below is uniform in [0, n) up to a bias of n / 2^64. REQUIRES: n > 0.
func (r *Random) Below(n uint64) uint64 {
	hi, _ := bits.Mul64(r.pcg.Uint64(), n)
	return hi
}
