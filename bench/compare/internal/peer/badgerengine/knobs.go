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

// knobs follows the comments of Badger's options.go; its defaults are meant as a
// recommendation already.
func knobs(o engine.Options, p setting.Profile) []knob {
	if p == setting.Defaults {
		return nil
	}
	codec := map[engine.Compression]options.CompressionType{
		engine.DefaultCompression: options.Snappy, engine.NoCompression: options.None,
		engine.S2: options.Snappy /* the nearest kin */, engine.Zstd: options.ZSTD,
	}[o.Compression]
	inline := min(badger.DefaultOptions("").ValueThreshold, o.MemtableBytes*3/20) // must fit in a transaction
	return []knob{
		setting.New("MemTableSize", o.MemtableBytes, func(t *tuned) { t.options.MemTableSize = o.MemtableBytes }),
		setting.New("ValueThreshold", inline, func(t *tuned) { t.options.ValueThreshold = inline }),
		setting.New("BlockCacheSize", o.CacheBytes, func(t *tuned) { t.options.BlockCacheSize = o.CacheBytes }),
		setting.New("IndexCacheSize", "0 (all indexes in memory)", func(t *tuned) { t.options.IndexCacheSize = 0 }),
		setting.New("DetectConflicts", false, func(t *tuned) { t.options.DetectConflicts = false }),
		setting.New("Compression", codec, func(t *tuned) { t.options.Compression = codec }),
		setting.New("NumCompactors", 4, func(t *tuned) { t.options.NumCompactors = 4 }),
		setting.New("MetricsEnabled", false, func(t *tuned) { t.options.MetricsEnabled = false }),
		setting.New("IteratorOptions.PrefetchValues", false, func(t *tuned) { t.iterate.PrefetchValues = false }),
	}
}
