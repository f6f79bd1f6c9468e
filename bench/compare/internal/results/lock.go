package results

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/varvekv/varve/vfs"
)

// scratchDir is where the units of a run make their databases, unless they are
// told to make them elsewhere. Nothing in it outlives the run.
const scratchDir = "databases"

// Lock keeps a second run from going on with the same comparison, and sweeps what
// one that was killed has left in Scratch. Closing gives it back.
func (d *Directory) Lock() (lock io.Closer, err error) {
	dir, err := vfs.OS.OpenDir(d.path, false)
	if err != nil {
		return nil, err
	}
	held, err := dir.Lock("LOCK", false)
	if errors.Is(err, vfs.ErrLocked) {
		err = fmt.Errorf("another run works in %s: %w", d.path, err)
	}
	if err != nil {
		return nil, errors.Join(err, dir.Close())
	}
	lock = closers{held, dir}
	if err := os.RemoveAll(d.Scratch()); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return lock, nil
}

// Scratch is a directory for databases; it may be missing.
func (d *Directory) Scratch() string { return d.Path(scratchDir) }

// closers are closed in their order.
type closers []io.Closer

func (c closers) Close() error {
	var errs []error
	for _, one := range c {
		errs = append(errs, one.Close())
	}
	return errors.Join(errs...)
}
