package lint

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
)

// rootModule is the path of the module that the rules speak about. Modules
// nested in the tree carry its path followed by their directory.
const rootModule = "github.com/varvekv/varve"

// A Tree is the repository as the rules see it.
type Tree struct {
	Paths []string // every file that git would track, slash-separated
	Files []*File  // the Go sources among them, outside testdata

	read   func(name string) ([]byte, error)
	broken []Finding // sources that do not parse
}

// A File is one parsed Go source.
type File struct {
	Path  string // relative to the root, slash-separated
	Dir   string // directory of Path; "." for the root package
	Lines int    // newlines, and a last line without one
	Test  bool   // name ends in _test.go

	syntax *ast.File
	set    *token.FileSet
}

// FindRoot walks up from dir to the directory that holds the root module.
func FindRoot(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	for {
		mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && modulePath(mod) == rootModule {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", fmt.Errorf("lint: no go.mod of %s above the test", rootModule)
		}
		dir = up
	}
}

// Load reads the tree below root. Files that vanish meanwhile are left out.
func Load(root string) (*Tree, error) {
	t := &Tree{read: func(name string) ([]byte, error) {
		return os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
	}}
	ignore, err := t.read(".gitignore")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if t.Paths, err = listFiles(root, parseIgnore(ignore)); err != nil {
		return nil, err
	}
	for _, p := range t.Paths {
		if !isGoSource(p) {
			continue
		}
		src, err := t.read(p)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		t.add(p, src)
	}
	return t, nil
}

// add parses one source; one that does not parse becomes a finding.
func (t *Tree) add(name string, src []byte) {
	f, err := parseFile(name, src)
	if err != nil {
		t.broken = append(t.broken, Finding{name, 1, err.Error(), "mend the syntax"})
		return
	}
	t.Files = append(t.Files, f)
}

func parseFile(name string, src []byte) (*File, error) {
	set := token.NewFileSet()
	syntax, err := parser.ParseFile(set, name, src, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	return &File{
		Path:   name,
		Dir:    path.Dir(name),
		Lines:  countLines(src),
		Test:   strings.HasSuffix(name, "_test.go"),
		syntax: syntax,
		set:    set,
	}, nil
}

func countLines(src []byte) int {
	n := bytes.Count(src, []byte("\n"))
	if len(src) > 0 && src[len(src)-1] != '\n' {
		n++
	}
	return n
}

// line is where a node begins.
func (f *File) line(pos token.Pos) int {
	return f.set.Position(pos).Line
}

func (f *File) finding(pos token.Pos, do, format string, args ...any) Finding {
	return Finding{f.Path, f.line(pos), fmt.Sprintf(format, args...), do}
}

// imports gives the file's import paths and their declarations.
func (f *File) imports() map[string]*ast.ImportSpec {
	m := make(map[string]*ast.ImportSpec, len(f.syntax.Imports))
	for _, s := range f.syntax.Imports {
		if p, err := strconv.Unquote(s.Path.Value); err == nil {
			m[p] = s
		}
	}
	return m
}

// isGoSource leaves out what the go command does not build either.
func isGoSource(name string) bool {
	if path.Ext(name) != ".go" {
		return false
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == "testdata" || part[0] == '.' || part[0] == '_' {
			return false
		}
	}
	return true
}

// listFiles walks the directory rather than asking git: the rules then hold
// in an unpacked archive too, and the go command's test cache, which follows
// the directories a test reads, notices a new file.
func listFiles(root string, ignored func(name string, dir bool) bool) ([]string, error) {
	var names []string
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		name := filepath.ToSlash(rel)
		switch {
		case d.IsDir() && (d.Name() == ".git" || ignored(name, true)):
			return filepath.SkipDir
		case d.Name() == ".git": // a file that names a directory elsewhere: this is a worktree
		case d.Type().IsRegular() && !ignored(name, false):
			names = append(names, name)
		}
		return nil
	})
	return names, err
}

// parseIgnore understands the part of .gitignore that this repository uses:
// name patterns at any depth, "/path" from the root, "path/" for directories.
func parseIgnore(text []byte) func(name string, dir bool) bool {
	var patterns []string
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			patterns = append(patterns, line)
		}
	}
	return func(name string, dir bool) bool {
		for _, p := range patterns {
			bare, onlyDir := strings.CutSuffix(p, "/")
			rooted, isRooted := strings.CutPrefix(bare, "/")
			if onlyDir && !dir {
				continue
			}
			subject := path.Base(name)
			if isRooted {
				subject = name
			}
			if ok, err := path.Match(rooted, subject); err == nil && ok {
				return true
			}
		}
		return false
	}
}
