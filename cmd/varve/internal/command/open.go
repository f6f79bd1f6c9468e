package command

// Opening databases: a command that reads makes nothing, neither a directory nor
// a file in a directory that is no database.

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/varvekv/varve"
	"github.com/varvekv/varve/internal/filename"
)

// reading opens the database in dir read-only for the time of a call.
func reading(dir string, do func(*varve.DB) error) error {
	if err := wantDatabase(dir); err != nil {
		return err
	}
	return using(dir, &varve.Options{ReadOnly: true}, do)
}

// writing opens the existing database in dir for the time of a call.
func writing(dir string, do func(*varve.DB) error) error {
	if err := wantDatabase(dir); err != nil {
		return err
	}
	return using(dir, nil, do)
}

// creating is writing, and makes the database where dir is missing or empty.
func creating(dir string, do func(*varve.DB) error) error {
	switch has, err := look(dir); {
	case err != nil:
		return err
	case has == strangers:
		return &inputError{File: dir, Err: errors.New("holds other files and no varve database: give a directory of its own")}
	}
	return using(dir, nil, do)
}

func using(dir string, o *varve.Options, do func(*varve.DB) error) (err error) {
	db, err := varve.Open(dir, o)
	if errors.Is(err, varve.ErrLocked) {
		return fmt.Errorf("%w: %s", err, holders(dir))
	}
	if err != nil {
		return located{dir, err}
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	err = do(db)
	if errors.Is(err, varve.ErrCorruption) || errors.Is(err, varve.ErrUnsupported) {
		return located{dir, fmt.Errorf("%s: %w", dir, err)}
	}
	return err
}

// contents is what a directory has in it, as far as opening goes.
type contents uint8

const (
	missing contents = iota
	nothing
	strangers // files, and none of them a database's
	database  // perhaps a damaged one: Open tells
)

func wantDatabase(dir string) error {
	has, err := look(dir)
	switch {
	case err != nil:
		return err
	case has == missing:
		return &inputError{File: dir, Err: errors.New("no such directory")}
	case has != database:
		return &inputError{File: dir, Err: errors.New("not a varve database")}
	}
	return nil
}

// look tells what dir has in it. A database that lost its CURRENT is one.
func look(dir string) (contents, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return missing, nil
	}
	if err != nil {
		return missing, &inputError{File: dir, Err: reasonOf(err)}
	}
	has := nothing
	for _, e := range entries {
		switch kind, _ := filename.Parse(e.Name()); kind {
		case filename.Current, filename.Manifest, filename.Table, filename.Log:
			return database, nil
		case filename.Lock, filename.Temp: // an Open that was ended early leaves these
		default:
			has = strangers
		}
	}
	return has, nil
}

// reasonOf is what the system says, without the path that the message has already.
func reasonOf(err error) error {
	if path := new(os.PathError); errors.As(err, &path) {
		return path.Err
	}
	return err
}

// holders says who keeps dir locked, where the system tells.
func holders(dir string) string {
	found := lockHolders(dir)
	if len(found) == 0 {
		return "another process has it open; who, this system does not tell"
	}
	return "held open by " + strings.Join(found, ", ")
}
