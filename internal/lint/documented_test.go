package lint

import "testing"

func TestDocumented(t *testing.T) {
	const head = "// Package p is a room.\npackage p\n\n"
	in := func(body string) string { return head + body }
	runCases(t, checkDocumented, []ruleCase{
		{"package comment", "a.go", "package p\n", []string{"a.go:1: package p has no package comment"}},
		{"tests need none", "a_test.go", "package p\n\nfunc TestX() {}\n", nil},
		{"func", "a.go", in("func Open() {}\n"), []string{"a.go:4: exported Open has no comment"}},
		{"func with comment", "a.go", in("// Open opens.\nfunc Open() {}\n"), nil},
		{"unexported", "a.go", in("func open() {}\n\ntype t struct{}\n\nfunc (t) Open() {}\n"), nil},
		{"method", "a.go", in("type t struct{}\n\n// T is.\ntype T[K any] struct{}\n\nfunc (x *T[K]) Close() {}\n"), []string{"exported (*T).Close has no comment"}},
		{"error and string", "a.go", in("// T is.\ntype T struct{}\n\nfunc (T) Error() string { return \"\" }\n\nfunc (T) String() string { return \"\" }\n"), nil},
		{"function called String", "a.go", in("func String() {}\n"), []string{"exported String"}},
		{"type", "a.go", in("type T int\n"), []string{"exported type T has no comment"}},
		{"group of types", "a.go", in("// Both are.\ntype (\n\tA int\n\tB int // B is.\n)\n"), []string{"a.go:6: exported type A"}},
		{"group of constants", "a.go", in("// Kinds.\nconst (\n\tA = 1\n\tB = 2\n)\n"), nil},
		{"bare constants", "a.go", in("const (\n\tA = 1\n\tB = 2 // two\n\n\t// C is.\n\tC = 3\n\td = 4\n)\n"), []string{"a.go:5: exported const A"}},
		{"var", "a.go", in("var x, Err error\n"), []string{"exported var Err"}},
		{"options", "a.go", in("// Options are.\ntype Options struct {\n\tSize, Count int\n\tFS int // files\n\n\t// Clock is.\n\tClock int\n\tinner int\n}\n"), []string{"a.go:6: option Options.Size has no comment"}},
		{"options under one comment", "a.go", in("// Options are.\ntype Options struct {\n\t// Clock, Random are injected.\n\tClock int\n\tRandom int\n\tRand int\n}\n"), []string{"a.go:9: option Options.Rand "}},
		{"other options", "a.go", in("// IterOptions are.\ntype IterOptions struct {\n\tLower []byte\n}\n"), []string{"option IterOptions.Lower"}},
		{"other struct", "a.go", in("// T is.\ntype T struct {\n\tSize int\n}\n"), nil},
		{"program", "cmd/varve/main.go", "// Varve is a command.\npackage main\n\nfunc Run() {}\n", nil},
	})
}
