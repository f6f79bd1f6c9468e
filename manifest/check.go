package manifest

import (
	"bytes"
	"errors"
	"fmt"
)

// What must hold of a slice and of a version, whoever made them.

// ErrInvalid is an edit or a version that breaks a rule of the tree. It is our
// own mistake when it comes from Apply; nothing was written then.
var ErrInvalid = errors.New("manifest: invalid")

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrInvalid, fmt.Sprintf(format, args...))
}

// Check says whether what the slice tells of itself can be true.
func (s *Slice) Check() error {
	switch {
	case s.ID == 0 || s.File == 0:
		return invalid("slice %d of file %d: numbers begin at 1", s.ID, s.File)
	case s.Keyspace != 0:
		return invalid("slice %d: keyspace %d, there is only 0", s.ID, s.Keyspace)
	case s.Level < 0 || s.Level >= LevelCount:
		return invalid("slice %d: level %d, there are %d", s.ID, s.Level, LevelCount)
	case s.FileBytes <= 0:
		return invalid("slice %d: a file of %d bytes", s.ID, s.FileBytes)
	case bytes.Compare(s.Lower, s.Upper) > 0:
		return invalid("slice %d: lower bound %q is above upper bound %q", s.ID, s.Lower, s.Upper)
	case s.SeqMin > s.SeqMax:
		return invalid("slice %d: least sequence %d is above greatest %d", s.ID, s.SeqMin, s.SeqMax)
	case s.TimeMin > s.TimeMax:
		return invalid("slice %d: oldest write %d is after newest %d", s.ID, s.TimeMin, s.TimeMax)
	case s.Tombstones > s.Entries:
		return invalid("slice %d: %d tombstones in %d entries", s.ID, s.Tombstones, s.Entries)
	}
	return nil
}

// Check looks at the whole version: every slice plausible and in the level and
// run that it names, runs newest first, no two slices of a run sharing a user
// key, ids unique, one identity for each file. The error is an ErrInvalid.
func (v *Version) Check() error {
	ids := make(map[uint64]struct{}, v.SliceCount())
	identities := make(map[uint64]uint64, v.SliceCount())
	for level := range v.Levels {
		runs := v.Levels[level].Runs
		for i := range runs {
			if i > 0 && runs[i-1].ID <= runs[i].ID {
				return invalid("level %d: run %d stands before run %d", level, runs[i-1].ID, runs[i].ID)
			}
			if err := runs[i].check(level); err != nil {
				return err
			}
			if err := checkUnique(runs[i].Slices, ids, identities); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *Run) check(level int) error {
	if len(r.Slices) == 0 {
		return invalid("level %d: run %d is empty", level, r.ID)
	}
	for i, s := range r.Slices {
		if err := s.Check(); err != nil {
			return err
		}
		if s.Level != level || s.Run != r.ID {
			return invalid("slice %d says level %d, run %d and stands in level %d, run %d",
				s.ID, s.Level, s.Run, level, r.ID)
		}
		if i == 0 {
			continue
		}
		if err := checkApart(r.Slices[i-1], s); err != nil {
			return err
		}
	}
	return nil
}

// checkApart holds the rule that one user key never lies in two slices of a run.
func checkApart(a, b *Slice) error {
	if bytes.Compare(a.Upper, b.Lower) < 0 {
		return nil
	}
	return invalid("level %d, run %d: slice %d [%q, %q] is not before slice %d [%q, %q]",
		a.Level, a.Run, a.ID, a.Lower, a.Upper, b.ID, b.Lower, b.Upper)
}

func checkUnique(slices []*Slice, ids map[uint64]struct{}, identities map[uint64]uint64) error {
	for _, s := range slices {
		if _, dup := ids[s.ID]; dup {
			return invalid("slice %d is there twice", s.ID)
		}
		ids[s.ID] = struct{}{}
		if other, ok := identities[s.File]; ok && other != s.Identity {
			return invalid("file %d has identities %016x and %016x", s.File, other, s.Identity)
		}
		identities[s.File] = s.Identity
	}
	return nil
}
