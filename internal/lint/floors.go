package lint

import (
	"fmt"
	"strings"
)

// rooms says which floor each package stands on. Imports only point down.
// On one floor nobody imports anybody, but for bricks and for a room that is
// built inside another one's directory (wal/state above wal). Floor 5 has
// whole directories, everything else is exactly one package.
//
// A new package is a new line here; first ask whether it needs to be one.
var rooms = []room{
	{dir: "bench", floor: 5},
	{dir: "cmd", floor: 5},
	{dir: "tests", floor: 5},
	{dir: "varveprom", floor: 5},
	{dir: "internal/lint", floor: 5},

	{dir: ".", floor: 4, seen: public},

	{dir: "compaction", floor: 3},

	{dir: "wal", floor: 2, seen: public},
	{dir: "wal/state", floor: 2, seen: public},
	{dir: "memtable", floor: 2},
	{dir: "sstable", floor: 2, seen: format},
	{dir: "manifest", floor: 2, seen: format},

	{dir: "iterator", floor: 1, seen: format}, // the cursors of sstable speak it
	{dir: "internal/recordio", floor: 1, seen: format},
	{dir: "internal/cache", floor: 1},

	{dir: "vfs", floor: 0, seen: public},
	{dir: "internal/codec", floor: 0},
	{dir: "internal/epoch", floor: 0},
	{dir: "internal/offheap", floor: 0},
	{dir: "internal/filename", floor: 0, seen: format},
	{dir: "internal/ikey", floor: 0, seen: format, brick: true},
	{dir: "internal/corruption", floor: 0, seen: format, brick: true},
	{dir: "internal/crc", floor: 0, brick: true},
	{dir: "internal/hash", floor: 0, brick: true},
	{dir: "internal/invariants", floor: 0, brick: true},
}

type room struct {
	dir   string // relative to the root; "." is the root package
	floor int
	seen  audience
	brick bool // may be imported on its own floor; imports no room itself
}

// audience says what bench, cmd and tests may import.
type audience uint8

const (
	inside audience = iota // rooms of the library only
	format                 // a file format or its vocabulary, for inspection: read, never write
	public                 // everybody; with a promise of compatibility
)

const whereRooms = "the table `rooms` in internal/lint/floors.go"

func checkFloors(t *Tree) []Finding {
	return eachFile(t, checkFloor)
}

func checkFloor(f *File) []Finding {
	from, ok := roomOf(f.Dir)
	if !ok {
		return []Finding{f.finding(f.syntax.Package, "give it a floor in "+whereRooms,
			"package directory %s stands on no floor", f.Dir)}
	}
	var found []Finding
	for p, spec := range f.imports() {
		dir, ours := localDir(p)
		if !ours || dir == f.Dir {
			continue
		}
		to, ok := roomOf(dir)
		if !ok {
			found = append(found, f.finding(spec.Pos(), "give it a floor in "+whereRooms, "imports %s, which stands on no floor", p))
			continue
		}
		if reason := refuse(from, to); reason != "" {
			found = append(found, f.finding(spec.Pos(), "move what is needed down, or take it as a small interface", "imports %s: %s", p, reason))
		}
	}
	return sorted(found)
}

// refuse says why a room may not import another one; "" when it may.
func refuse(from, to room) string {
	switch {
	case from.brick:
		return "a brick imports no other room"
	case from.floor == 5:
		if to.floor < 5 && to.seen == inside {
			return fmt.Sprintf("%s may use the public packages and read the formats only", from.dir)
		}
		return ""
	case from.floor > to.floor, from.floor == to.floor && to.brick:
		return ""
	case from.floor == to.floor && strings.HasPrefix(from.dir, to.dir+"/"):
		return ""
	case from.floor == to.floor:
		return fmt.Sprintf("%s and %s are siblings on floor %d", from.dir, to.dir, to.floor)
	}
	return fmt.Sprintf("%s (floor %d) looks up at %s (floor %d)", from.dir, from.floor, to.dir, to.floor)
}

// roomOf finds the room that a directory belongs to.
func roomOf(dir string) (room, bool) {
	for _, r := range rooms {
		if dir == r.dir || r.floor == 5 && strings.HasPrefix(dir, r.dir+"/") {
			return r, true
		}
	}
	return room{}, false
}

// localDir gives the directory of an import path of this repository.
func localDir(importPath string) (dir string, ours bool) {
	if importPath == rootModule {
		return ".", true
	}
	return strings.CutPrefix(importPath, rootModule+"/")
}
