// Package workload makes the streams of choices that YCSB's core workloads are
// built of: which operation, on which key, over how long a scan. It follows
// YCSB's Java generators (site.ycsb.generator) number for number in their
// parameters, so that a name such as "scrambled zipfian 0.99" means here what
// it means there. It touches neither a database nor a clock.
//
// A generator belongs to one goroutine; Sequence alone may be shared.
package workload

// Parameters of 64-bit FNV-1a, which YCSB uses to scatter numbers.
const (
	fnvOffsetBasis = 0xCBF29CE484222325
	fnvPrime       = 1099511628211
)

// Hash is YCSB's Utils.fnvhash64: FNV-1a over the eight octets of v, least
// significant first, without its sign. (The one value whose Java absolute value
// is negative, the smallest, maps to itself here: 1 << 63.)
func Hash(v uint64) uint64 {
	h := uint64(fnvOffsetBasis)
	for range 8 {
		h = (h ^ v&0xff) * fnvPrime
		v >>= 8
	}
	if int64(h) < 0 {
		return -h
	}
	return h
}
