package compaction

import (
	"cmp"
	"slices"

	"github.com/varvekv/varve/manifest"
)

// State is what Pick must know beside the version.
type State struct {
	Shape Shape
	// Running are the plans being carried out: their slices and the key ranges
	// of their outputs are taken.
	Running []*Plan
	// Floor is min(oldest snapshot, retention): every reader sees at least up
	// to it. Tables with newer tombstones are not worth rewriting yet.
	Floor uint64
	// Idle says that there is time for what only helps readers; ReadersPaid that
	// they have lost more time than it takes.
	Idle, ReadersPaid bool
}

// Pick chooses the most urgent compaction that touches nothing that runs
// already, or nil. It looks at metadata only and is deterministic.
func Pick(v *manifest.Version, s State) *Plan {
	p := newPicker(v, s)
	zeroWaits := false
	for _, c := range p.candidates() {
		if zeroWaits && c.level == p.targets.base {
			continue // the base level would never be free for what is more urgent
		}
		if plan := p.pickLevel(c); plan != nil {
			return plan
		}
		zeroWaits = zeroWaits || c.level == 0
	}
	if plan := p.rewrite(); plan != nil {
		return plan
	}
	switch {
	case s.ReadersPaid:
		return p.tidy(ReasonReads)
	case s.Idle:
		return p.tidy(ReasonIdle)
	}
	return nil
}

// picker is one choice being made.
type picker struct {
	v       *manifest.Version
	state   State
	shape   Shape
	targets targets
	busy    map[uint64]*Plan // by slice id
}

func newPicker(v *manifest.Version, s State) *picker {
	p := &picker{v: v, state: s, shape: s.Shape.withDefaults(), busy: make(map[uint64]*Plan)}
	p.targets = p.shape.targets(v)
	for _, plan := range s.Running {
		for _, in := range plan.Inputs {
			for _, slice := range in.Slices {
				p.busy[slice.ID] = plan
			}
		}
	}
	return p
}

// candidate is a level from which something should go down.
type candidate struct {
	level int
	score float64
	rank  float64 // the score, less where the level below should be emptied first
}

// Scores is how urgently each level of v needs a compaction; 1 is due.
func (s Shape) Scores(v *manifest.Version) [manifest.LevelCount]float64 {
	var out [manifest.LevelCount]float64
	p := newPicker(v, State{Shape: s})
	for n := range lastLevel {
		out[n] = p.score(n)
	}
	return out
}

// candidates are the levels that are due, the most urgent first.
func (p *picker) candidates() []candidate {
	var out []candidate
	for n := range lastLevel {
		if score := p.score(n); score >= 1 {
			out = append(out, candidate{n, score, p.rank(n, score)})
		}
	}
	slices.SortStableFunc(out, func(a, b candidate) int {
		return cmp.Compare(b.rank, a.rank)
	})
	return out
}

// rank is what candidates are ordered by. Level 0 is merged with the base level:
// where that has grown beyond its target, every such merge rewrites the surplus,
// and level 0 alone, which is always due under load, would let it grow for ever.
func (p *picker) rank(level int, score float64) float64 {
	if level != 0 || p.targets.base == lastLevel {
		return score
	}
	surplus := float64(p.idleBytes(p.targets.base)) / float64(max(p.targets.bytes[p.targets.base], 1))
	return score / max(surplus, 1)
}

// drainScoreMax caps the score of a level: one that is to be drained would
// otherwise shut level 0 out, whose runs are what stops writers.
const drainScoreMax = 4

func (p *picker) score(level int) float64 {
	if level == 0 {
		return p.scoreZero()
	}
	have := p.idleBytes(level)
	if have == 0 {
		return 0
	}
	return min(float64(have)/float64(max(p.targets.bytes[level], 1)), drainScoreMax)
}

// idleBytes is the size of a level without what is going down already.
func (p *picker) idleBytes(level int) int64 {
	var sum int64
	for _, run := range p.v.Levels[level].Runs {
		for _, s := range run.Slices {
			if plan := p.busy[s.ID]; plan == nil || plan.Level == level {
				sum += s.FileBytes
			}
		}
	}
	return sum
}

func (p *picker) pickLevel(c candidate) *Plan {
	if c.level == 0 {
		return p.pickZero(c.score)
	}
	return p.pickSize(c)
}

// free returns the plan when it touches nothing that runs, else nil.
func (p *picker) free(plan *Plan) *Plan {
	for _, in := range plan.Inputs {
		for _, s := range in.Slices {
			if p.busy[s.ID] != nil {
				return nil
			}
		}
	}
	plan.complete(p.v)
	for _, other := range p.state.Running {
		same := other.Level == plan.Level && plan.Level > 0
		if same && overlap(plan.Lower, plan.Upper, other.Lower, other.Upper) {
			return nil
		}
	}
	return plan
}

// firstRun is the id of a level's run while it has none. Two compactions into
// an empty level must agree on it, or the level would have two runs.
const firstRun = 1

// into starts a plan whose outputs join the run of a level below 0.
func (p *picker) into(level int, r Reason, score float64) *Plan {
	plan := &Plan{Reason: r, Score: score, Level: level, Run: firstRun}
	if runs := p.v.Levels[level].Runs; len(runs) > 0 {
		plan.Run = runs[0].ID
	}
	return plan
}

// take adds slices of one level to a plan, by run.
func (plan *Plan) take(slices []*manifest.Slice) {
	for _, s := range slices {
		n := len(plan.Inputs)
		if n == 0 || plan.Inputs[n-1].Run != s.Run || plan.Inputs[n-1].Level != s.Level {
			plan.Inputs = append(plan.Inputs, Input{Level: s.Level, Run: s.Run})
			n++
		}
		plan.Inputs[n-1].Slices = append(plan.Inputs[n-1].Slices, s)
	}
}
