package lint

import "testing"

func TestFloors(t *testing.T) {
	imports := func(pkg, importPath string) string {
		return "package " + pkg + "\n\nimport _ \"" + importPath + "\"\n"
	}
	runCases(t, checkFloors, []ruleCase{
		{"down", "wal/a.go", imports("wal", rootModule+"/internal/recordio"), nil},
		{"standard library", "wal/a.go", imports("wal", "fmt"), nil},
		{"root over all", "db.go", imports("varve", rootModule+"/compaction"), nil},
		{"own package, external test", "wal/a_test.go", imports("wal_test", rootModule+"/wal"), nil},
		{"up", "internal/cache/a.go", imports("cache", rootModule+"/sstable"), []string{"internal/cache/a.go:3: imports github.com/varvekv/varve/sstable: internal/cache (floor 1) looks up at sstable (floor 2)"}},
		{"up to the root", "wal/a.go", imports("wal", rootModule), []string{"looks up at . (floor 4)"}},
		{"up in a test", "vfs/a_test.go", imports("vfs", rootModule+"/wal"), []string{"vfs/a_test.go:3"}},
		{"siblings", "manifest/a.go", imports("manifest", rootModule+"/sstable"), []string{"manifest and sstable are siblings on floor 2"}},
		{"siblings on floor 1", "iterator/a.go", imports("iterator", rootModule+"/internal/cache"), []string{"siblings on floor 1"}},
		{"state above wal", "wal/state/a.go", imports("state", rootModule+"/wal"), nil},
		{"wal not above state", "wal/a.go", imports("wal", rootModule+"/wal/state"), []string{"siblings"}},
		{"state beside memtable", "wal/state/a.go", imports("state", rootModule+"/memtable"), []string{"siblings"}},
		{"brick", "vfs/a.go", imports("vfs", rootModule+"/internal/corruption"), nil},
		{"no brick", "vfs/a.go", imports("vfs", rootModule+"/internal/codec"), []string{"siblings on floor 0"}},
		{"brick on nothing", "internal/crc/a.go", imports("crc", rootModule+"/internal/hash"), []string{"a brick imports no other room"}},
		{"bench public", "bench/ycsb/a.go", imports("ycsb", rootModule), nil},
		{"bench itself", "bench/main.go", imports("main", rootModule+"/bench/ycsb"), nil},
		{"cmd format", "cmd/varve/main.go", imports("main", rootModule+"/manifest"), nil},
		{"tests inside", "tests/a_test.go", imports("tests", rootModule+"/memtable"), []string{"tests may use the public packages"}},
		{"into floor 5", "db.go", imports("varve", rootModule+"/tests"), []string{"looks up at tests"}},
		{"unknown room", "kitchen/a.go", "package kitchen\n", []string{"kitchen/a.go:1: package directory kitchen stands on no floor: give it a floor in the table `rooms`"}},
		{"unknown import", "wal/a.go", imports("wal", rootModule+"/kitchen"), []string{"kitchen, which stands on no floor"}},
	})
}

func TestRoomsHaveOneLineEach(t *testing.T) {
	seen := make(map[string]bool)
	for _, r := range rooms {
		if seen[r.dir] {
			t.Errorf("%s stands on two floors", r.dir)
		}
		seen[r.dir] = true
	}
}
