package tests

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/varvekv/varve/vfs"
)

// A folder is one directory of a file system, for tests that look into its
// files or harm them. What goes wrong in that ends the test.
type folder struct {
	t   fataler
	fs  vfs.FS
	dir string
}

func (f folder) must(what string, err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatalf("%s in %s: %v", what, f.dir, err)
	}
}

// in opens the directory for one use of it.
func (f folder) in(use func(vfs.Dir)) {
	f.t.Helper()
	d, err := f.fs.OpenDir(f.dir, true)
	f.must("open", err)
	use(d)
	f.must("close", d.Close())
}

func (f folder) names() (names []string) {
	f.t.Helper()
	f.in(func(d vfs.Dir) {
		var err error
		names, err = d.List()
		f.must("list", err)
	})
	return names
}

// of is the names that end or begin like a kind of file, oldest first.
func (f folder) of(kind string) []string {
	f.t.Helper()
	return slices.DeleteFunc(f.names(), func(name string) bool { return kindOf(name) != kind })
}

// kinds are the four kinds of file whose bytes matter.
var kinds = []string{"table", "log", "manifest", "current"}

func kindOf(name string) string {
	switch {
	case strings.HasSuffix(name, ".sst"):
		return "table"
	case strings.HasSuffix(name, ".log"):
		return "log"
	case strings.HasPrefix(name, "MANIFEST-") && !strings.Contains(name, "."):
		return "manifest"
	case name == "CURRENT":
		return "current"
	}
	return "other"
}

func (f folder) read(name string) (data []byte) {
	f.t.Helper()
	f.in(func(d vfs.Dir) {
		file, err := d.Open(name)
		f.must("open "+name, err)
		size, err := file.Size()
		f.must("size of "+name, err)
		data = make([]byte, size)
		_, err = io.ReadFull(io.NewSectionReader(file, 0, size), data)
		f.must("read "+name, err)
		f.must("close "+name, file.Close())
	})
	return data
}

// write makes name hold data, whether it was there or not.
func (f folder) write(name string, data []byte) {
	f.t.Helper()
	f.in(func(d vfs.Dir) {
		file, err := d.OpenReadWrite(name)
		if err != nil {
			file, err = d.Create(name)
		}
		f.must("create "+name, err)
		f.must("truncate "+name, file.Truncate(0))
		_, err = file.WriteAt(data, 0)
		f.must("write "+name, err)
		f.must("close "+name, file.Close())
	})
}

func (f folder) remove(name string) {
	f.t.Helper()
	f.in(func(d vfs.Dir) { f.must("remove "+name, d.Remove(name)) })
}

func (f folder) rename(from, to string) {
	f.t.Helper()
	f.in(func(d vfs.Dir) { f.must("rename "+from, d.Rename(from, to)) })
}

// all is every file with what it holds.
func (f folder) all() map[string][]byte {
	f.t.Helper()
	files := make(map[string][]byte)
	for _, name := range f.names() {
		files[name] = f.read(name)
	}
	return files
}

// logicalEnd is how much of a file has been written: the rest is zeros.
func logicalEnd(data []byte) int { return len(bytes.TrimRight(data, "\x00")) }

// spill writes files into a new directory of the operating system.
func spill(t *testing.T, files map[string][]byte) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "db")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
