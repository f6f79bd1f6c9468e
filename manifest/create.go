package manifest

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/varvekv/varve/internal/corruption"
	"github.com/varvekv/varve/internal/filename"
	"github.com/varvekv/varve/vfs"
)

// Create makes the manifest of a new database in d, which holds no other:
// manifest synced, directory synced, CURRENT renamed, directory synced. A crash
// in between leaves a directory in which Create can be called again.
// REQUIRES: the caller holds the directory's lock, here and in Open.
func Create(d vfs.Dir, o Options) (*Store, *State, error) {
	if o.ReadOnly {
		return nil, nil, ErrReadOnly
	}
	if err := checkVacant(d); err != nil {
		return nil, nil, err
	}
	st, err := initialState(d, &o)
	if err != nil {
		return nil, nil, err
	}
	m, err := createFile(d, &o, &st)
	if err != nil {
		return nil, nil, err
	}
	if err := switchCurrent(d, current{st.Manifest, m.header.identity}); err != nil {
		return nil, nil, errors.Join(err, m.f.Close())
	}
	st.Report = Report{File: m.f.Name(), Edits: 1}
	s := newStore(d, o, m, st)
	s.next = st.Manifest + 1 // above every number in use: see initialState
	return s, &st, nil
}

func newStore(d vfs.Dir, o Options, m file, st State) *Store {
	o.Initial = nil
	s := &Store{d: d, o: o, live: m, state: st}
	s.version.Store(st.Version)
	return s
}

// checkVacant refuses a directory that has a database.
func checkVacant(d vfs.Dir) error {
	_, err := d.Stat(filename.CurrentName)
	switch {
	case err == nil:
		return fmt.Errorf("manifest: create: %s: %w", filename.CurrentName, fs.ErrExist)
	case !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("manifest: create: %w", err)
	}
	if err := whyNoCurrent(d); !errors.Is(err, ErrNoDatabase) {
		return err
	}
	return nil
}

// whyNoCurrent tells a directory without a database (ErrNoDatabase) from one
// that has lost its CURRENT. The first tables and logs are made after CURRENT,
// so that no crash leaves one without it.
func whyNoCurrent(d vfs.Dir) error {
	names, err := d.List()
	if err != nil {
		return fmt.Errorf("manifest: look for a database: %w", err)
	}
	var orphans []string
	for _, name := range names {
		if kind, _ := filename.Parse(name); kind == filename.Table || kind == filename.Log {
			orphans = append(orphans, name)
		}
	}
	if len(orphans) == 0 {
		return fmt.Errorf("%w: %s", ErrNoDatabase, d.Path())
	}
	return corruption.New(filename.CurrentName, -1, "it is missing beside %s: not a varve database, or CURRENT was lost",
		abridge(orphans))
}

func abridge(names []string) string {
	if len(names) <= 3 {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:3], ", "), len(names)-3)
}

func initialState(d vfs.Dir, o *Options) (State, error) {
	st := State{Identity: o.identity(), Version: new(Version)}
	found, err := greatestNumber(d)
	if err != nil {
		return State{}, err
	}
	initial := Edit{}
	if o.Initial != nil {
		initial = *o.Initial
	}
	initial.Number = 1
	for _, s := range initial.Added {
		found = max(found, s.ID, s.File)
	}
	st.Manifest = max(found+1, initial.NextFile)
	initial.NextFile = st.Manifest + fileStep
	return st.after(&initial)
}

// greatestNumber is the greatest number in the names of the directory's files,
// those set aside included. Absurd ones are passed over: someone else's.
func greatestNumber(d vfs.Dir) (uint64, error) {
	names, err := d.List()
	if err != nil {
		return 0, fmt.Errorf("manifest: list files: %w", err)
	}
	var greatest uint64
	for _, name := range names {
		name, _, _ = strings.Cut(name, ".torn")
		if _, n := filename.Parse(name); n < NumberMax>>1 {
			greatest = max(greatest, n)
		}
	}
	return greatest, nil
}
