package compaction

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/varvekv/varve/manifest"
)

// How level 0 is emptied: slices that overlap nothing move; else all runs of a
// key range are merged with the base level at once; else, while that is busy,
// runs are merged with each other.

// scoreZero is the number of runs over the number worth merging.
func (p *picker) scoreZero() float64 {
	runs, bytes := 0, int64(0)
	var all []*manifest.Slice
	for _, run := range p.v.Levels[0].Runs {
		idle := p.idle(run.Slices)
		if len(idle) > 0 {
			runs++
			bytes += fileBytes(idle)
			all = append(all, idle...)
		}
	}
	if runs == 0 {
		return 0
	}
	return float64(runs) / float64(p.runsDue(runs, bytes, all))
}

// runsDue is how many runs should have gathered: as many as make level 0 as
// large as what it is merged with, within RunsMin and RunsMax.
func (p *picker) runsDue(runs int, bytes int64, all []*manifest.Slice) int {
	lower, upper := bounds(all)
	below := fileBytes(p.v.Overlapping(p.targets.base, lower, upper))
	even := (below*int64(runs) + bytes - 1) / max(bytes, 1)
	return int(min(max(even, int64(p.shape.RunsMin)), int64(p.shape.RunsMax)))
}

func (p *picker) idle(all []*manifest.Slice) []*manifest.Slice {
	var out []*manifest.Slice
	for _, s := range all {
		if p.busy[s.ID] == nil {
			out = append(out, s)
		}
	}
	return out
}

func (p *picker) pickZero(score float64) *Plan {
	groups := p.groups()
	if plan := p.moveZero(groups, score); plan != nil {
		return plan
	}
	if p.dwarfed() {
		if plan := p.mergeRuns(ReasonIntra, score, p.shape.RunsMin); plan != nil {
			return plan
		}
	}
	for _, g := range groups {
		if plan := p.mergeZero(g, ReasonRuns, score); plan != nil {
			return plan
		}
	}
	return p.mergeRuns(ReasonIntra, score, p.shape.RunsMin)
}

// dwarfed reports whether level 0 is so small, after many small flushes, that
// rewriting the base level for it would cost more than a level's worth.
func (p *picker) dwarfed() bool {
	return p.v.LevelBytes(0)*p.shape.Multiplier < p.v.LevelBytes(p.targets.base)
}

// group is a set of level-0 slices closed under overlap: compactions of
// different groups do not meet in level 0.
type group struct {
	slices []*manifest.Slice
	runs   int
}

// groups cuts the eligible slices of level 0 where no slice crosses, the
// deepest group first.
func (p *picker) groups() []group {
	all := p.eligible()
	slices.SortStableFunc(all, func(a, b *manifest.Slice) int { return bytes.Compare(a.Lower, b.Lower) })
	var out []group
	var upper []byte
	for _, s := range all {
		if len(out) == 0 || bytes.Compare(s.Lower, upper) > 0 {
			out = append(out, group{})
			upper = s.Upper
		} else if bytes.Compare(s.Upper, upper) > 0 {
			upper = s.Upper
		}
		g := &out[len(out)-1]
		g.slices = append(g.slices, s)
	}
	for i := range out {
		out[i].order()
	}
	slices.SortStableFunc(out, func(a, b group) int { return cmp.Compare(b.runs, a.runs) })
	return out
}

// order sorts a group by run, newest first, then by key, and counts its runs.
func (g *group) order() {
	slices.SortStableFunc(g.slices, func(a, b *manifest.Slice) int { return cmp.Compare(b.Run, a.Run) })
	for i, s := range g.slices {
		if i == 0 || s.Run != g.slices[i-1].Run {
			g.runs++
		}
	}
}

// eligible is the slices of the oldest runs, up to the first that is being
// merged inside level 0: what is newer may stay above what goes down, not the
// other way round.
func (p *picker) eligible() []*manifest.Slice {
	var out []*manifest.Slice
	runs := p.v.Levels[0].Runs
	for i := len(runs) - 1; i >= 0; i-- {
		for _, s := range runs[i].Slices {
			if plan := p.busy[s.ID]; plan != nil && plan.Level == 0 {
				return out
			}
		}
		out = append(out, runs[i].Slices...)
	}
	return out
}

