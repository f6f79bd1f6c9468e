package lint

import (
	"strings"
	"testing"
)

func TestDoors(t *testing.T) {
	imports := func(importPath string) string {
		return "package p\n\nimport _ \"" + importPath + "\"\n"
	}
	runCases(t, checkDoors, []ruleCase{
		{"through the door", "memtable/a.go", imports("github.com/google/btree"), nil},
		{"package below the module", "internal/codec/a.go", imports("github.com/klauspost/compress/s2"), nil},
		{"second door", "internal/offheap/a_windows.go", imports("golang.org/x/sys/windows"), nil},
		{"beside the door", "sstable/a.go", imports("github.com/klauspost/compress/zstd"), []string{"sstable/a.go:3: imports github.com/klauspost/compress/zstd beside its door: go through internal/codec"}},
		{"beside the door in a test", "wal/a_test.go", imports("github.com/google/btree"), []string{"go through memtable"}},
		{"name that only begins alike", "memtable/a.go", imports("github.com/google/btree2"), []string{"does not depend on"}},
		{"unknown module", "db.go", imports("go.uber.org/goleak"), []string{"db.go:3: imports go.uber.org/goleak, which the root module does not depend on"}},
		{"unknown module in lint", "internal/lint/a.go", imports("golang.org/x/tools/go/packages"), []string{"does not depend on"}},
		{"nested module", "tests/a_test.go", imports("go.uber.org/goleak"), nil},
	})
}

func TestRequirements(t *testing.T) {
	const all = `module github.com/varvekv/varve

require (
	github.com/bits-and-blooms/bloom/v3 v3.7.0
	github.com/google/btree v1.1.3
	github.com/klauspost/compress v1.18.0
	golang.org/x/sys v0.35.0
)

require github.com/klauspost/crc32 v1.3.0

require github.com/bits-and-blooms/bitset v1.10.0 // indirect
`
	for _, c := range []struct {
		name, mod string
		want      []string
	}{
		{"exactly the five", all, nil},
		{"one more", strings.Replace(all, " // indirect", "", 1), []string{"go.mod:12: requires github.com/bits-and-blooms/bitset directly"}},
		{"one less", strings.Replace(all, "\tgolang.org/x/sys v0.35.0\n", "", 1), []string{"go.mod:1: does not require golang.org/x/sys directly"}},
		{"one only indirect", strings.Replace(all, "btree v1.1.3", "btree v1.1.3 // indirect", 1), []string{"does not require github.com/google/btree"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantFindings(t, checkRequirements(snippet(map[string]string{"go.mod": c.mod})), c.want)
		})
	}
	wantFindings(t, checkRequirements(snippet(nil)), []string{"is missing"})
}
