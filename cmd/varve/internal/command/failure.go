package command

// What an error says to people, to programs, and about whose fault it is.

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/varvekv/varve"
	"github.com/varvekv/varve/cmd/varve/internal/console"
	"github.com/varvekv/varve/internal/corruption"
	"github.com/varvekv/varve/manifest"
)

// attempt is an error of a command whose flags and arguments were understood.
type attempt struct{ error }

func (e attempt) Unwrap() error { return e.error }

// usageError is an argument that only the command itself could judge.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// inputError is about a file or directory that cannot be used as it is.
type inputError struct {
	File   string // as it was given
	Line   int    // 0 where lines are not counted
	Offset *int64 // nil where bytes are not counted
	Err    error
}

func (e *inputError) Error() string {
	switch {
	case e.Line > 0:
		return fmt.Sprintf("%s:%d: %v", e.File, e.Line, e.Err)
	case e.Offset != nil:
		return place(e.File, *e.Offset, e.Err.Error())
	}
	return fmt.Sprintf("%s: %v", e.File, e.Err)
}

func (e *inputError) Unwrap() error { return e.Err }

// located knows the directory in which the engine's files lie.
type located struct {
	dir string
	error
}

func (e located) Unwrap() error { return e.error }

// errInterrupted is how a command ends after Ctrl-C.
var errInterrupted = errors.New("interrupted")

func isBadInput(err error) bool {
	return errors.As(err, new(usageError)) || errors.As(err, new(*inputError)) ||
		errors.Is(err, varve.ErrCorruption) || errors.Is(err, varve.ErrUnsupported) ||
		errors.Is(err, manifest.ErrNoDatabase) ||
		errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission)
}

// message is an error in one piece, without the engine's name in front.
func message(err error) string {
	text := strings.TrimPrefix(err.Error(), "varve: ")
	return strings.ReplaceAll(text, "\n", "\n  ")
}

// complaint is an error for programs.
type complaint struct {
	Error  string `json:"error"`
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`
	Offset *int64 `json:"offset,omitempty"`
	Reason string `json:"reason,omitempty"`
}

func complainJSON(c *console.Console, err error) {
	e := json.NewEncoder(c.Err)
	e.SetEscapeHTML(false)
	_ = e.Encode(describe(err)) // it fails when standard error does: there is nobody left to tell
}

// describe takes file, place and reason out of an error.
func describe(err error) complaint {
	d := complaint{Error: message(err)}
	var (
		damaged *varve.CorruptionError
		newer   *corruption.UnsupportedError
		input   *inputError
		path    *fs.PathError
	)
	switch {
	case errors.As(err, &damaged):
		d.at(err, damaged.File, damaged.Offset)
		d.Reason = damaged.Reason
	case errors.As(err, &newer):
		d.at(err, newer.File, newer.Offset)
		d.Reason = newer.What + ": " + corruption.ErrUnsupported.Error()
	case errors.As(err, &input):
		d.File, d.Line, d.Offset, d.Reason = input.File, input.Line, input.Offset, input.Err.Error()
	case errors.As(err, &path):
		d.File, d.Reason = path.Path, path.Err.Error()
	}
	return d
}

// at sets the place; a bare name is a file of the database the error is about.
func (d *complaint) at(err error, file string, offset int64) {
	d.File = file
	var in located
	if errors.As(err, &in) && filepath.Base(file) == file {
		d.File = filepath.Join(in.dir, file)
	}
	if offset >= 0 {
		d.Offset = &offset
	}
}
