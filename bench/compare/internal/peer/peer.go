// Package peer is the engines that are measured side by side, each behind the
// benchmarks' seam (package engine), with its settings and its durabilities in
// its own words. It measures nothing.
package peer

import (
	"slices"

	"github.com/varvekv/varve/bench/internal/engine"
)

// Profile is who chose an engine's settings.
type Profile string

// Profiles.
const (
	Tuned    Profile = "tuned"    // as the engine's own documentation advises for the work and the budgets
	Defaults Profile = "defaults" // as it comes: only directory and durability are set
)

// Profiles is every profile.
func Profiles() []Profile { return []Profile{Tuned, Defaults} }

// Peer is one engine.
type Peer struct {
	Name    string // on the command line and in tables
	Version string // of its module; empty where the build does not know
	// Open opens a database in o.Dir. It fails for a durability that is not in
	// Durability.
	Open func(o engine.Options, p Profile) (engine.Engine, error)
	// Describe is the settings that Open would use, as the report shows them.
	Describe func(o engine.Options, p Profile) []Setting
	// Durability tells how each durability is obtained, in the engine's words.
	// One that is missing cannot be had: the engine is left out where it is asked for.
	Durability map[engine.Durability]string
}

// Setting is one setting of an engine, in the engine's words.
type Setting struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// All is every engine of this build, varve first.
func All() []Peer { return peers }

// peers is filled by the files of this package: some are built by tag only.
var peers = []Peer{varvePeer()}

// Find is the engine of a name.
func Find(name string) (Peer, bool) {
	all := All()
	if i := slices.IndexFunc(all, func(p Peer) bool { return p.Name == name }); i >= 0 {
		return all[i], true
	}
	return Peer{}, false
}
