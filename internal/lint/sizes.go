package lint

import (
	"cmp"
	"fmt"
	"go/ast"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// limits in lines. Functions of tests are not measured: a long table is not a
// long thought.
var limits = map[string]int{
	"file": 400, // about 150 is usual
	"func": 70,  // about 10 is usual
	"test": 800, // a whole _test.go file
}

// ratchetPath is where the exceptions stand, relative to the root.
const ratchetPath = "internal/lint/testdata/sizes.txt"

const ratchetHead = `# Files and functions over their limit, with today's size in lines.
# Lines are only lowered or removed: go test ./internal/lint -run TestSizesRatchet -rewrite
`

// A subject is a file, a test file or a function that has a size.
type subject struct {
	kind string // a key of limits
	path string
	name string // of a function, with its receiver; else ""
}

// A size is how long a subject is and where it begins.
type size struct {
	lines int
	line  int // in the source, or in the ratchet file
}

// oversized measures the tree and keeps what is over its limit.
func oversized(t *Tree) map[subject]size {
	over := make(map[subject]size)
	keep := func(s subject, z size) {
		if z.lines > limits[s.kind] && z.lines > over[s].lines {
			over[s] = z
		}
	}
	for _, f := range t.Files {
		if f.Test {
			keep(subject{"test", f.Path, ""}, size{f.Lines, 1})
			continue
		}
		keep(subject{"file", f.Path, ""}, size{f.Lines, 1})
		for _, d := range f.syntax.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok {
				from, to := f.line(fn.Pos()), f.line(fn.End())
				keep(subject{"func", f.Path, funcName(fn)}, size{to - from + 1, from})
			}
		}
	}
	return over
}

// funcName writes a method as (*T).Name, without type parameters or spaces.
func funcName(fn *ast.FuncDecl) string {
	if fn.Recv == nil || len(fn.Recv.List) == 0 {
		return fn.Name.Name
	}
	name, pointer := receiver(fn)
	if pointer {
		name = "*" + name
	}
	return "(" + name + ")." + fn.Name.Name
}

// receiver gives the name of a method's type.
func receiver(fn *ast.FuncDecl) (name string, pointer bool) {
	x := fn.Recv.List[0].Type
	for {
		switch e := x.(type) {
		case *ast.StarExpr:
			x, pointer = e.X, true
		case *ast.ParenExpr:
			x = e.X
		case *ast.IndexExpr:
			x = e.X
		case *ast.IndexListExpr:
			x = e.X
		case *ast.Ident:
			return e.Name, pointer
		default:
			return "?", pointer
		}
	}
}

// compareSizes holds today's sizes against the ratchet.
func compareSizes(ratchet, today map[subject]size) []Finding {
	const rewrite = "go test ./internal/lint -run TestSizesRatchet -rewrite"
	var found []Finding
	for s, now := range today {
		old, listed := ratchet[s]
		switch {
		case !listed:
			found = append(found, Finding{s.path, now.line, fmt.Sprintf("%s has %d lines, the limit is %d", s, now.lines, limits[s.kind]), "split it by its nouns or its steps"})
		case now.lines > old.lines:
			found = append(found, Finding{s.path, now.line, fmt.Sprintf("%s grew from %d to %d lines over its limit of %d", s, old.lines, now.lines, limits[s.kind]), "make it shorter, it may only shrink"})
		case now.lines < old.lines:
			found = append(found, Finding{ratchetPath, old.line, fmt.Sprintf("%s has shrunk from %d to %d lines", s, old.lines, now.lines), "tighten its line: " + rewrite})
		}
	}
	for s, old := range ratchet {
		if _, over := today[s]; !over {
			found = append(found, Finding{ratchetPath, old.line, fmt.Sprintf("%s is within its limit, or gone", s), "remove its line: " + rewrite})
		}
	}
	return sorted(found)
}

// tighten gives the ratchet that -rewrite writes: never a new line, never a
// greater number.
func tighten(ratchet, today map[subject]size) map[subject]size {
	tight := make(map[subject]size)
	for s, old := range ratchet {
		if now, over := today[s]; over {
			tight[s] = size{lines: min(old.lines, now.lines)}
		}
	}
	return tight
}

// String names the subject as a reader would look for it.
func (s subject) String() string {
	switch s.kind {
	case "func":
		return "function " + s.name
	case "test":
		return "test file " + s.path
	}
	return "file " + s.path
}

// formatRatchet writes one line per exception: kind, lines, path, function.
func formatRatchet(ratchet map[subject]size) string {
	subjects := slices.SortedFunc(maps.Keys(ratchet), func(a, b subject) int {
		return cmp.Or(cmp.Compare(a.path, b.path), cmp.Compare(a.kind, b.kind), cmp.Compare(a.name, b.name))
	})
	var b strings.Builder
	b.WriteString(ratchetHead)
	for _, s := range subjects {
		b.WriteString(strings.TrimSpace(fmt.Sprintf("%s %d %s %s", s.kind, ratchet[s].lines, s.path, s.name)) + "\n")
	}
	return b.String()
}

// parseRatchet reads what formatRatchet wrote.
func parseRatchet(text string) (map[subject]size, error) {
	ratchet := make(map[subject]size)
	for i, line := range strings.Split(text, "\n") {
		fields := strings.Fields(line)
		if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		if len(fields) < 3 || len(fields) > 4 || limits[fields[0]] == 0 {
			return nil, fmt.Errorf("%s:%d: want `kind lines path [function]`", ratchetPath, i+1)
		}
		n, err := strconv.Atoi(fields[1])
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", ratchetPath, i+1, err)
		}
		s := subject{kind: fields[0], path: fields[2]}
		if len(fields) == 4 {
			s.name = fields[3]
		}
		ratchet[s] = size{n, i + 1}
	}
	return ratchet, nil
}
