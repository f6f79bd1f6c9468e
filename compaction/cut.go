package compaction

import (
	"bytes"
	"slices"

	"github.com/varvekv/varve/manifest"
)

// partTables is how many tables a part must be good for.
const partTables = 2

// cutRange finds user keys that cut the inputs into at most n parts of about
// equal size: bounds of slices, because nothing more is known of the keys.
func cutRange(inputs []*manifest.Slice, tableBytes int64, n int) [][]byte {
	total := fileBytes(inputs)
	n = int(min(int64(n), total/(partTables*tableBytes)))
	if n <= 1 {
		return nil
	}
	sorted := slices.Clone(inputs)
	slices.SortStableFunc(sorted, func(a, b *manifest.Slice) int { return bytes.Compare(a.Lower, b.Lower) })
	var cuts [][]byte
	before := int64(0) // bytes of slices that begin before the one at hand
	part := total / int64(n)
	last := sorted[0].Lower
	for _, s := range sorted {
		if before >= part*int64(len(cuts)+1) && bytes.Compare(s.Lower, last) > 0 && len(cuts) < n-1 {
			cuts = append(cuts, s.Lower)
			last = s.Lower
		}
		before += s.FileBytes
	}
	return cuts
}
