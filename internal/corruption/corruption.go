// Package corruption is the errors for bytes on disk that cannot be right, and for
// those that are right and of a later version.
package corruption

import (
	"errors"
	"fmt"
)

// Err matches every corruption error: errors.Is(err, corruption.Err).
var Err = errors.New("corruption")

// Error says which file is damaged, at which byte, and what is wrong there.
type Error struct {
	File   string // base name, or path where the caller knew one
	Offset int64  // bytes from the start of the file; -1 when no offset applies
	Reason string
}

// New makes an Error whose reason is formatted like fmt.Sprintf.
func New(file string, offset int64, format string, args ...any) *Error {
	return &Error{File: file, Offset: offset, Reason: fmt.Sprintf(format, args...)}
}

func (e *Error) Error() string {
	if e.Offset < 0 {
		return fmt.Sprintf("corruption in %s: %s", e.File, e.Reason)
	}
	return fmt.Sprintf("corruption in %s at offset %d: %s", e.File, e.Offset, e.Reason)
}

// Is makes errors.Is(err, corruption.Err) true.
func (e *Error) Is(target error) bool { return target == Err }
