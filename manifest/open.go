package manifest

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/varvekv/varve/internal/corruption"
	"github.com/varvekv/varve/internal/filename"
	"github.com/varvekv/varve/internal/recordio"
	"github.com/varvekv/varve/vfs"
)

// Open reads the manifest that CURRENT names. It deletes nothing, and writes
// only again what it cannot prove durable; read-only, it writes nothing at all.
//
// A directory without a database is ErrNoDatabase, damage to what is proven
// durable a corruption error, a newer format ErrUnsupported. The remains of an
// edit that nothing proves are dropped: see Report.
func Open(d vfs.Dir, o Options) (*Store, *State, error) {
	c, err := findCurrent(d)
	if err != nil {
		return nil, nil, err
	}
	f, err := openLive(d, c, o.ReadOnly)
	if err != nil {
		return nil, nil, err
	}
	s, err := openFile(d, o, f, c)
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	st := s.state
	return s, &st, nil
}

func openFile(d vfs.Dir, o Options, f vfs.File, c current) (*Store, error) {
	l, err := load(f, c, o.ReadOnly)
	if err != nil {
		return nil, err
	}
	if err := l.st.prove(o.ProvenEdit); err != nil {
		return nil, err
	}
	s := newStore(d, o, l.file(), l.st)
	s.torn = l.st.Report.Torn
	if o.ReadOnly {
		return s, nil
	}
	if err := s.passUsedNumbers(); err != nil {
		return nil, err
	}
	if s.torn {
		return s, nil // the first edit goes to a new file
	}
	if err := l.secure(d, c); err != nil {
		return nil, err
	}
	if s.live.w, err = recordio.NewWriter(f, region(&l.h, 0), l.end); err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	return s, nil
}

// findCurrent reads CURRENT, or says why there is none.
func findCurrent(d vfs.Dir) (current, error) {
	c, err := readCurrent(d)
	if errors.Is(err, fs.ErrNotExist) {
		return current{}, whyNoCurrent(d)
	}
	return c, err
}

func openLive(d vfs.Dir, c current, readOnly bool) (vfs.File, error) {
	name := filename.Make(filename.Manifest, c.number)
	open := d.OpenReadWrite
	if readOnly {
		open = d.Open
	}
	f, err := open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, corruption.New(filename.CurrentName, -1, "it names %s, which is missing", name)
	}
	if err != nil {
		return nil, fmt.Errorf("manifest: open %s: %w", name, err)
	}
	return f, nil
}

func (l *loader) file() file {
	return file{f: l.f, header: l.h, end: l.end, firstBytes: l.firstBytes, synced: l.synced}
}

// passUsedNumbers sets the counter above the persisted bound, and above every
// number that a file has: an edit that raised the bound may be among lost remains.
func (s *Store) passUsedNumbers() error {
	greatest, err := greatestNumber(s.d)
	if err != nil {
		return err
	}
	s.next = max(s.state.NextFile, greatest+1)
	return nil
}

// secure makes durable what a crash of the process may have left in the page
// cache only, and what a failed sync may have left nowhere: the caller is about
// to delete files on the word of the last edit. All edits before it were synced.
// Where it is the first one, it was synced before CURRENT was switched, but
// nothing proves the switch: that is done again.
func (l *loader) secure(d vfs.Dir, c current) error {
	switch {
	case l.first == l.last:
		return switchCurrent(d, c)
	case l.last.Empty():
		return nil // it is there to prove the one before; nothing needs it
	}
	start := l.lastStart &^ (recordio.BlockBytes - 1)
	end := (l.end + recordio.BlockBytes - 1) &^ (recordio.BlockBytes - 1)
	p := make([]byte, end-start) // zeros behind the end
	if _, err := l.f.ReadAt(p[:l.end-start], start); err != nil {
		return fmt.Errorf("manifest: read edit %d of %s again: %w", l.st.Edit, l.name, err)
	}
	if _, err := l.f.WriteAt(p, start); err != nil {
		return fmt.Errorf("manifest: write edit %d of %s again: %w", l.st.Edit, l.name, err)
	}
	if err := l.f.SyncData(); err != nil {
		return fmt.Errorf("manifest: sync edit %d of %s again: %w", l.st.Edit, l.name, err)
	}
	return nil
}
