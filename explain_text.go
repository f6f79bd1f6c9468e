package varve

// An Explanation as a list for people to read.

import (
	"fmt"
	"strings"
	"text/tabwriter"
)

// String is a line for the answer and one for each step.
func (e Explanation) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%q at sequence %d: %s in %v\n", e.Key, e.Seq, e.answer(), e.Duration)
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for i, s := range e.Steps {
		fmt.Fprintf(w, "%3d\t%s\t%s\t%v\t%s\n", i+1, s.where(), s.File, s.Duration, s.story())
	}
	w.Flush() //nolint:errcheck // into memory
	return b.String()
}

func (e *Explanation) answer() string {
	switch e.Answer {
	case AnswerFound:
		return fmt.Sprintf("found, sequence %d, %d bytes,", e.VersionSeq, e.ValueBytes)
	case AnswerDeleted:
		return fmt.Sprintf("deleted, sequence %d,", e.VersionSeq)
	case AnswerAbsent:
		return "absent"
	}
	return "failed"
}

func (s *Step) where() string {
	switch {
	case s.Place == PlaceImmutable:
		return fmt.Sprintf("immutable %d", s.Number)
	case s.Place != PlaceRun:
		return string(s.Place)
	case s.Level > 0:
		return fmt.Sprintf("level %d", s.Level)
	}
	return fmt.Sprintf("level 0 run %d", s.Number)
}

// story is what happened in the step, from left to right.
func (s *Step) story() string {
	var parts []string
	if s.IsOpened {
		parts = append(parts, "the table was opened")
	}
	switch {
	case s.Outcome == OutcomeFiltered:
		parts = append(parts, fmt.Sprintf("filter: no (%v)", s.FilterTime))
	case s.HasFilter:
		parts = append(parts, fmt.Sprintf("filter: maybe (%v)", s.FilterTime))
	}
	for _, r := range s.Blocks {
		parts = append(parts, r.String())
	}
	return strings.Join(append(parts, s.end()), "; ")
}

func (s *Step) end() string {
	switch s.Outcome {
	case OutcomePut:
		return fmt.Sprintf("put at sequence %d, %d bytes", s.VersionSeq, s.ValueBytes)
	case OutcomeDelete:
		return fmt.Sprintf("delete at sequence %d", s.VersionSeq)
	case OutcomeOutOfRange:
		return "no table covers it"
	case OutcomeFiltered:
		return "not there"
	}
	return string(s.Outcome)
}

// String says which block it was, and where it came from.
func (r BlockRead) String() string {
	if r.IsCached {
		return fmt.Sprintf("block %d at %d: cached, %d bytes (%v)", r.Index, r.Offset, r.Decoded, r.Duration)
	}
	if r.Stored == r.Decoded {
		return fmt.Sprintf("block %d at %d: read, %d bytes (%v)", r.Index, r.Offset, r.Stored, r.Duration)
	}
	return fmt.Sprintf("block %d at %d: read, %d bytes of %s, %d decoded (%v)", r.Index, r.Offset, r.Stored, r.Codec, r.Decoded, r.Duration)
}
