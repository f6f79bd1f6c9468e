package workload

import "strconv"

// KeyPrefix begins every key of YCSB.
const KeyPrefix = "user"

// MaxKeyBytes bounds what AppendKey appends: the prefix and 19 digits.
const MaxKeyBytes = len(KeyPrefix) + 19

// AppendKey appends the key of record n as YCSB builds it with hashed insert
// order and no zero padding: "user" and the decimal hash.
func AppendKey(dst []byte, n uint64) []byte {
	dst = append(dst, KeyPrefix...)
	return strconv.AppendUint(dst, Hash(n), 10)
}
