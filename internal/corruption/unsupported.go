package corruption

import (
	"errors"
	"fmt"
)

// ErrUnsupported matches every error about bytes that are whole, and that this
// version does not understand: a later one wrote them. It never matches Err:
// whatever mends damage must leave such a file alone.
var ErrUnsupported = errors.New("format is newer than this version of varve understands")

// UnsupportedError says which file was not understood, where, and what it is that a
// later version put there.
type UnsupportedError struct {
	File   string // base name
	Offset int64  // bytes from the start of the file; -1 when no offset applies
	What   string
}

// Unsupported makes an UnsupportedError whose What is formatted like fmt.Sprintf.
func Unsupported(file string, offset int64, format string, args ...any) *UnsupportedError {
	return &UnsupportedError{File: file, Offset: offset, What: fmt.Sprintf(format, args...)}
}

func (e *UnsupportedError) Error() string {
	if e.Offset < 0 {
		return fmt.Sprintf("%s: %s: %v", e.File, e.What, ErrUnsupported)
	}
	return fmt.Sprintf("%s at offset %d: %s: %v", e.File, e.Offset, e.What, ErrUnsupported)
}

// Is makes errors.Is(err, corruption.ErrUnsupported) true.
func (e *UnsupportedError) Is(target error) bool { return target == ErrUnsupported }
