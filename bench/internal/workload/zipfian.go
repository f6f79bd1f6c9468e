package workload

import "math"

// ZipfianConstant is YCSB's skew (theta).
const ZipfianConstant = 0.99

// YCSB's scrambled zipfian always draws from ten billion items, whose zeta it
// holds as a constant because summing it takes minutes.
const (
	scrambledItems = 10_000_000_000
	scrambledZeta  = 26.46902820178302
)

// Zipfian draws ranks 0, 1, 2… of which rank k is taken in proportion to
// 1/(k+1)^theta, by the method of Gray et al., "Quickly Generating
// Billion-Record Synthetic Databases" (SIGMOD 1994), as YCSB's ZipfianGenerator.
type Zipfian struct {
	random     *Random
	items      uint64
	zeta       float64 // sum of 1/i^theta over items
	zeta2      float64 // the same over two items
	eta        float64
	secondRank float64 // below this share of zeta: rank 1
}

// NewZipfian draws from [0, items). It sums zeta in items steps; to start many
// alike, make one and use WithRandom. REQUIRES: items > 0.
func NewZipfian(r *Random, items uint64) *Zipfian {
	return newZipfian(r, items, zetaSum(0, items, 0))
}

func newZipfian(r *Random, items uint64, zeta float64) *Zipfian {
	z := &Zipfian{
		random:     r,
		zeta2:      zetaSum(0, 2, 0),
		secondRank: 1 + math.Pow(0.5, ZipfianConstant),
	}
	z.resize(items, zeta)
	return z
}

// WithRandom is a copy of z that draws from another source.
func (z *Zipfian) WithRandom(r *Random) *Zipfian {
	c := *z
	c.random = r
	return &c
}

func (z *Zipfian) resize(items uint64, zeta float64) {
	z.items, z.zeta = items, zeta
	z.eta = (1 - math.Pow(2/float64(items), 1-ZipfianConstant)) / (1 - z.zeta2/zeta)
}

// zetaSum adds the terms of items [from, to) to sum.
func zetaSum(from, to uint64, sum float64) float64 {
	for i := from; i < to; i++ {
		sum += 1 / math.Pow(float64(i+1), ZipfianConstant)
	}
	return sum
}

// Next is a rank in [0, items).
func (z *Zipfian) Next() uint64 {
	u := z.random.Float()
	uz := u * z.zeta
	if uz < 1 {
		return 0
	}
	if uz < z.secondRank {
		return 1
	}
	rank := uint64(float64(z.items) * power100(z.eta*u-z.eta+1))
	return min(rank, z.items-1)
}

// power100 raises to the power that the method calls alpha, 1 / (1 - theta):
// 100. By multiplication it takes a fifth of the time of exp(alpha log x).
func power100(x float64) float64 {
	x2 := x * x
	x4 := x2 * x2
	x8 := x4 * x4
	x16 := x8 * x8
	x32 := x16 * x16
	return x32 * x32 * x32 * x4
}

// Grow makes the number of items at least that many, at the cost of one term of
// zeta for each new one. (YCSB keeps the first count inside eta; here, as in the
// paper, eta follows.)
func (z *Zipfian) Grow(items uint64) {
	if items > z.items {
		z.resize(items, zetaSum(z.items, items, z.zeta))
	}
}

// ScrambledZipfian scatters zipfian ranks over [0, items) by hashing, as YCSB's
// ScrambledZipfianGenerator: ranks are drawn from ten billion items whatever
// items is, and several may fall on one item.
type ScrambledZipfian struct {
	ranks *Zipfian
	items uint64
}

// NewScrambledZipfian draws from [0, items). REQUIRES: items > 0.
func NewScrambledZipfian(r *Random, items uint64) *ScrambledZipfian {
	// One item more: YCSB passes the bounds 0 and ten billion, both inclusive.
	return &ScrambledZipfian{ranks: newZipfian(r, scrambledItems+1, scrambledZeta), items: items}
}

// Next is an item in [0, items).
func (s *ScrambledZipfian) Next() uint64 { return Hash(s.ranks.Next()) % s.items }
