package row

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// copyFiles copies all files below a directory, and waits until the disk has
// them: the flushes of who opens the copy are not to pay for it.
func copyFiles(to, from string) error {
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		return fmt.Errorf("copy a database: %w", err)
	}
	return filepath.WalkDir(to, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			return err
		}
		return errors.Join(f.Sync(), f.Close())
	})
}
