package compaction

import "github.com/varvekv/varve/manifest"

// Shape is what the tree is to look like. Zero fields mean their defaults.
type Shape struct {
	// MemtableBytes is about what one flush holds. Default: 64 MiB.
	MemtableBytes int64
	// TableBytes is where outputs are split: smaller tables move and compact in
	// finer pieces, greater ones are fewer files. Default: 32 MiB.
	TableBytes int64
	// Multiplier is how many times a level is greater than the one above it.
	// Default: 10.
	Multiplier int64
	// RunsMin and RunsMax are how many runs gather in level 0 before they are
	// merged with the base level: RunsMin where they are no smaller than what
	// they are merged with, more where they are, at most RunsMax. Merging four
	// equal runs twice writes 1.5 times what was loaded. Defaults: 4 and 8.
	RunsMin, RunsMax int
}

const (
	lastLevel = manifest.LevelCount - 1

	defaultMemtableBytes = 64 << 20
	defaultTableBytes    = 32 << 20
	defaultMultiplier    = 10
	defaultRunsMin       = 4
	defaultRunsMax       = 8
)

func (s Shape) withDefaults() Shape {
	if s.MemtableBytes <= 0 {
		s.MemtableBytes = defaultMemtableBytes
	}
	if s.TableBytes <= 0 {
		s.TableBytes = defaultTableBytes
	}
	if s.Multiplier <= 1 {
		s.Multiplier = defaultMultiplier
	}
	if s.RunsMin <= 0 {
		s.RunsMin = defaultRunsMin
	}
	s.RunsMax = max(s.RunsMax, s.RunsMin)
	if s.RunsMax == s.RunsMin && s.RunsMin <= defaultRunsMin {
		s.RunsMax = max(defaultRunsMax, s.RunsMin)
	}
	return s
}

// targets is how many bytes each level should hold, and the base level, into
// which level 0 is merged. The last level may hold what it holds; each level
// above it a Multiplier-th of the next. A level is used only once its target is
// as large as what level 0 gathers: below that, a merge straight into the next
// level is no dearer than two. Levels above the base that still hold something
// make it the base until they are drained.
type targets struct {
	base  int
	bytes [manifest.LevelCount]int64
}

func (s Shape) targets(v *manifest.Version) targets {
	t := targets{base: lastLevel}
	t.bytes[lastLevel] = v.LevelBytes(lastLevel)
	for n := lastLevel - 1; n > 0; n-- {
		t.bytes[n] = t.bytes[n+1] / s.Multiplier
		if t.bytes[n] >= s.gatheredBytes() || v.LevelBytes(n) > 0 {
			t.base = n
		}
	}
	return t
}

// gatheredBytes is about what level 0 holds when it is merged.
func (s Shape) gatheredBytes() int64 { return int64(s.RunsMin) * s.MemtableBytes }

// BaseLevel is the level into which level 0 of v is merged.
func (s Shape) BaseLevel(v *manifest.Version) int { return s.withDefaults().targets(v).base }
