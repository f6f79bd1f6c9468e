package lint

import "testing"

func TestPanics(t *testing.T) {
	in := func(body string) string { return "package p\n\nfunc f() {\n" + body + "}\n" }
	runCases(t, checkPanics, []ruleCase{
		{"bare", "wal/a.go", in("\tpanic(1)\n"), []string{"wal/a.go:4: panic: return an error"}},
		{"excused", "wal/a.go", in("\tpanic(1) // bug: the switch above has every kind\n"), nil},
		{"excused without a reason", "wal/a.go", in("\tpanic(1) // bug:\n"), []string{"wal/a.go:4"}},
		{"other comment", "wal/a.go", in("\tpanic(1) // cannot happen\n"), []string{"wal/a.go:4"}},
		{"mark on another line", "wal/a.go", in("\t// bug: below\n\tpanic(1)\n"), []string{"wal/a.go:5"}},
		{"over several lines", "wal/a.go", in("\tpanic(\n\t\t1,\n\t) // bug: ours\n"), nil},
		{"two", "a.go", in("\tpanic(1)\n\tpanic(2) // bug: ours\n\tpanic(3)\n"), []string{"a.go:4", "a.go:6"}},
		{"not the builtin", "a.go", in("\tpanic := func() {}\n\tpanic()\n"), nil},
		{"invariants", "internal/invariants/check.go", in("\tpanic(1)\n"), nil},
		{"test", "wal/a_test.go", in("\tpanic(1)\n"), nil},
		{"program", "bench/main.go", in("\tpanic(1)\n"), nil},
	})
}
