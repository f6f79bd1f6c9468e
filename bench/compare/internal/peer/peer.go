package peer

import (
	"errors"
	"fmt"
	"slices"

	"github.com/varvekv/varve/bench/compare/internal/peer/module"
	"github.com/varvekv/varve/bench/compare/internal/peer/setting"
	"github.com/varvekv/varve/bench/internal/engine"
)

// ErrDurability is a durability that an engine cannot give.
var ErrDurability = errors.New("durability cannot be had")

// Profile is who chose an engine's settings.
type Profile = setting.Profile

// Profiles.
const (
	Tuned    = setting.Tuned
	Defaults = setting.Defaults
)

// Setting is one setting of an engine, in the engine's words.
type Setting = setting.Setting

// Profiles is every profile.
func Profiles() []Profile { return []Profile{Tuned, Defaults} }

// Peer is one engine.
type Peer struct {
	Name    string // on the command line and in tables
	Version string // of its module; empty where the build does not know
	// Open opens a database in o.Dir. It fails with ErrDurability for one that
	// is not in Durability.
	Open func(o engine.Options, p Profile) (engine.Engine, error)
	// Describe is the settings that Open would use, as the report shows them.
	Describe func(o engine.Options, p Profile) []Setting
	// Durability tells how each durability is obtained, in the engine's words.
	// One that is missing cannot be had: the engine is left out where it is asked for.
	Durability map[engine.Durability]string
}

// All is every engine of this build, varve first. Those in C are there when they
// were built in by their tags.
func All() []Peer {
	all := []Peer{varvePeer(), pebblePeer(), badgerPeer(), leveldbPeer(), boltPeer()}
	return append(append(all, rocksdbPeers()...), lmdbPeers()...)
}

// Find is the engine of a name.
func Find(name string) (Peer, bool) {
	all := All()
	if i := slices.IndexFunc(all, func(p Peer) bool { return p.Name == name }); i >= 0 {
		return all[i], true
	}
	return Peer{}, false
}

// complete adds what all peers have alike: the version, and the refusal of
// durabilities that cannot be had.
func complete(p Peer, modulePath string) Peer {
	p.Version = module.Version(modulePath)
	open, name, can := p.Open, p.Name, p.Durability
	p.Open = func(o engine.Options, profile Profile) (engine.Engine, error) {
		if can[o.Durability] == "" {
			return nil, fmt.Errorf("open %s: %w: %v", name, ErrDurability, o.Durability)
		}
		e, err := open(o, profile)
		if err != nil {
			return nil, fmt.Errorf("open %s in %s: %w", name, o.Dir, err)
		}
		return e, nil
	}
	return p
}
