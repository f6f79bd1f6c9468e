package workload

import (
	"math"
	"sync/atomic"
)

// Chooser picks the record of an operation among those that a Sequence says exist.
type Chooser interface {
	Next() uint64
}

// Distribution is how a workload spreads its requests.
type Distribution uint8

// Distributions of requests.
const (
	ScrambledZipf Distribution = iota + 1
	Latest
	Uniform
	Hotspot     // a share of the operations on the first records
	Exponential // the newest most, older ones ever less
	Sequential  // one after the other, all clients in one line
)

var distributionNames = map[Distribution]string{
	ScrambledZipf: "zipfian", Latest: "latest", Uniform: "uniform",
	Hotspot: "hotspot", Exponential: "exponential", Sequential: "sequential",
}

// String is YCSB's name of it.
func (d Distribution) String() string { return distributionNames[d] }

// ParseDistribution reads YCSB's name of a distribution.
func ParseDistribution(name string) (Distribution, bool) {
	for d, n := range distributionNames {
		if n == name {
			return d, true
		}
	}
	return 0, false
}

// NewChoosers makes one chooser per source of chance. expectedNew is how many
// records will be inserted meanwhile: the zipfian one spreads over those too and
// draws again where it meets one that is not there yet, so that growth does not
// change which keys are hot (as YCSB's CoreWorkload does). Hotspot and Sequential
// keep to the records that exist at first. REQUIRES: there is one.
func (m *Mix) NewChoosers(s *Sequence, expectedNew uint64, sources []*Random) []Chooser {
	make1 := m.newChooser(s, expectedNew)
	choosers := make([]Chooser, len(sources))
	for i, r := range sources {
		choosers[i] = make1(r)
	}
	return choosers
}

func (m *Mix) newChooser(s *Sequence, expectedNew uint64) func(*Random) Chooser {
	switch m.Distribution {
	case Latest:
		ranks := NewZipfian(nil, s.Count())
		return func(r *Random) Chooser { return &latest{sequence: s, ranks: ranks.WithRandom(r)} }
	case Uniform:
		return func(r *Random) Chooser { return &uniform{sequence: s, random: r} }
	case Hotspot:
		hot := uint64(float64(s.Count()) * m.Hot.Records)
		return func(r *Random) Chooser {
			return &hotspot{random: r, hot: hot, count: s.Count(), share: m.Hot.Operations}
		}
	case Exponential:
		mean := m.Recent.Records * float64(s.Count()) / -math.Log(1-m.Recent.Operations)
		return func(r *Random) Chooser { return &exponential{sequence: s, random: r, mean: mean} }
	case Sequential:
		turn, count := new(atomic.Uint64), s.Count()
		return func(*Random) Chooser { return &sequential{turn: turn, count: count} }
	}
	return func(r *Random) Chooser {
		return &existing{sequence: s, items: NewScrambledZipfian(r, s.Count()+expectedNew)}
	}
}

// existing draws until it has a record that exists.
type existing struct {
	sequence *Sequence
	items    *ScrambledZipfian
}

func (e *existing) Next() uint64 {
	count := e.sequence.Count()
	for {
		if n := e.items.Next(); n < count {
			return n
		}
	}
}

// latest prefers what was inserted last (YCSB's SkewedLatestGenerator).
type latest struct {
	sequence *Sequence
	ranks    *Zipfian
}

func (l *latest) Next() uint64 {
	count := l.sequence.Count()
	l.ranks.Grow(count)
	return count - 1 - min(l.ranks.Next(), count-1)
}

type uniform struct {
	sequence *Sequence
	random   *Random
}

func (u *uniform) Next() uint64 { return u.random.Below(u.sequence.Count()) }

// hotspot is YCSB's HotspotIntegerGenerator: uniform among the hot records, and
// uniform among the cold ones behind them.
type hotspot struct {
	random     *Random
	hot, count uint64 // records
	share      float64
}

func (h *hotspot) Next() uint64 {
	if isHot := h.random.Float() < h.share; isHot && h.hot > 0 || h.hot == h.count {
		return h.random.Below(h.hot)
	}
	return h.hot + h.random.Below(h.count-h.hot)
}

// exponential is YCSB's ExponentialGenerator, counted back from the newest record.
type exponential struct {
	sequence *Sequence
	random   *Random
	mean     float64 // records
}

func (e *exponential) Next() uint64 {
	newest := e.sequence.Count() - 1
	for {
		// 1 - Float is never 0, of which there is no logarithm.
		if age := -math.Log(1-e.random.Float()) * e.mean; age < float64(newest)+1 {
			return newest - uint64(age)
		}
	}
}

// sequential is YCSB's SequentialGenerator: all clients share its turn.
type sequential struct {
	turn  *atomic.Uint64
	count uint64
}

func (s *sequential) Next() uint64 { return (s.turn.Add(1) - 1) % s.count }
