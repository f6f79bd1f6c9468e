package lint

import (
	"slices"
	"testing"
)

func TestPackageNames(t *testing.T) {
	runCases(t, checkPackageNames, []ruleCase{
		{"one noun", "wal/a.go", "package wal\n", nil},
		{"by package", "internal/x/a.go", "package util\n", []string{"internal/x/a.go:1: package called \"util\""}},
		{"by directory", "internal/common/a.go", "package x\n", []string{"common"}},
		{"external test", "internal/x/a_test.go", "package types_test\n", []string{"types"}},
		{"name that holds one", "database/a.go", "package database\n", nil},
	})
}

func TestTextsRefused(t *testing.T) {
	for _, refused := range refusedTexts {
		text := []byte("first\nsecond: " + refused + "x\n")
		wantFindings(t, checkText("docs/a.md", text), []string{"docs/a.md:2: holds " + refused})
	}
	wantFindings(t, checkText("docs/a.md", []byte("go test work\n./wal\n")), nil)
	tree := snippet(map[string]string{"go.sum": refusedTexts[0], "b/testdata/x.golden": refusedTexts[0]})
	slices.Sort(tree.Paths)
	wantFindings(t, checkTexts(tree), []string{"b/testdata/x.golden:1"})
}
