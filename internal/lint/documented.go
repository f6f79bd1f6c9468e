package lint

import (
	"go/ast"
	"go/token"
	"slices"
	"strings"
	"unicode"
)

// selfExplaining are methods whose contract is the standard library's.
var selfExplaining = map[string]bool{"Error": true, "String": true, "Unwrap": true}

const document = "say what it is: shapes, units, errors, lifetimes"

// checkDocumented wants a comment on every exported name of the non-test
// sources, internal packages included, and one comment on every package.
func checkDocumented(t *Tree) []Finding {
	return append(checkPackageComments(t), eachFile(t, checkExported)...)
}

func checkPackageComments(t *Tree) []Finding {
	first := make(map[string]*File)
	described := make(map[string]bool)
	for _, f := range t.Files {
		if f.Test {
			continue
		}
		if first[f.Dir] == nil {
			first[f.Dir] = f
		}
		if f.syntax.Doc != nil {
			described[f.Dir] = true
		}
	}
	var found []Finding
	for dir, f := range first {
		if !described[dir] {
			found = append(found, f.finding(f.syntax.Package, "write what it is, what it promises, what it never does", "package %s has no package comment", f.syntax.Name.Name))
		}
	}
	return sorted(found)
}

func checkExported(f *File) []Finding {
	if f.Test || f.syntax.Name.Name == "main" {
		return nil
	}
	var found []Finding
	for _, d := range f.syntax.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			found = append(found, f.checkFunc(d)...)
		case *ast.GenDecl:
			found = append(found, f.checkGroup(d)...)
		}
	}
	return found
}

func (f *File) checkFunc(fn *ast.FuncDecl) []Finding {
	name := fn.Name.Name
	if !fn.Name.IsExported() || fn.Doc != nil {
		return nil
	}
	if fn.Recv != nil {
		if owner, _ := receiver(fn); !ast.IsExported(owner) || selfExplaining[name] {
			return nil
		}
	}
	return []Finding{f.finding(fn.Pos(), document, "exported %s has no comment", funcName(fn))}
}

// checkGroup takes the comment of a group of constants or variables for each
// of its members; types speak for themselves.
func (f *File) checkGroup(d *ast.GenDecl) []Finding {
	var found []Finding
	for _, spec := range d.Specs {
		switch s := spec.(type) {
		case *ast.ValueSpec:
			if name := firstExported(s.Names); name != nil && d.Doc == nil && s.Doc == nil && s.Comment == nil {
				found = append(found, f.finding(s.Pos(), document, "exported %s %s has no comment", d.Tok, name.Name))
			}
		case *ast.TypeSpec:
			found = append(found, f.checkType(d, s)...)
		}
	}
	return found
}

func (f *File) checkType(d *ast.GenDecl, s *ast.TypeSpec) []Finding {
	if !s.Name.IsExported() {
		return nil
	}
	var found []Finding
	alone := d.Lparen == token.NoPos && d.Doc != nil
	if !alone && s.Doc == nil && s.Comment == nil {
		found = append(found, f.finding(s.Pos(), document, "exported type %s has no comment", s.Name.Name))
	}
	if body, ok := s.Type.(*ast.StructType); ok && strings.HasSuffix(s.Name.Name, "Options") {
		found = append(found, f.checkOptions(s.Name.Name, body)...)
	}
	return found
}

// checkOptions lets one comment speak for several fields that stand under it,
// where it names them: "Clock and Random are injected by tests".
func (f *File) checkOptions(owner string, body *ast.StructType) []Finding {
	var found []Finding
	said := ""
	for _, field := range body.Fields.List {
		if field.Doc != nil || field.Comment != nil {
			said = field.Doc.Text() + field.Comment.Text()
			continue
		}
		if name := firstExported(field.Names); name != nil && !slices.Contains(strings.FieldsFunc(said, notInName), name.Name) {
			found = append(found, f.finding(field.Pos(), "say its effect, its trade-off and its default", "option %s.%s has no comment", owner, name.Name))
		}
	}
	return found
}

func notInName(r rune) bool {
	return !unicode.IsLetter(r) && !unicode.IsDigit(r)
}

func firstExported(names []*ast.Ident) *ast.Ident {
	for _, n := range names {
		if n.IsExported() {
			return n
		}
	}
	return nil
}
