package lint

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
)

// doors says through which rooms each third-party module comes into the root
// module. The root's go.mod requires exactly these; whatever needs more is a
// nested module (bench, cmd, tests), which the table does not bind.
var doors = map[string][]string{
	"github.com/bits-and-blooms/bloom/v3": {"sstable"},
	"github.com/google/btree":             {"memtable"},
	"github.com/klauspost/compress":       {"internal/codec"}, // its decoders are bounded there
	"github.com/klauspost/crc32":          {"internal/crc"},
	"golang.org/x/sys":                    {"vfs", "internal/offheap"},
}

const whereDoors = "the table `doors` in internal/lint/doors.go"

func checkDoors(t *Tree) []Finding {
	return eachFile(t, checkDoor)
}

func checkDoor(f *File) []Finding {
	if isNestedModule(f.Dir) {
		return nil
	}
	var found []Finding
	for p, spec := range f.imports() {
		if _, ours := localDir(p); ours || isStandard(p) {
			continue
		}
		module, rooms := doorOf(p)
		switch {
		case module == "":
			found = append(found, f.finding(spec.Pos(), "use the standard library, or put it into a nested module; a new dependency is a decision for docs/adr and "+whereDoors,
				"imports %s, which the root module does not depend on", p))
		case !slices.Contains(rooms, f.Dir):
			found = append(found, f.finding(spec.Pos(), "go through "+strings.Join(rooms, " or "),
				"imports %s beside its door", p))
		}
	}
	return sorted(found)
}

// isNestedModule is true for the directories of floor 5 that have their own
// go.mod; internal/lint stands there too, but inside the root module.
func isNestedModule(dir string) bool {
	r, ok := roomOf(dir)
	return ok && r.floor == 5 && r.dir != "internal/lint"
}

func doorOf(importPath string) (module string, rooms []string) {
	for m, dirs := range doors {
		if importPath == m || strings.HasPrefix(importPath, m+"/") {
			return m, dirs
		}
	}
	return "", nil
}

// isStandard follows the go command: the first element of a path that can be
// downloaded has a dot in it.
func isStandard(importPath string) bool {
	first, _, _ := strings.Cut(importPath, "/")
	return !strings.Contains(first, ".")
}

func checkRequirements(t *Tree) []Finding {
	mod, err := t.read("go.mod")
	if errors.Is(err, fs.ErrNotExist) {
		return []Finding{{"go.mod", 1, "is missing", "restore it"}}
	}
	if err != nil {
		return []Finding{{"go.mod", 1, err.Error(), "make it readable"}}
	}
	return checkRequired(mod)
}

// checkRequired compares the direct requirements of the root's go.mod with
// the doors, both ways.
func checkRequired(mod []byte) []Finding {
	var found []Finding
	direct := directRequirements(mod)
	for _, m := range slices.Sorted(maps.Keys(direct)) {
		if _, ok := doors[m]; !ok {
			found = append(found, Finding{"go.mod", direct[m], "requires " + m + " directly", "remove it, or give it a door in " + whereDoors})
		}
	}
	for _, m := range slices.Sorted(maps.Keys(doors)) {
		if _, ok := direct[m]; !ok {
			found = append(found, Finding{"go.mod", 1, fmt.Sprintf("does not require %s directly", m), "require it, or close its door in " + whereDoors})
		}
	}
	return sorted(found)
}

// directRequirements gives the line of each requirement that is not marked
// indirect. It reads go.mod as the go command formats it.
func directRequirements(mod []byte) map[string]int {
	direct := make(map[string]int)
	block := false
	for i, line := range strings.Split(string(mod), "\n") {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 0:
			continue
		case fields[0] == ")":
			block = false
			continue
		case fields[0] == "require" && len(fields) > 1 && fields[1] == "(":
			block = true
			continue
		case fields[0] == "require":
			fields = fields[1:]
		case !block:
			continue
		}
		if len(fields) >= 2 && fields[0] != "//" && !strings.HasSuffix(line, "// indirect") {
			direct[fields[0]] = i + 1
		}
	}
	return direct
}

// modulePath reads the module line of a go.mod.
func modulePath(mod []byte) string {
	for line := range strings.Lines(string(mod)) {
		if fields := strings.Fields(line); len(fields) == 2 && fields[0] == "module" {
			return fields[1]
		}
	}
	return ""
}
