package lint

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestParsesReportsBrokenSource(t *testing.T) {
	tree := snippet(map[string]string{"a.go": "package a\nfunc {"})
	wantFindings(t, checkParses(tree), []string{"a.go:1: "})
	wantFindings(t, checkParses(snippet(map[string]string{"a.go": "package a\n"})), nil)
}

func TestLoadSkipsIgnoredAndTestdata(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		".gitignore":            "*.out\n/data/\n",
		"go.mod":                "module " + rootModule + "\n",
		"a.go":                  "package varve\n",
		"trace.out":             "x",
		"data/b.go":             "package b\n",
		"wal/data/c.go":         "package data\n",
		"wal/testdata/d.go":     "not even Go",
		".git/e.go":             "not even Go",
		"worktree/.git":         "gitdir: elsewhere\n",
		".ci/f.go":              "package main\n",
		"bench/deep/g_linux.go": "//go:build plan9\n\npackage deep\n",
	} {
		p := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	found, err := FindRoot(filepath.Join(dir, "bench", "deep"))
	if err != nil || found != dir {
		t.Fatalf("FindRoot = %q, %v; want %q", found, err, dir)
	}
	tree, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	var sources []string
	for _, f := range tree.Files {
		sources = append(sources, f.Path)
	}
	if want := []string{"a.go", "bench/deep/g_linux.go", "wal/data/c.go"}; !slices.Equal(sources, want) {
		t.Errorf("sources %q, want %q", sources, want)
	}
	wantPaths := []string{".ci/f.go", ".gitignore", "a.go", "bench/deep/g_linux.go", "go.mod", "wal/data/c.go", "wal/testdata/d.go"}
	if !slices.Equal(tree.Paths, wantPaths) {
		t.Errorf("paths %q, want %q", tree.Paths, wantPaths)
	}
	wantFindings(t, checkParses(tree), nil)
}

func TestFindRootRefusesForeignModule(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module example.com/other\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if found, err := FindRoot(dir); err == nil {
		t.Fatalf("found %q", found)
	}
}
