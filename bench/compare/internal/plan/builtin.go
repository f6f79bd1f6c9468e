package plan

import (
	"time"

	"github.com/varvekv/varve/bench/compare/internal/peer"
)

// The budgets that every engine is given.
const (
	cacheBytes    = 256 << 20
	memtableBytes = 64 << 20
)

// defaultThreads is twice the cores of the machine that the targets speak of.
const defaultThreads = 4

// tailDuration is long enough for compactions of several levels.
const tailDuration = 30 * time.Second

// ycsbOrder is the workloads in the order that YCSB's authors recommend.
var ycsbOrder = []string{Load, "A", "B", "C", "F", "D", "E"}

// Quick ends in about five minutes with five engines.
func Quick(engines []string) *Plan {
	p := skeleton("quick", engines, 1, Size{200_000, 100}, Size{50_000, 1000})
	p.Jobs = []Job{
		ycsb("ycsb", 2*time.Second, time.Minute, ycsbOrder...),
		synced(1500 * time.Millisecond),
	}
	return p
}

// Standard is YCSB and durable writes at the two sizes of the targets, three
// rounds.
func Standard(engines []string) *Plan {
	p := skeleton("standard", engines, 3, Size{2_000_000, 100}, Size{500_000, 1000})
	p.Jobs = []Job{
		ycsb("ycsb", 8*time.Second, 5*time.Minute, ycsbOrder...),
		synced(4 * time.Second),
	}
	return p
}

// Full is every row that the targets speak of: hours.
func Full(engines []string) *Plan {
	p := Standard(engines)
	p.Name = "full"
	p.Profiles = peer.Profiles()
	only := []peer.Profile{peer.Tuned}
	for _, j := range []Job{
		rows("fill", "fillseq", "fillbatch"),
		rows("rows", "fillrandom", "readrandom", "readrandom-smallcache", "readmissing", "seekrandom", "readseq",
			"overwrite", "deleterandom", "seekrandom-deleted", "readseq-deleted"),
		rows("openlog", "openlog"),
	} {
		j.Profiles = only
		p.Jobs = append(p.Jobs, j)
	}
	tail := rows("tail", "tail")
	tail.Duration = Duration(tailDuration)
	p.Jobs = append(p.Jobs, tail)
	big := ycsb("big", 10*time.Second, 20*time.Minute, Load, "C", "A", "E")
	big.Sizes, big.Profiles = []Size{{10_000_000, 100}}, only
	p.Jobs = append(p.Jobs, big)
	return p
}

func skeleton(name string, engines []string, rounds int, sizes ...Size) *Plan {
	return &Plan{
		Schema: Schema, Name: name, Engines: engines, Profiles: []peer.Profile{peer.Tuned}, Sizes: sizes,
		Rounds: rounds, Threads: defaultThreads, Seed: 1, CacheBytes: cacheBytes, MemtableBytes: memtableBytes,
	}
}

func ycsb(name string, duration, load time.Duration, workloads ...string) Job {
	return Job{
		Name: name, Kind: YCSB, Rows: workloads, Durability: "buffered",
		Duration: Duration(duration), LoadDuration: Duration(load),
	}
}

func rows(name string, rows ...string) Job {
	return Job{
		Name: name, Kind: Rows, Rows: rows, Durability: "buffered",
		Duration: Duration(8 * time.Second), LoadDuration: Duration(5 * time.Minute),
	}
}

func synced(duration time.Duration) Job {
	return Job{
		Name: "sync", Kind: Rows, Rows: []string{"fillsync-1", "fillsync-8", "fillsync-64"}, Durability: "synced",
		Duration: Duration(duration), LoadDuration: Duration(time.Minute),
	}
}
