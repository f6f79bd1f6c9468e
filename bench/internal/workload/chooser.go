package workload

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
)

var distributionNames = map[Distribution]string{ScrambledZipf: "zipfian", Latest: "latest", Uniform: "uniform"}

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
// change which keys are hot (as YCSB's CoreWorkload does).
func NewChoosers(d Distribution, s *Sequence, expectedNew uint64, sources []*Random) []Chooser {
	choosers := make([]Chooser, len(sources))
	switch d {
	case Latest:
		ranks := NewZipfian(nil, s.Count())
		for i, r := range sources {
			choosers[i] = &latest{sequence: s, ranks: ranks.WithRandom(r)}
		}
	case Uniform:
		for i, r := range sources {
			choosers[i] = &uniform{sequence: s, random: r}
		}
	default:
		for i, r := range sources {
			choosers[i] = &existing{sequence: s, items: NewScrambledZipfian(r, s.Count()+expectedNew)}
		}
	}
	return choosers
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
