package lint

import (
	"go/ast"
	"strings"
)

// panicMark begins the comment that allows a panic, on its own line:
//
//	panic("unreachable kind") // bug: the switch above has every kind
//
// What follows it says why only a mistake of ours can get there. Bytes from
// disk and arguments of callers never may: those are errors.
const panicMark = "// bug:"

func checkPanics(t *Tree) []Finding {
	return eachFile(t, checkPanic)
}

func checkPanic(f *File) []Finding {
	if f.Test || f.Dir == "internal/invariants" || isNestedModule(f.Dir) {
		return nil
	}
	excused := f.excusedLines()
	var found []Finding
	ast.Inspect(f.syntax, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		fn, ok := call.Fun.(*ast.Ident)
		if !ok || fn.Name != "panic" || fn.Obj != nil {
			return true
		}
		if !excused[f.line(call.Pos())] && !excused[f.line(call.End())] {
			found = append(found, f.finding(call.Pos(), "return an error, use invariants.Check, or say on the line why only our own mistake gets here: `"+panicMark+" …`", "panic"))
		}
		return true
	})
	return found
}

// excusedLines are the lines with a mark that gives a reason.
func (f *File) excusedLines() map[int]bool {
	lines := make(map[int]bool)
	for _, group := range f.syntax.Comments {
		for _, c := range group.List {
			if why, ok := strings.CutPrefix(c.Text, panicMark); ok && strings.TrimSpace(why) != "" {
				lines[f.line(c.Pos())] = true
			}
		}
	}
	return lines
}
