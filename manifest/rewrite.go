package manifest

import (
	"errors"
	"fmt"

	"github.com/varvekv/varve/internal/filename"
)

// rewriteLocked starts a new manifest file that holds next, and with it the edit
// that led there. Until CURRENT is switched the old file counts, afterwards the
// new one; the old one goes last.
func (s *Store) rewriteLocked(next *State) error {
	next.Manifest = s.next
	next.NextFile = max(next.NextFile, s.next+fileStep)
	m, err := createFile(s.d, &s.o, next)
	if err != nil {
		return fmt.Errorf("manifest: rewrite: %w", err)
	}
	if err := switchCurrent(s.d, current{next.Manifest, m.header.identity}); err != nil {
		return errors.Join(err, m.f.Close())
	}
	old, torn := s.live, s.torn
	s.live, s.torn, s.unproven = m, false, false
	s.next = max(s.next, next.Manifest+1)
	s.rewrites++
	return s.retireLocked(old, torn)
}

// retireLocked removes the old file, or sets it aside where it ends in remains
// of an edit. A failed rename is as bad as any.
func (s *Store) retireLocked(old file, torn bool) error {
	s.cleanup = errors.Join(s.cleanup, old.f.Close())
	if !torn {
		s.cleanup = errors.Join(s.cleanup, s.removeObsoleteLocked())
		return nil
	}
	name := filename.Make(filename.Manifest, old.header.number)
	if err := s.d.Rename(name, filename.MakeTorn(name)); err != nil {
		return fmt.Errorf("manifest: set %s aside: %w", name, err)
	}
	if err := s.d.Sync(); err != nil {
		return fmt.Errorf("manifest: sync directory with %s set aside: %w", name, err)
	}
	return nil
}

// removeObsoleteLocked removes every manifest but the live one: the old one, and
// what crashed rewrites have left. One that cannot be removed does no harm; the
// next rewrite tries again.
func (s *Store) removeObsoleteLocked() error {
	names, err := s.d.List()
	if err != nil {
		return fmt.Errorf("manifest: list obsolete files: %w", err)
	}
	var errs []error
	for _, name := range names {
		if kind, number := filename.Parse(name); kind != filename.Manifest || number == s.live.header.number {
			continue
		}
		if err := s.d.Remove(name); err != nil {
			errs = append(errs, fmt.Errorf("manifest: remove obsolete %s: %w", name, err))
		}
	}
	return errors.Join(errs...)
}
