package lint

import (
	"bytes"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// emptyNames say nothing about what is inside.
var emptyNames = []string{
	"base", "common", "helper", "helpers", "misc", "shared", "types", "util", "utils",
}

// refusedTexts belong to one machine, not to the project. They are written in
// two halves, so that this file does not hold them.
var refusedTexts = []string{
	"/wo" + "rk/", "/ro" + "ot/", "/ho" + "me/", "/Us" + "ers/",
	"proxy." + "golang.org", "GOPRO" + "XY=", "GONOSUM" + "DB=",
}

func checkPackageNames(t *Tree) []Finding {
	return eachFile(t, checkPackageName)
}

func checkPackageName(f *File) []Finding {
	name := strings.TrimSuffix(f.syntax.Name.Name, "_test")
	for _, n := range []string{name, path.Base(f.Dir)} {
		if slices.Contains(emptyNames, n) {
			return []Finding{f.finding(f.syntax.Package, "name it after the one noun it is about", "package called %q", n)}
		}
	}
	return nil
}

// checkTexts reads every file of the tree. Sums are left out: they are
// random letters, and machine written.
func checkTexts(t *Tree) []Finding {
	var found []Finding
	for _, p := range t.Paths {
		if path.Ext(p) == ".sum" {
			continue
		}
		text, err := t.read(p)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			found = append(found, Finding{p, 1, err.Error(), "make it readable"})
			continue
		}
		found = append(found, checkText(p, text)...)
	}
	return found
}

func checkText(name string, text []byte) []Finding {
	var found []Finding
	for _, refused := range refusedTexts {
		if i := bytes.Index(text, []byte(refused)); i >= 0 {
			line := 1 + bytes.Count(text[:i], []byte("\n"))
			found = append(found, Finding{name, line, "holds " + refused, "write a relative path, or leave the host out"})
		}
	}
	return sorted(found)
}
