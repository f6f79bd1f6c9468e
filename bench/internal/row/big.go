package row

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/varvekv/varve/bench/internal/workload"
	"github.com/varvekv/varve/bench/internal/ycsb"
)

// bigPrefix begins the names of rows that are phases of YCSB, on more data than
// the cache holds.
const bigPrefix = "big-"

// leadingBig is how many rows at the beginning share one large database.
func leadingBig(names []string) (n int) {
	for n < len(names) && find(names[n]).on == large {
		n++
	}
	return n
}

// runBig loads a large database and runs on it what the rows name, in their
// order; the load comes first wherever it stands, and has no limit of time:
// what follows is measured on all of the data or not at all.
func (r *runner) runBig(ctx context.Context, names []string) (err error) {
	s, discard, err := r.config.Open(Request{Durability: r.config.Durability})
	if err != nil {
		return fmt.Errorf("%sload: %w", bigPrefix, err)
	}
	defer func() { err = errors.Join(err, discard(err)) }()
	c := ycsb.Config{
		Prefix:  bigPrefix,
		Records: cmp.Or(r.config.BigRecords, DefaultBigRecords), Operations: r.config.Operations,
		Duration: r.config.Duration, Threads: r.config.Threads,
		ValueBytes: cmp.Or(r.config.BigValueBytes, DefaultBigValueBytes), Seed: r.config.Seed, Mixes: bigMixes(names),
	}
	phases, _, err := ycsb.Run(ctx, s, c) // its notes say what the exit code says
	r.phases = append(r.phases, phases...)
	return err
}

func bigMixes(names []string) []workload.Mix {
	var mixes []workload.Mix
	for _, name := range names {
		for _, m := range workload.Core() {
			if strings.TrimPrefix(name, bigPrefix) == m.Name {
				mixes = append(mixes, m)
			}
		}
	}
	return mixes
}
