package badgerengine

import (
	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"

	"github.com/varvekv/varve/bench/compare/internal/peer/setting"
	"github.com/varvekv/varve/bench/internal/engine"
)

// tuned is all that Badger lets one set: for the database and for iterators.
type tuned struct {
	options badger.Options
	iterate *badger.IteratorOptions
}

type knob = setting.Knob[tuned]

// Describe is the settings that Open uses.
func Describe(o engine.Options, p setting.Profile) []setting.Setting {
	return setting.Describe(knobs(o, p))
}

// separated is the least value that goes to the value log: the WiscKey split that
// Badger is made for, which its defaults leave to values of 1 MiB.
const separated = 512

// knobs follows the comments of Badger's options.go; its defaults are meant as a
// recommendation already. What departs from them was faster (2 cores, 300 k x
// 100 B and 200 k x 1,000 B, processor time of an operation, November 2026):
//
//   - iterators without prefetching: E at 100 B in a sixth of the time, since
//     values of the tree are at hand and each prefetch is a goroutine;
//   - values of 512 B and more in the value log: at 1,000 B C and A in 0.6 to 0.8
//     of the time and half the bytes written, for twice the disk.
//
// Blocks of 16 KiB made E 0.9 of the time at 100 B, but reads past a small cache
// 1.2 to 1.5. Fewer compactors, a cache for indexes: no difference. Without compression and
// block cache Badger is a fifth faster, but the codec is given.
func knobs(o engine.Options, p setting.Profile) []knob {
	if p == setting.Defaults {
		return nil
	}
	codec := map[engine.Compression]options.CompressionType{
		engine.DefaultCompression: options.Snappy, engine.NoCompression: options.None,
		engine.S2: options.Snappy /* the nearest kin */, engine.Zstd: options.ZSTD,
	}[o.Compression]
	cacheBytes := o.CacheBytes
	if codec == options.None {
		cacheBytes = 0 // blocks are read in the memory map; options.go says that a cache only costs then
	}
	return []knob{
		setting.New("MemTableSize", o.MemtableBytes, func(t *tuned) { t.options.MemTableSize = o.MemtableBytes }),
		setting.New("ValueThreshold", separated, func(t *tuned) { t.options.ValueThreshold = separated }),
		setting.New("BlockCacheSize", cacheBytes, func(t *tuned) { t.options.BlockCacheSize = cacheBytes }),
		setting.New("DetectConflicts", false, func(t *tuned) { t.options.DetectConflicts = false }),
		setting.New("Compression", codecNames[codec], func(t *tuned) { t.options.Compression = codec }),
		setting.New("MetricsEnabled", false, func(t *tuned) { t.options.MetricsEnabled = false }),
		setting.New("IteratorOptions.PrefetchValues", false, func(t *tuned) { t.iterate.PrefetchValues = false }),
	}
}

var codecNames = map[options.CompressionType]string{options.None: "none", options.Snappy: "snappy", options.ZSTD: "zstd"}