// moveZero moves all slices that overlap nothing eligible in level 0 nor in the
// base level, such as those of ascending keys.
func (p *picker) moveZero(groups []group, score float64) *Plan {
	var movable []*manifest.Slice
	for _, g := range groups {
		if len(g.slices) > 1 || len(p.v.Overlapping(p.targets.base, g.slices[0].Lower, g.slices[0].Upper)) > 0 {
			continue
		}
		one := p.into(p.targets.base, ReasonRuns, score)
		one.take(g.slices)
		if p.free(one) != nil {
			movable = append(movable, g.slices[0])
		}
	}
	if len(movable) == 0 {
		return nil
	}
	plan := p.into(p.targets.base, ReasonRuns, score)
	plan.Move = true
	all := group{slices: movable}
	all.order()
	plan.take(all.slices)
	return plan.complete(p.v)
}

// mergeZero merges a group with what it overlaps in the base level.
func (p *picker) mergeZero(g group, r Reason, score float64) *Plan {
	lower, upper := bounds(g.slices)
	plan := p.into(p.targets.base, r, score)
	plan.take(g.slices)
	plan.take(p.v.Overlapping(p.targets.base, lower, upper))
	return p.free(plan)
}

// newestRatio is how much greater than those newer ones a run of level 0 may be
// and still be merged with them: each byte is then merged about as often as the
// bytes above it triple.
const newestRatio = 2

// mergeRuns merges neighbouring runs of level 0 with each other: the newest
// such at least runsMin that are idle and of like size.
func (p *picker) mergeRuns(r Reason, score float64, runsMin int) *Plan {
	runs := p.v.Levels[0].Runs
	for first := range runs {
		if plan := p.mergeRunsFrom(runs[first:], r, score, runsMin); plan != nil {
			return plan
		}
	}
	return nil
}

func (p *picker) mergeRunsFrom(runs []manifest.Run, r Reason, score float64, runsMin int) *Plan {
	count, sum := 0, int64(0)
	for count < len(runs) && len(p.idle(runs[count].Slices)) == len(runs[count].Slices) {
		size := runs[count].FileBytes()
		if count > 0 && size > newestRatio*sum {
			break
		}
		sum += size
		count++
	}
	if count < runsMin {
		return nil
	}
	plan := &Plan{Reason: r, Score: score, Level: 0, Run: runs[0].ID}
	for _, run := range runs[:count] {
		plan.take(run.Slices)
	}
	return p.free(plan)
}

// tidy leaves readers few runs in level 0, when nothing else is to be done: into
// the base level where that is worth it, else inside level 0.
func (p *picker) tidy(why Reason) *Plan {
	if p.tidiesIntoBase(why) {
		groups := p.groups()
		if plan := p.moveZero(groups, 0); plan != nil {
			return plan
		}
		for _, g := range groups {
			if plan := p.mergeZero(g, why, 0); plan != nil {
				return plan
			}
		}
	}
	return p.mergeRuns(why, 0, 2)
}

// tidiesIntoBase reports whether level 0 is to be merged with the base level: it
// deletes a good part of that; or it has several runs and is no smaller; or readers
// paid, and only one run is left beside a base level that does not dwarf it.
func (p *picker) tidiesIntoBase(why Reason) bool {
	zero, base := len(p.v.Levels[0].Runs), p.v.LevelBytes(p.targets.base)
	switch {
	case zero == 0:
		return false
	case p.buriesMuch():
		return true
	case zero == 1:
		return why == ReasonReads && base > 0 && !p.dwarfed()
	}
	return p.v.LevelBytes(0) >= base
}

// buriesMuch reports whether so many entries of the base level are deleted in
// level 0 that a table of the last level with as many dead ones would be
// rewritten. Scans walk both the dead and their tombstones.
func (p *picker) buriesMuch() bool {
	var tombstones, entries uint64
	for _, run := range p.v.Levels[0].Runs {
		for _, s := range run.Slices {
			tombstones += s.Tombstones
		}
	}
	for _, run := range p.v.Levels[p.targets.base].Runs {
		for _, s := range run.Slices {
			entries += s.Entries
		}
	}
	return tombstones > 0 && float64(tombstones) > garbageShareMax*float64(entries)
}

// Tidying is about what Pick would rewrite for readers who paid, and how many runs
// fewer they would meet then.
func (s Shape) Tidying(v *manifest.Version) (mergeBytes int64, fewer int) {
	p := newPicker(v, State{Shape: s})
	zero, base := v.LevelBytes(0), v.LevelBytes(p.targets.base)
	runs := len(v.Levels[0].Runs)
	if base > 0 && p.tidiesIntoBase(ReasonReads) {
		return zero + base, runs
	}
	return zero, max(runs-1, 0)
}
