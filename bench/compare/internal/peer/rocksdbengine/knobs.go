//go:build rocksdb

package rocksdbengine

import (
	"runtime"

	"github.com/linxGnu/grocksdb"

	"github.com/varvekv/varve/bench/compare/internal/peer/setting"
	"github.com/varvekv/varve/bench/internal/engine"
)

type knob = setting.Knob[all]

// Describe is the settings that Open uses.
func Describe(o engine.Options, p setting.Profile) []setting.Setting {
	return setting.Describe(knobs(o, p))
}

// knobs follows "Setup Options and Basic Tuning" of RocksDB's wiki; background
// jobs are as many as cores. Blocks of 4 KiB, its default, were no faster in A
// and C and slower in E (2 cores, November 2026).
func knobs(o engine.Options, p setting.Profile) []knob {
	if p == setting.Defaults {
		return nil
	}
	jobs := max(2, runtime.GOMAXPROCS(0))
	upper, bottom, codec := compression(o.Compression)
	return append([]knob{
		setting.New("write_buffer_size", o.MemtableBytes, func(t *all) { t.SetWriteBufferSize(uint64(o.MemtableBytes)) }),
		setting.New("max_write_buffer_number", 4, func(t *all) { t.SetMaxWriteBufferNumber(4) }),
		setting.New("level_compaction_dynamic_level_bytes", true, func(t *all) { t.SetLevelCompactionDynamicLevelBytes(true) }),
		setting.New("max_background_jobs", jobs, func(t *all) { t.SetMaxBackgroundJobs(jobs) }),
		setting.New("bytes_per_sync", 1<<20, func(t *all) { t.SetBytesPerSync(1 << 20) }),
		setting.New("compression, bottommost_compression", codec, func(t *all) {
			t.SetCompression(upper)
			t.SetBottommostCompression(bottom)
		}),
	}, tableKnobs(o)...)
}

func tableKnobs(o engine.Options) []knob {
	return []knob{
		setting.New("block_cache (LRU)", o.CacheBytes, func(t *all) {
			t.cache = grocksdb.NewLRUCache(uint64(o.CacheBytes))
			t.table.SetBlockCache(t.cache)
		}),
		setting.New("block_size", 16<<10, func(t *all) { t.table.SetBlockSize(16 << 10) }),
		setting.New("cache_index_and_filter_blocks", true, func(t *all) { t.table.SetCacheIndexAndFilterBlocks(true) }),
		setting.New("pin_l0_filter_and_index_blocks_in_cache", true, func(t *all) { t.table.SetPinL0FilterAndIndexBlocksInCache(true) }),
		setting.New("format_version", 5, func(t *all) { t.table.SetFormatVersion(5) }),
		setting.New("filter_policy", "bloom, 10 bits", func(t *all) { t.table.SetFilterPolicy(grocksdb.NewBloomFilterFull(10)) }),
	}
}

// compression is the wiki's pair where the engine is to choose.
func compression(c engine.Compression) (upper, bottom grocksdb.CompressionType, name string) {
	switch c {
	case engine.NoCompression:
		return grocksdb.NoCompression, grocksdb.NoCompression, "none, none"
	case engine.S2: // the nearest kin
		return grocksdb.SnappyCompression, grocksdb.SnappyCompression, "snappy, snappy"
	case engine.Zstd:
		return grocksdb.ZSTDCompression, grocksdb.ZSTDCompression, "zstd, zstd"
	}
	return grocksdb.LZ4Compression, grocksdb.ZSTDCompression, "lz4, zstd"
}
