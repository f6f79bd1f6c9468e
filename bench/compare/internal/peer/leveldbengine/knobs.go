package leveldbengine

import (
	"github.com/syndtr/goleveldb/leveldb/filter"
	"github.com/syndtr/goleveldb/leveldb/opt"

	"github.com/varvekv/varve/bench/compare/internal/peer/setting"
	"github.com/varvekv/varve/bench/internal/engine"
)

type knob = setting.Knob[opt.Options]

// Describe is the settings that Open uses.
func Describe(o engine.Options, p setting.Profile) []setting.Setting {
	return setting.Describe(knobs(o, p))
}

// knobs follows the comments of goleveldb's package opt, and go-ethereum's
// ethdb/leveldb in filter and open files. Level 1 is as large as a memtable, as
// RocksDB's tuning guide has it of the same design. Compactions after seeks stay
// on, against go-ethereum: behind updates they made E at 100 B 0.65 to 0.8 of the
// time, for a third more bytes written (2 cores, November 2026). Blocks of 16 KiB
// halve E at 1,000 B, but 4 KiB is what makes goleveldb good past a small cache.
func knobs(o engine.Options, p setting.Profile) []knob {
	if p == setting.Defaults {
		return nil
	}
	codec, name := opt.SnappyCompression, "snappy" // S2's nearest kin; there is no zstd
	if o.Compression == engine.NoCompression {
		codec, name = opt.NoCompression, "none"
	}
	return []knob{
		setting.New("BlockCacheCapacity", o.CacheBytes, func(t *opt.Options) { t.BlockCacheCapacity = int(o.CacheBytes) }),
		setting.New("WriteBuffer", o.MemtableBytes, func(t *opt.Options) { t.WriteBuffer = int(o.MemtableBytes) }),
		setting.New("Filter", "bloom, 10 bits", func(t *opt.Options) { t.Filter = filter.NewBloomFilter(10) }),
		setting.New("Compression", name, func(t *opt.Options) { t.Compression = codec }),
		setting.New("OpenFilesCacheCapacity", 4096, func(t *opt.Options) { t.OpenFilesCacheCapacity = 4096 }),
		setting.New("CompactionTableSize", 8<<20, func(t *opt.Options) { t.CompactionTableSize = 8 << 20 }),
		setting.New("CompactionTotalSize", 64<<20, func(t *opt.Options) { t.CompactionTotalSize = 64 << 20 }),
	}
}
