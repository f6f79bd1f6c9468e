package pebbleengine

import (
	"runtime"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/sstable"

	"github.com/varvekv/varve/bench/compare/internal/peer/setting"
	"github.com/varvekv/varve/bench/internal/engine"
)

type knob = setting.Knob[pebble.Options]

// Describe is the settings that Open uses.
func Describe(o engine.Options, p setting.Profile) []setting.Setting {
	return setting.Describe(knobs(o, p))
}

// knobs follows the options by which Pebble measures itself (cmd/pebble/db.go of
// its repository), which are CockroachDB's without its key schema. It departs in
// two, and was tried in more (2 cores, 300 k records, processor time of an
// operation, the best of four to six runs, November 2026):
//
//   - filters in the last level too, where Pebble leaves them out: no difference
//     here, its Get does not ask them;
//   - no value separation: at 1,000 B it made C 1.1 and E 1.8 times as long, for
//     0.95 of the time on load; it is experimental, and off by default;
//   - blocks of 16 KiB: C in 0.9 of the time, E 1.2 times as long; blocks of
//     8 KiB: at 1,000 B C in 0.7 of the time, E twice as long;
//   - one or three compactions at once, four tables in level 0: no difference.
func knobs(o engine.Options, p setting.Profile) []knob {
	if p == setting.Defaults {
		return nil
	}
	background := max(2, runtime.GOMAXPROCS(0)-1)
	return append([]knob{
		setting.New("FormatMajorVersion", pebble.FormatNewest, func(t *pebble.Options) { t.FormatMajorVersion = pebble.FormatNewest }),
		setting.New("CacheSize", o.CacheBytes, func(t *pebble.Options) { t.CacheSize = o.CacheBytes }),
		setting.New("MemTableSize", o.MemtableBytes, func(t *pebble.Options) { t.MemTableSize = uint64(o.MemtableBytes) }),
		setting.New("MemTableStopWritesThreshold", 4, func(t *pebble.Options) { t.MemTableStopWritesThreshold = 4 }),
		setting.New("L0CompactionThreshold", 2, func(t *pebble.Options) { t.L0CompactionThreshold = 2 }),
		setting.New("L0StopWritesThreshold", 1000, func(t *pebble.Options) { t.L0StopWritesThreshold = 1000 }),
		setting.New("LBaseMaxBytes", 64<<20, func(t *pebble.Options) { t.LBaseMaxBytes = 64 << 20 }),
		setting.New("MaxOpenFiles", 16384, func(t *pebble.Options) { t.MaxOpenFiles = 16384 }),
		setting.New("FlushSplitBytes", 2<<20, func(t *pebble.Options) { t.FlushSplitBytes = 2 << 20 }),
		setting.New("CompactionConcurrencyRange", []int{1, background}, func(t *pebble.Options) {
			t.CompactionConcurrencyRange = func() (int, int) { return 1, background }
		}),
	}, levelKnobs(o)...)
}

func levelKnobs(o engine.Options) []knob {
	each := func(set func(l *pebble.LevelOptions)) func(*pebble.Options) {
		return func(t *pebble.Options) {
			for i := range t.Levels {
				set(&t.Levels[i])
			}
		}
	}
	return append([]knob{
		setting.New("Levels[*].BlockSize", 32<<10, each(func(l *pebble.LevelOptions) { l.BlockSize = 32 << 10 })),
		setting.New("Levels[*].IndexBlockSize", 256<<10, each(func(l *pebble.LevelOptions) { l.IndexBlockSize = 256 << 10 })),
		setting.New("Levels[*].FilterPolicy", "bloom, 10 bits", each(func(l *pebble.LevelOptions) {
			l.FilterPolicy, l.FilterType = bloom.FilterPolicy(10), pebble.TableFilter
		})),
	}, compressionKnobs(o.Compression, each)...)
}

func compressionKnobs(c engine.Compression, each func(func(*pebble.LevelOptions)) func(*pebble.Options)) []knob {
	var profile *sstable.CompressionProfile
	switch c {
	case engine.NoCompression:
		profile = sstable.NoCompression
	case engine.S2: // the nearest kin
		profile = sstable.SnappyCompression
	case engine.Zstd:
		profile = sstable.ZstdCompression
	default:
		return nil
	}
	return []knob{setting.New("Levels[*].Compression", profile.Name, each(func(l *pebble.LevelOptions) {
		l.Compression = func() *sstable.CompressionProfile { return profile }
	}))}
}
