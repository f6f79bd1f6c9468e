package workload

import "strconv"

// KeyPrefix begins every key of YCSB.
const KeyPrefix = "user"

// MaxKeyBytes bounds what Keys without padding append: the prefix and 19 digits.
const MaxKeyBytes = len(KeyPrefix) + 19

// Keys is how YCSB names records. The zero Keys is its default: in hashed order,
// without padding.
type Keys struct {
	// Ordered names a record by its number and not by the hash of it, so that
	// inserts come in the order of keys, as far as digits do (insertorder).
	Ordered bool
	// Digits is how many there are at least, filled up with zeros (zeropadding).
	Digits int
}

// Append appends the key of record n: "user" and decimal digits.
func (k Keys) Append(dst []byte, n uint64) []byte {
	dst = append(dst, KeyPrefix...)
	if !k.Ordered {
		n = Hash(n)
	}
	if k.Digits > 1 {
		for missing := k.Digits - digits(n); missing > 0; missing-- {
			dst = append(dst, '0')
		}
	}
	return strconv.AppendUint(dst, n, 10)
}

func digits(n uint64) int {
	d := 1
	for ; n >= 10; n /= 10 {
		d++
	}
	return d
}
