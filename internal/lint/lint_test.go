package lint

import (
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "tighten the ratchet of sizes; write it where there is none yet")

// TestTree holds every rule against the repository.
func TestTree(t *testing.T) {
	tree := loadTree(t)
	if len(tree.Files) < 10 {
		t.Fatalf("found only %d Go files: the rules would pass without looking", len(tree.Files))
	}
	for _, rule := range Rules {
		t.Run(rule.Name, func(t *testing.T) { report(t, rule.Check(tree)) })
	}
}

// TestSizesRatchet holds files and functions to their limits, but for the
// exceptions of testdata/sizes.txt, which may only shrink.
func TestSizesRatchet(t *testing.T) {
	tree := loadTree(t)
	today := oversized(tree)
	text, err := tree.read(ratchetPath)
	missing := errors.Is(err, fs.ErrNotExist)
	if err != nil && !missing {
		t.Fatal(err)
	}
	ratchet, err := parseRatchet(string(text))
	if err != nil {
		t.Fatal(err)
	}
	if *rewrite {
		if missing {
			ratchet = today
		}
		writeRatchet(t, tighten(ratchet, today))
		if ratchet, err = parseRatchet(formatRatchet(tighten(ratchet, today))); err != nil {
			t.Fatal(err)
		}
	}
	report(t, compareSizes(ratchet, today))
}

func loadTree(t *testing.T) *Tree {
	t.Helper()
	tree, err := Load(root(t))
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

func root(t *testing.T) string {
	t.Helper()
	dir, err := FindRoot(".")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func writeRatchet(t *testing.T, ratchet map[subject]size) {
	t.Helper()
	name := filepath.Join(root(t), filepath.FromSlash(ratchetPath))
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(formatRatchet(ratchet)), 0o644); err != nil {
		t.Fatal(err)
	}
}

func report(t *testing.T, found []Finding) {
	t.Helper()
	for _, f := range found {
		t.Error(f)
	}
}

// snippet is a tree of sources held in memory, for the tests of the rules.
func snippet(files map[string]string) *Tree {
	t := &Tree{read: func(name string) ([]byte, error) {
		text, ok := files[name]
		if !ok {
			return nil, fs.ErrNotExist
		}
		return []byte(text), nil
	}}
	for name, text := range files {
		t.Paths = append(t.Paths, name)
		if isGoSource(name) {
			t.add(name, []byte(text))
		}
	}
	return t
}

// A ruleCase is one source and the findings it must give: each wanted string
// is a part of the finding in the same place; none wanted means it is clean.
type ruleCase struct {
	name string
	path string
	src  string
	want []string
}

func runCases(t *testing.T, check func(*Tree) []Finding, cases []ruleCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			tree := snippet(map[string]string{c.path: c.src})
			if len(tree.broken) > 0 {
				t.Fatal("the snippet does not parse:", tree.broken)
			}
			wantFindings(t, check(tree), c.want)
		})
	}
}

func wantFindings(t *testing.T, got []Finding, want []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("got %d findings %v, want %d: %q", len(got), got, len(want), want)
	}
	for i, f := range got {
		if !strings.Contains(f.String(), want[i]) {
			t.Errorf("finding %d is %q, want a part %q", i, f, want[i])
		}
		if f.Do == "" || f.Line < 1 || f.Path == "" {
			t.Errorf("finding %q does not say where and what to do", f)
		}
	}
}
