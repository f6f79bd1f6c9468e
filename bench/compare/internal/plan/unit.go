package plan

import (
	"fmt"

	"github.com/varvekv/varve/bench/compare/internal/peer"
	"github.com/varvekv/varve/bench/internal/engine"
)

// Unit is one process run: one job by one engine.
type Unit struct {
	Round         int          `json:"round"` // from 1
	Engine        string       `json:"engine"`
	Profile       peer.Profile `json:"profile"`
	Size          Size         `json:"size"`
	Job           Job          `json:"job"`
	Threads       int          `json:"threads"`
	Seed          uint64       `json:"seed"`
	CacheBytes    int64        `json:"cache_bytes"`
	MemtableBytes int64        `json:"memtable_bytes"`
	Timeout       Duration     `json:"timeout,omitempty"`
}

// ID names a unit within its plan, and its files.
func (u *Unit) ID() string {
	return fmt.Sprintf("r%d-%s-%v-%s-%s", u.Round, u.Job.Name, u.Size, u.Engine, u.Profile)
}

// EngineOptions is the budget of the unit's databases.
func (u *Unit) EngineOptions(dir string) engine.Options {
	return engine.Options{
		Dir: dir, Durability: u.Job.Promise(), CacheBytes: u.CacheBytes, MemtableBytes: u.MemtableBytes,
		Compression: engine.DefaultCompression,
	}
}

// LeftOut is an engine that a job cannot be asked of.
type LeftOut struct {
	Engine     string `json:"engine"`
	Job        string `json:"job"`
	Durability string `json:"durability"`
}

// Promises tells whether an engine can promise a durability, both by name.
type Promises func(engine, durability string) bool

// Expand is the units in the order to run, and who is left out of what.
// REQUIRES: Validate.
func (p *Plan) Expand(can Promises) (units []Unit, left []LeftOut) {
	for round := 1; round <= p.Rounds; round++ {
		engines := rotate(p.Engines, round-1)
		for i := range p.Jobs {
			j := &p.Jobs[i]
			for _, z := range p.sizesOf(j) {
				units = append(units, p.turns(round, j, z, able(engines, j, can))...)
			}
		}
	}
	for i := range p.Jobs {
		j := &p.Jobs[i]
		for _, e := range p.Engines {
			if !can(e, j.Durability) {
				left = append(left, LeftOut{Engine: e, Job: j.Name, Durability: j.Durability})
			}
		}
	}
	return units, left
}

// turns is every engine's at one job.
func (p *Plan) turns(round int, j *Job, z Size, engines []string) (units []Unit) {
	job := *j
	job.Sizes, job.Profiles = nil, nil // this unit's are its own
	for _, e := range engines {
		for _, profile := range p.profilesOf(j) {
			units = append(units, Unit{
				Round: round, Engine: e, Profile: profile, Size: z, Job: job, Threads: p.Threads,
				Seed: p.Seed + uint64(round), CacheBytes: p.CacheBytes, MemtableBytes: p.MemtableBytes,
				Timeout: p.Timeout,
			})
		}
	}
	return units
}

func rotate(names []string, by int) []string {
	by %= len(names)
	return append(append([]string(nil), names[by:]...), names[:by]...)
}

func able(engines []string, j *Job, can Promises) (able []string) {
	for _, e := range engines {
		if can(e, j.Durability) {
			able = append(able, e)
		}
	}
	return able
}
