package compaction

import (
	"bytes"

	"github.com/varvekv/varve/manifest"
)

// older answers, for ascending user keys, whether a slice that takes no part
// may hold something older of the key.
type older struct {
	runs [][]*manifest.Slice // what is left of each: the first may contain the key
}

func newOlder(runs [][]*manifest.Slice) *older {
	return &older{runs: append([][]*manifest.Slice(nil), runs...)}
}

// has reports it for user. REQUIRES: user is not below the last one asked for.
func (o *older) has(user []byte) bool {
	found := false
	for i, run := range o.runs {
		for len(run) > 0 && bytes.Compare(run[0].Upper, user) < 0 {
			run = run[1:]
		}
		o.runs[i] = run
		found = found || len(run) > 0 && bytes.Compare(run[0].Lower, user) <= 0
	}
	return found
}
