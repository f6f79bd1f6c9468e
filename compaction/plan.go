package compaction

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/varvekv/varve/manifest"
)

// Reason is why a plan was made.
type Reason uint8

// Reasons, as Metrics and events tell them.
const (
	ReasonNone    Reason = iota
	ReasonRuns           // level 0 has many runs
	ReasonIntra          // level 0 has many runs and the base level is busy
	ReasonSize           // a level is greater than its target
	ReasonGarbage        // a table of the last level is full of tombstones or overwritten versions
	ReasonIdle           // nothing else to do: fewer runs for readers
	ReasonReads          // readers lost more time to level 0's runs than merging them takes
	ReasonManual         // asked for
)

var reasonNames = [...]string{"none", "runs", "intra", "size", "garbage", "idle", "reads", "manual"}

func (r Reason) String() string {
	if int(r) < len(reasonNames) {
		return reasonNames[r]
	}
	return fmt.Sprintf("reason(%d)", uint8(r))
}

// Input is slices of one run that a plan takes: ascending, none overlapping.
type Input struct {
	Level  int
	Run    uint64
	Slices []*manifest.Slice
}

// Plan is a compaction to be carried out. It is immutable.
type Plan struct {
	Reason Reason
	Score  float64 // how urgent: 1 is due
	// Move says that nothing is rewritten: the inputs only change their level.
	Move   bool
	Inputs []Input // newest first
	Level  int     // of the outputs
	Run    uint64  // of the outputs
	// Lower and Upper bound the user keys of all inputs, both inclusive.
	Lower, Upper []byte
	// Older is what lies below the outputs in the same key range and takes no
	// part: each a run's slices, ascending. A tombstone over one of them stays.
	// It is right as long as the plan runs: what is older only moves further
	// down, and what arrives is newer.
	Older [][]*manifest.Slice
	// Grandparents are the slices of the level below the outputs, which
	// outputs should not overlap too many of.
	Grandparents []*manifest.Slice
}

// InputBytes is the sum of the inputs' file sizes.
func (p *Plan) InputBytes() int64 {
	var sum int64
	for _, in := range p.Inputs {
		sum += fileBytes(in.Slices)
	}
	return sum
}

// Slices is every input slice, in the order of Inputs.
func (p *Plan) Slices() []*manifest.Slice {
	var all []*manifest.Slice
	for _, in := range p.Inputs {
		all = append(all, in.Slices...)
	}
	return all
}

// String draws the plan: what goes where, and why.
func (p *Plan) String() string {
	var b strings.Builder
	verb := "merge"
	if p.Move {
		verb = "move"
	}
	fmt.Fprintf(&b, "%s to L%d run %d because of %s (%.2f) [%s, %s]\n", verb, p.Level, p.Run, p.Reason, p.Score, p.Lower, p.Upper)
	for _, in := range p.Inputs {
		fmt.Fprintf(&b, "  from L%d run %d:%s\n", in.Level, in.Run, idList(in.Slices))
	}
	for _, run := range p.Older {
		fmt.Fprintf(&b, "  above L%d run %d:%s\n", run[0].Level, run[0].Run, idList(run))
	}
	return b.String()
}

func idList(slices []*manifest.Slice) string {
	var b strings.Builder
	for _, s := range slices {
		fmt.Fprintf(&b, " %d", s.ID)
	}
	return b.String()
}

func fileBytes(slices []*manifest.Slice) int64 {
	run := manifest.Run{Slices: slices}
	return run.FileBytes()
}

// bounds is the smallest and the greatest user key of slices in any order.
// REQUIRES: there is one.
func bounds(slices []*manifest.Slice) (lower, upper []byte) {
	lower, upper = slices[0].Lower, slices[0].Upper
	for _, s := range slices[1:] {
		if bytes.Compare(s.Lower, lower) < 0 {
			lower = s.Lower
		}
		if bytes.Compare(s.Upper, upper) > 0 {
			upper = s.Upper
		}
	}
	return lower, upper
}

func overlap(aLower, aUpper, bLower, bUpper []byte) bool {
	return bytes.Compare(aLower, bUpper) <= 0 && bytes.Compare(bLower, aUpper) <= 0
}

// complete fills in what follows from the inputs and the level of a plan.
func (p *Plan) complete(v *manifest.Version) *Plan {
	p.Lower, p.Upper = bounds(p.Slices())
	p.Older, p.Grandparents = nil, nil
	taken := make(map[uint64]bool)
	newest := uint64(0)
	for _, in := range p.Inputs {
		for _, s := range in.Slices {
			taken[s.ID] = true
		}
		if in.Level == 0 {
			newest = max(newest, in.Run)
		}
	}
	for _, run := range v.Levels[0].Runs {
		// Below level 0 the plan takes all of level 0 that is older; see groups.
		if p.Level == 0 && run.ID < newest {
			p.addOlder(run.Overlapping(p.Lower, p.Upper), taken)
		}
	}
	for n := p.Level + 1; n < manifest.LevelCount; n++ {
		for _, run := range v.Levels[n].Runs {
			p.addOlder(run.Overlapping(p.Lower, p.Upper), taken)
		}
	}
	if p.Level > 0 && p.Level < lastLevel {
		p.Grandparents = v.Overlapping(p.Level+1, p.Lower, p.Upper)
	}
	return p
}

func (p *Plan) addOlder(slices []*manifest.Slice, taken map[uint64]bool) {
	var older []*manifest.Slice
	for _, s := range slices {
		if !taken[s.ID] {
			older = append(older, s)
		}
	}
	if len(older) > 0 {
		p.Older = append(p.Older, older)
	}
}
