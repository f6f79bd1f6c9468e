// Package lint holds the rules of the house that a compiler does not know:
// which room stands on which floor, through which door a third-party package
// comes in, how long a file may be, what must be documented, and where the
// clock, chance and the operating system may be touched.
//
// It reads sources with go/parser, runs nothing, and never changes a file but
// its own ratchet. `go test ./internal/lint` applies every rule to the root
// module and to the modules nested in it, whatever their build constraints.
//
// Each rule keeps its table at the top of its file: floors.go has the rooms,
// doors.go the third-party packages, seams.go the places where time, chance
// and the system come in, sizes.go the limits. A new room or seam is a line
// in one of these tables, with its reason.
//
// # The ratchet
//
// testdata/sizes.txt lists the files and functions that are over their limit,
// with today's size. The test fails when one grows, when a new one appears,
// and when one has shrunk, so that its line must be tightened:
//
//	go test ./internal/lint -run TestSizesRatchet -rewrite
//
// lowers and removes lines, and never adds or raises one. Only where the file
// does not exist yet does the same command write all of today's exceptions.
package lint

import (
	"cmp"
	"fmt"
	"slices"
)

// A Finding is one place that breaks one rule.
type Finding struct {
	Path string // slash-separated, relative to the root of the repository
	Line int    // counted from 1
	What string // what is wrong there
	Do   string // what to do about it
}

// String gives the finding as file:line, so that editors can jump to it.
func (f Finding) String() string {
	return fmt.Sprintf("%s:%d: %s: %s", f.Path, f.Line, f.What, f.Do)
}

// A Rule is one rule of the house, as a function of the whole tree.
type Rule struct {
	Name  string
	Check func(*Tree) []Finding
}

// Rules are all rules but the ratchet of sizes, which needs its file.
var Rules = []Rule{
	{"parses", checkParses},
	{"floors", checkFloors},
	{"doors", checkDoors},
	{"requirements", checkRequirements},
	{"documented", checkDocumented},
	{"seams", checkSeams},
	{"panics", checkPanics},
	{"package names", checkPackageNames},
	{"texts", checkTexts},
}

func checkParses(t *Tree) []Finding {
	return t.broken
}

// eachFile applies a rule that judges one file at a time.
func eachFile(t *Tree, check func(*File) []Finding) []Finding {
	var found []Finding
	for _, f := range t.Files {
		found = append(found, check(f)...)
	}
	return found
}

// sorted orders findings by place, so that two runs print the same text.
func sorted(found []Finding) []Finding {
	slices.SortStableFunc(found, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Line, b.Line))
	})
	return found
}
