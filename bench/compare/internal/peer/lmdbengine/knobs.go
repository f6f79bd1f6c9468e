//go:build lmdb

package lmdbengine

import (
	"github.com/PowerDNS/lmdb-go/lmdb"

	"github.com/varvekv/varve/bench/compare/internal/peer/setting"
	"github.com/varvekv/varve/bench/internal/engine"
)

// tuned is an environment that is not open yet.
type tuned struct {
	env   *lmdb.Env
	flags uint
	errs  []error
}

type knob = setting.Knob[tuned]

// Describe is the settings that Open uses.
func Describe(o engine.Options, p setting.Profile) []setting.Setting {
	return append([]setting.Setting{{Name: "mapsize", Value: "64 GiB"}}, setting.Describe(knobs(o, p))...)
}

// knobs follows the comments of lmdb.h. A writable map makes load and A four
// times as fast where nothing is flushed (2 cores, 300 k x 100 B, November 2026):
// pages are changed in the map and not written. Where each commit is flushed it
// made no difference, and is left out.
func knobs(o engine.Options, p setting.Profile) []knob {
	if p == setting.Defaults {
		return nil
	}
	k := []knob{
		setting.New("MDB_NOMEMINIT", true, func(t *tuned) { t.flags |= lmdb.NoMemInit }),
		setting.New("maxreaders", 1024, func(t *tuned) { t.errs = append(t.errs, t.env.SetMaxReaders(1024)) }),
	}
	if o.Durability == engine.Synced {
		return k
	}
	return append(k, setting.New("MDB_WRITEMAP | MDB_MAPASYNC", true, func(t *tuned) {
		t.flags |= lmdb.WriteMap | lmdb.MapAsync
	}))
}
