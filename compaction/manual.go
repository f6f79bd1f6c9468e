package compaction

import (
	"bytes"
	"slices"

	"github.com/varvekv/varve/manifest"
)

// Manual is a compaction that was asked for: everything of a key range goes to
// the last level, without versions and tombstones that nobody needs. It sweeps
// the levels from the top, each once, so that it ends beside busy writers too.
type Manual struct {
	lower, upper []byte
	seqMax       uint64 // in level 0, what is newer than this is left alone
	before       uint64 // slices of the last level from this id on are fresh
	level        int
	from         []byte // sweep position in level
}

// manualBytesMax is about how much one manual plan reads: more plans, so that
// space comes free and the caller can stop in between.
const manualBytesMax = 1 << 30

// NewManual asks for the range lower <= user key < upper of v; nil is open. The
// bounds are borrowed.
func NewManual(v *manifest.Version, lower, upper []byte) *Manual {
	m := &Manual{lower: lower, upper: upper, from: lower}
	for s := range v.All() {
		m.before = max(m.before, s.ID+1)
		if s.Level == 0 {
			m.seqMax = max(m.seqMax, s.SeqMax)
		}
	}
	if upper != nil && bytes.Compare(lower, upper) >= 0 {
		m.level = manifest.LevelCount
	}
	return m
}

// Next is the next plan, to be carried out and applied before Next is called
// again. No plan and not done means: wait until a running plan has ended.
func (m *Manual) Next(v *manifest.Version, s State) (plan *Plan, done bool) {
	p := newPicker(v, s)
	for ; m.level < manifest.LevelCount; m.level++ {
		plan, wait := m.step(p)
		if plan != nil {
			plan.Reason = ReasonManual
			m.from = append(slices.Clone(plan.Upper), 0)
			return plan, false
		}
		if wait {
			return nil, false
		}
		m.from = m.lower
	}
	return nil, true
}

func (m *Manual) step(p *picker) (plan *Plan, wait bool) {
	switch m.level {
	case 0:
		return m.stepZero(p)
	case lastLevel:
		return m.stepLast(p)
	}
	return m.stepDown(p)
}

// stepZero takes a group of level 0 that holds something old enough.
func (m *Manual) stepZero(p *picker) (*Plan, bool) {
	old := func(s *manifest.Slice) bool { return s.SeqMin <= m.seqMax && m.inRange(s, m.lower) }
	wait := slices.ContainsFunc(p.v.Overlapping(0, m.lower, m.upper), old)
	if !wait {
		return nil, false
	}
	for _, g := range p.groups() {
		if !slices.ContainsFunc(g.slices, old) {
			continue
		}
		if plan := p.mergeZero(g, ReasonManual, 1); plan != nil {
			return plan, false
		}
	}
	return nil, true
}

// stepDown takes slices of a middle level from the sweep position on.
func (m *Manual) stepDown(p *picker) (*Plan, bool) {
	upper := m.next(p, func(*manifest.Slice) bool { return true })
	if len(upper) == 0 {
		return nil, false
	}
	lo, hi := bounds(upper)
	plan := p.into(m.level+1, ReasonManual, 1)
	plan.take(upper)
	plan.take(p.v.Overlapping(m.level+1, lo, hi))
	plan.Move = len(plan.Inputs) == 1
	return p.free(plan), true
}

// stepLast rewrites slices of the last level that may hold garbage and were
// there before.
func (m *Manual) stepLast(p *picker) (*Plan, bool) {
	dirty := m.next(p, func(s *manifest.Slice) bool {
		return s.ID < m.before && (s.Tombstones > 0 || s.SeqMax > 0) && s.SeqMin <= p.state.Floor
	})
	if len(dirty) == 0 {
		return nil, false
	}
	plan := p.into(lastLevel, ReasonManual, 1)
	plan.take(dirty)
	return p.free(plan), true
}

// next is the next slices of the level, side by side, that satisfy want.
func (m *Manual) next(p *picker, want func(*manifest.Slice) bool) []*manifest.Slice {
	var out []*manifest.Slice
	var sum int64
	for _, s := range p.v.Overlapping(m.level, m.from, m.upper) {
		ok := m.inRange(s, m.from) && want(s)
		if len(out) > 0 && (!ok || sum >= manualBytesMax) {
			break
		}
		if ok {
			out = append(out, s)
			sum += s.FileBytes
		}
	}
	return out
}

// inRange reports whether s has keys in [from, upper).
func (m *Manual) inRange(s *manifest.Slice, from []byte) bool {
	return bytes.Compare(s.Upper, from) >= 0 && (m.upper == nil || bytes.Compare(s.Lower, m.upper) < 0)
}
