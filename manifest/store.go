package manifest

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/varvekv/varve/internal/corruption"
	"github.com/varvekv/varve/internal/filename"
	"github.com/varvekv/varve/vfs"
)

// Errors that callers branch on.
var (
	// ErrNoDatabase is a directory without CURRENT and without files that would
	// need one.
	ErrNoDatabase = errors.New("manifest: no database here")
	ErrReadOnly   = errors.New("manifest: opened read-only")
	ErrClosed     = errors.New("manifest: closed")
)

const (
	rewriteBytesMin = 1 << 20 // shorter manifests are never rewritten
	fileStep        = 64      // file numbers that one edit makes available
)

// Options of Create and Open.
type Options struct {
	Now    func() time.Time // required; for the time a file was made, nothing else
	Random func() uint64    // required; for identities

	// ReadOnly opens without writing a byte; Apply is ErrReadOnly then.
	ReadOnly bool
	// ProvenEdit is an edit number that something else, such as a log segment's
	// header, proves durable: a manifest that ends before it is corrupt.
	ProvenEdit uint64
	// Initial is what a created database holds; nil = nothing. Its Number is not
	// looked at, its NextFile is raised where its slices need it.
	Initial *Edit

	// 0 = the constants of these names; tests set them.
	rewriteBytesMin, aheadBytes int64
}

// Store keeps the manifest of one database. Its methods may be called from any
// goroutine.
type Store struct {
	// Constant after Open.
	d vfs.Dir
	o Options

	// Synchronises itself.
	version atomic.Pointer[Version]

	// mu is the turn to write the manifest: it guards what follows and is held
	// across disk I/O. Nothing else is locked under it.
	mu       sync.Mutex
	state    State
	live     file
	next     uint64 // file number to hand out next
	unproven bool   // the last edit is our own and no mark: damage to it would look like a crash
	torn     bool   // live ends in remains that must not be appended to
	rewrites int
	cleanup  error // of work that nothing depends on: Close returns it
	closed   bool
	err      error // sticky: after it nothing is written or deleted
}

// Apply makes e durable and returns the version that follows; it sets e.Number.
// It blocks for a sync. An ErrInvalid has changed nothing. Any other error is
// sticky: nobody knows whether the edit is durable, every later call fails with
// the same error, and the caller must delete nothing any more. The version
// before it stays readable.
func (s *Store) Apply(e *Edit) (*Version, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.writableLocked(); err != nil {
		return nil, err
	}
	if e.NextFile != 0 {
		return nil, invalid("NextFile %d: the counter is the store's own", e.NextFile)
	}
	for _, a := range e.Added {
		if a.ID >= s.next || a.File >= s.next {
			return nil, invalid("slice %d of file %d: the next number to hand out is %d", a.ID, a.File, s.next)
		}
	}
	return s.applyLocked(e)
}

func (s *Store) writableLocked() error {
	switch {
	case s.closed:
		return ErrClosed
	case s.err != nil:
		return s.err
	case s.o.ReadOnly:
		return ErrReadOnly
	}
	return nil
}

func (s *Store) applyLocked(e *Edit) (*Version, error) {
	edit := s.completeLocked(e)
	next, err := s.state.after(edit)
	if err != nil {
		return nil, err
	}
	if err := s.commitLocked(edit, &next); err != nil {
		s.err = err
		return nil, err
	}
	s.state = next
	s.version.Store(next.Version)
	e.Number = edit.Number
	return next.Version, nil
}

// completeLocked is the edit with its number, and with the counter raised while
// that is cheap, so that a number handed out later seldom costs an edit.
func (s *Store) completeLocked(e *Edit) *Edit {
	edit := *e
	edit.Number = s.state.Edit + 1
	if !edit.Empty() && edit.NextFile == 0 && s.next+fileStep/4 > s.state.NextFile {
		edit.NextFile = s.next + fileStep
	}
	return &edit
}

// commitLocked writes the edit, or the whole state that it leads to.
func (s *Store) commitLocked(e *Edit, next *State) error {
	if s.torn || s.live.long(s.o.rewriteMin()) && hasRoom(s.d, 2*s.live.w.SizeBytes()) {
		return s.rewriteLocked(next)
	}
	if err := s.live.append(s.d, &s.o, e); err != nil {
		return err
	}
	s.unproven = !e.Empty()
	return nil
}

func (o *Options) rewriteMin() int64 {
	if o.rewriteBytesMin != 0 {
		return o.rewriteBytesMin
	}
	return rewriteBytesMin
}

func (o *Options) ahead() int64 {
	if o.aheadBytes != 0 {
		return o.aheadBytes
	}
	return aheadBytes
}

// NextFileNumber hands out a file number that was never handed out before, over
// all restarts. It blocks for a sync where the counter must be persisted first.
func (s *Store) NextFileNumber() (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.writableLocked(); err != nil {
		return 0, err
	}
	if s.next >= s.state.NextFile {
		if _, err := s.applyLocked(&Edit{NextFile: s.next + fileStep}); err != nil {
			return 0, fmt.Errorf("manifest: raise the file number counter: %w", err)
		}
	}
	s.next++
	return s.next - 1, nil
}

// RaiseNextFile makes sure that no number below next is handed out any more: for
// files that were found on the disk and that no edit knows.
func (s *Store) RaiseNextFile(next uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next = max(s.next, min(next, NumberMax))
}

// ProveEdit is a corruption error when the manifest ended before edit number n
// as it was opened, which something else proves durable. The error is sticky: a
// later edit, Close's mark too, would pass for the lost one. REQUIRES: it is
// asked before the first Apply, and before files that no edit names are deleted.
func (s *Store) ProveEdit(n uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.state.prove(n)
	if err != nil && s.err == nil {
		s.err = err
	}
	return err
}

func (st *State) prove(n uint64) error {
	if n <= st.Edit {
		return nil
	}
	name := filename.Make(filename.Manifest, st.Manifest)
	offset := int64(-1)
	if st.Report.Torn {
		offset = st.Report.Offset
	}
	return corruption.New(name, offset, "it ends with edit %d, but edit %d is proven durable", st.Edit, n)
}

// Version is the version of the last edit that Apply returned. It never blocks.
func (s *Store) Version() *Version { return s.version.Load() }

// State is what the edits so far add up to; its NextFile is the persisted bound.
func (s *Store) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

// Snapshot is one edit that adds up to the whole state: Options.Initial of a copy.
func (s *Store) Snapshot() *Edit {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state.snapshot()
}

// Err is the sticky error, or nil.
func (s *Store) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Metrics are figures of the manifest.
type Metrics struct {
	Edit      uint64 // number of the last edit
	Slices    int    // live
	FileBytes int64  // of the manifest file, zeros written ahead not counted
	Rewrites  int    // since Open
}

// Metrics are the figures as of now. They wait for an Apply that runs.
func (s *Store) Metrics() Metrics {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Metrics{s.state.Edit, s.state.Version.SliceCount(), s.live.sizeBytes(), s.rewrites}
}

// Close proves the last edit by a mark behind it, where this store has made one
// and has not failed, and gives the file back. A second Close is nil. The directory
// stays open: it is the caller's.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	var err error
	if s.unproven && s.writableLocked() == nil {
		_, err = s.applyLocked(&Edit{})
	}
	s.closed = true
	return errors.Join(err, s.live.f.Close(), s.cleanup)
}
