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
func Describe(_ engine.Options, p setting.Profile) []setting.Setting {
	return append([]setting.Setting{{Name: "mapsize", Value: "64 GiB"}}, setting.Describe(knobs(p))...)
}

// knobs follows the comments of lmdb.h.
func knobs(p setting.Profile) []knob {
	if p == setting.Defaults {
		return nil
	}
	return []knob{
		setting.New("MDB_NOMEMINIT", true, func(t *tuned) { t.flags |= lmdb.NoMemInit }),
		setting.New("maxreaders", 1024, func(t *tuned) { t.errs = append(t.errs, t.env.SetMaxReaders(1024)) }),
	}
}
