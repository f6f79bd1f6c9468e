package counting

import (
	"testing"

	"github.com/varvekv/varve/vfs"
)

func TestKinds(t *testing.T) {
	for name, want := range map[string]Kind{
		"000001.log": Log, "000002.sst": Table, "000002.sst.tmp": Table, "MANIFEST-000003": Meta,
		"CURRENT": Meta, "CURRENT.tmp": Meta, "LOCK": Other, "README": Other, "": Other,
	} {
		if got := KindOf(name); got != want {
			t.Errorf("%q: %d, want %d", name, got, want)
		}
	}
}

// must fails the test on an error and hands the value through.
func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func TestWritesAreCountedByKind(t *testing.T) {
	fs := New(vfs.OS)
	dir, other := must[vfs.Dir](t)(fs.OpenDir(t.TempDir(), false)), must[vfs.Dir](t)(fs.OpenDir(t.TempDir(), false))
	defer dir.Close()
	defer other.Close()
	file := must[vfs.File](t)

	log := file(dir.Create("000001.log"))
	must[int](t)(log.WriteAt(make([]byte, 100), 0))
	must[int](t)(log.WriteAt(make([]byte, 100), 50)) // rewritten bytes count again
	if err := log.SyncData(); err != nil {
		t.Fatal(err)
	}
	log.Close()
	again := file(dir.OpenReadWrite("000001.log"))
	must[int](t)(again.WriteAt(make([]byte, 7), 0))
	again.Close()
	table := file(other.Create("000002.sst"))
	must[int](t)(table.WriteAt(make([]byte, 3), 0))
	if err := table.Sync(); err != nil {
		t.Fatal(err)
	}
	table.Close()

	for k, want := range map[Kind]int64{Log: 207, Table: 3, Meta: 0, Other: 0} {
		if got := fs.Written(k); got != want {
			t.Errorf("kind %d: %d bytes, want %d", k, got, want)
		}
	}
	if fs.Syncs(Log) != 1 || fs.Syncs(Table) != 1 {
		t.Errorf("%d and %d syncs, want one each", fs.Syncs(Log), fs.Syncs(Table))
	}
}

// The inner file system knows its own directories only.
func TestLinkBetweenCountedDirectories(t *testing.T) {
	fs := New(vfs.OS)
	a, b := must[vfs.Dir](t)(fs.OpenDir(t.TempDir(), false)), must[vfs.Dir](t)(fs.OpenDir(t.TempDir(), false))
	defer a.Close()
	defer b.Close()
	must[vfs.File](t)(a.Create("000001.sst")).Close()
	if err := a.Link("000001.sst", b, "000009.sst"); err != nil {
		t.Fatal(err)
	}
	if names := must[[]string](t)(b.List()); len(names) != 1 || names[0] != "000009.sst" {
		t.Fatal(names)
	}
	must[vfs.File](t)(b.Open("000009.sst")).Close()
}

func TestReadsAreCountedByKind(t *testing.T) {
	fs := New(vfs.OS)
	dir := must[vfs.Dir](t)(fs.OpenDir(t.TempDir(), false))
	defer dir.Close()
	table := must[vfs.File](t)(dir.Create("000002.sst"))
	must[int](t)(table.WriteAt(make([]byte, 100), 0))
	must[int](t)(table.ReadAt(make([]byte, 10), 5))
	table.Close()
	for _, open := range []func(string) (vfs.File, error){dir.Open, dir.OpenReadWrite} {
		f := must[vfs.File](t)(open("000002.sst"))
		must[int](t)(f.ReadAt(make([]byte, 30), 0))
		if n, err := f.ReadAt(make([]byte, 30), 90); n != 10 || err == nil {
			t.Errorf("read %d bytes over the end, %v", n, err)
		}
		f.Close()
	}
	if got := fs.Read(Table); got != 90 {
		t.Errorf("%d bytes read, want 90", got)
	}
	if fs.Read(Log) != 0 || fs.Written(Table) != 100 {
		t.Errorf("%d bytes of logs read, %d of tables written", fs.Read(Log), fs.Written(Table))
	}
}
