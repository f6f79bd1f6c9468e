package compaction

import (
	"math"

	"github.com/varvekv/varve/manifest"
)

const (
	// tombstoneWeight is how much more a table made of tombstones alone is worth
	// compacting than one without: each frees an entry below it.
	tombstoneWeight = 3
	// widenTables is how many table sizes a plan may grow to when more inputs
	// of the upper level can be had without more of the lower.
	widenTables = 25
	// grandparentTables is how many table sizes of the level below its outputs
	// a moved or written table may overlap: so much is merged with it later.
	grandparentTables = 10
)

// pickSize takes the slice of a level that frees most for what it costs.
func (p *picker) pickSize(c candidate) *Plan {
	var best *Plan
	least := math.Inf(1)
	for _, run := range p.v.Levels[c.level].Runs {
		for _, s := range run.Slices {
			if p.busy[s.ID] != nil {
				continue
			}
			below := p.v.Overlapping(c.level+1, s.Lower, s.Upper)
			cost := costOf(s, below)
			if cost >= least {
				continue
			}
			if plan := p.down(c, []*manifest.Slice{s}, below); plan != nil {
				best, least = plan, cost
			}
		}
	}
	return best
}

// costOf is bytes rewritten for each byte that goes down; tombstones count
// more than they weigh, and so do versions that newer ones in the table hide.
func costOf(s *manifest.Slice, below []*manifest.Slice) float64 {
	gain := float64(s.FileBytes) * (1 + tombstoneWeight*tombstoneShare(s) + overwrittenShare(s))
	return float64(s.FileBytes+fileBytes(below)) / gain
}

func tombstoneShare(s *manifest.Slice) float64 {
	return float64(s.Tombstones) / float64(max(s.Entries, 1))
}

// overwrittenShare is the share of entries that a newer one of the same user key
// in the same table hides: kept for a snapshot once, garbage when that is gone.
func overwrittenShare(s *manifest.Slice) float64 {
	if s.UserKeys == 0 || s.UserKeys >= s.Entries {
		return 0
	}
	return float64(s.Entries-s.UserKeys) / float64(s.Entries)
}

// down plans slices of a level and those below them, or nil when some are
// busy. Nothing below means a move, unless the table would then weigh on the
// level after that.
func (p *picker) down(c candidate, upper, below []*manifest.Slice) *Plan {
	plan := p.into(c.level+1, ReasonSize, c.score)
	plan.take(upper)
	plan.take(below)
	if p.free(plan) == nil {
		return nil
	}
	if len(below) > 0 {
		return p.widen(c, plan, below)
	}
	plan.Move = fileBytes(plan.Grandparents) <= grandparentTables*p.shape.TableBytes
	return plan
}

// widen adds slices of the upper level that overlap only what is merged anyway.
func (p *picker) widen(c candidate, plan *Plan, below []*manifest.Slice) *Plan {
	more := p.v.Overlapping(c.level, plan.Lower, plan.Upper)
	if len(more) == len(plan.Inputs[0].Slices) {
		return plan
	}
	lower, upper := bounds(more)
	if len(p.v.Overlapping(c.level+1, lower, upper)) != len(below) {
		return plan
	}
	wide := p.into(c.level+1, ReasonSize, c.score)
	wide.take(more)
	wide.take(below)
	if wide.InputBytes() > widenTables*p.shape.TableBytes || p.free(wide) == nil {
		return plan
	}
	return wide
}

// garbageShareMax is the share of tombstones and overwritten versions above which
// a table of the last level is rewritten for its own sake.
const garbageShareMax = 0.25

// rewrite takes a table of the last level whose garbage can go: it came there by
// a move, or stayed for a snapshot that is gone. In other levels garbage makes a
// table be picked sooner; see costOf.
func (p *picker) rewrite() *Plan {
	for _, run := range p.v.Levels[lastLevel].Runs {
		for _, s := range run.Slices {
			share := tombstoneShare(s) + overwrittenShare(s)
			if share <= garbageShareMax || s.SeqMax > p.state.Floor {
				continue
			}
			plan := p.into(lastLevel, ReasonGarbage, share)
			plan.take([]*manifest.Slice{s})
			if p.free(plan) != nil {
				return plan
			}
		}
	}
	return nil
}
