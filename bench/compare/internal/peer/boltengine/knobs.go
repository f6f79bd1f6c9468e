package boltengine

import (
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/varvekv/varve/bench/compare/internal/peer/setting"
	"github.com/varvekv/varve/bench/internal/engine"
)

// tuned is all that bbolt lets one set: before and after it is opened.
type tuned struct {
	options    bolt.Options
	batchDelay time.Duration // 0 = bbolt's own
}

type knob = setting.Knob[tuned]

// Describe is the settings that Open uses.
func Describe(o engine.Options, p setting.Profile) []setting.Setting {
	return setting.Describe(knobs(o, p))
}

// mapBytes is more than any row here fills, so that the map is never moved:
// a larger one takes addresses only.
const mapBytes = 16 << 30

// batchDelay is about one commit of a disk as we have: batches gather while the
// one before them is flushed. Of 0.1, 0.5, 1, 3 and bbolt's own 10 ms it was the
// best at 64 writers, and as good as any at 8 (2 cores, November 2026).
const batchDelay = 500 * time.Microsecond

// knobs follows the comments of bbolt's Options and DB.
func knobs(_ engine.Options, p setting.Profile) []knob {
	if p == setting.Defaults {
		return nil
	}
	return []knob{
		setting.New("FreelistType", bolt.FreelistMapType, func(t *tuned) { t.options.FreelistType = bolt.FreelistMapType }),
		setting.New("NoFreelistSync", true, func(t *tuned) { t.options.NoFreelistSync = true }),
		setting.New("InitialMmapSize", mapBytes, func(t *tuned) { t.options.InitialMmapSize = mapBytes }),
		setting.New("NoStatistics", true, func(t *tuned) { t.options.NoStatistics = true }),
		setting.New("MaxBatchDelay", batchDelay, func(t *tuned) { t.batchDelay = batchDelay }),
	}
}
