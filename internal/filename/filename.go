// Package filename is the one place where names of database files are made and
// read. A name is a number and a kind, never taken from content.
package filename

import (
	"fmt"
	"strconv"
	"strings"
)

// Kind is what a file holds.
type Kind uint8

// Kinds of file in a database directory.
const (
	Unknown  Kind = iota
	Log           // 000001.log: a segment of the write-ahead log
	Table         // 000001.sst: a sorted table
	Manifest      // MANIFEST-000001
	Current       // CURRENT: names the live manifest
	Lock          // LOCK: held by the owner of the directory
	Temp          // *.tmp: being written, to be renamed; never referenced
	Torn          // *.torn: set aside by recovery; not read again
)

// NumberMax is the greatest number of a file; names with greater ones are strangers'.
const NumberMax = 1<<56 - 1

// CurrentName and LockName are the two fixed names.
const (
	CurrentName = "CURRENT"
	LockName    = "LOCK"
	manifest    = "MANIFEST-"
)

// Make is the name of the numbered file of that kind (Log, Table or Manifest).
func Make(k Kind, number uint64) string {
	switch k {
	case Log:
		return fmt.Sprintf("%06d.log", number)
	case Table:
		return fmt.Sprintf("%06d.sst", number)
	case Manifest:
		return fmt.Sprintf("%s%06d", manifest, number)
	}
	panic("filename: no numbered name for this kind") // bug: kinds are constants in our own code
}

// MakeTemp is the temporary name under which a file is written before its rename.
func MakeTemp(final string) string { return final + ".tmp" }

// MakeTorn is the name under which recovery sets a file aside.
func MakeTorn(name string) string { return name + ".torn" }

// Parse reads a base name. Only the exact names that Make writes are known:
// "7.log" or "0000007.log" are Unknown. The number is 0 for unnumbered kinds.
func Parse(name string) (Kind, uint64) {
	switch {
	case name == CurrentName:
		return Current, 0
	case name == LockName:
		return Lock, 0
	case strings.HasSuffix(name, ".tmp"):
		return Temp, 0
	case strings.HasSuffix(name, ".torn"):
		return Torn, 0
	case strings.HasPrefix(name, manifest):
		return parseNumber(name, Manifest, name[len(manifest):])
	case strings.HasSuffix(name, ".log"):
		return parseNumber(name, Log, strings.TrimSuffix(name, ".log"))
	case strings.HasSuffix(name, ".sst"):
		return parseNumber(name, Table, strings.TrimSuffix(name, ".sst"))
	}
	return Unknown, 0
}

func parseNumber(name string, k Kind, digits string) (Kind, uint64) {
	n, err := strconv.ParseUint(digits, 10, 64)
	if err != nil || n > NumberMax || Make(k, n) != name {
		return Unknown, 0
	}
	return k, n
}
