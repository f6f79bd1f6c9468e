package tests

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/varvekv/varve"
	"github.com/varvekv/varve/vfs"
)

// refuses opens and demands an error that names what is wrong.
func refuses(t *testing.T, dir string, o *varve.Options, names ...string) error {
	t.Helper()
	defer watchdog(time.Minute, "Open of "+dir)()
	db, err := varve.Open(dir, o)
	if err == nil {
		db.Close()
		t.Fatalf("opened, though it must not")
	}
	if db != nil {
		t.Errorf("a database beside the error %v", err)
	}
	if !mentions(err, names) {
		t.Errorf("the error names none of %v: %v", names, err)
	}
	return err
}

// mentions tells whether the error's text has one of the names. None asks for nothing.
func mentions(err error, names []string) bool {
	for _, name := range names {
		if strings.Contains(err.Error(), name) {
			return true
		}
	}
	return len(names) == 0
}

func TestOpenRefusesWrongPlaces(t *testing.T) {
	guard(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "a-file")
	if err := os.WriteFile(file, []byte("no database"), 0o600); err != nil {
		t.Fatal(err)
	}
	refuses(t, file, nil, "a-file")
	refuses(t, filepath.Join(file, "below"), nil, "a-file")
	refuses(t, "nul\x00byte", nil)
	missing := filepath.Join(dir, "missing")
	if err := refuses(t, missing, &varve.Options{ReadOnly: true}, "missing"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing directory, ReadOnly: %v, want fs.ErrNotExist too", err)
	}
	if _, err := os.Stat(missing); err == nil {
		t.Error("ReadOnly made the directory")
	}
	dangling := filepath.Join(dir, "dangling")
	if err := os.Symlink(filepath.Join(dir, "nowhere"), dangling); err == nil {
		refuses(t, dangling, nil, "dangling")
	}
}

// TestOpenLeavesForeignFilesAlone opens in a directory that somebody uses for
// other things: nothing of theirs may change.
func TestOpenLeavesForeignFilesAlone(t *testing.T) {
	guard(t)
	dir := t.TempDir()
	foreign := map[string]string{
		"notes.txt": "mine", "7.log": "not ours: the name is not one we make", "0000007.sst": "nor this",
		"MANIFEST": "nor this", "000001.log.bak": "nor this", "LOCKS": "nor this",
	}
	for name, text := range foreign {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		db, err := varve.Open(dir, &varve.Options{MemtableBytes: 64 << 10})
		if err != nil {
			t.Fatal(err)
		}
		for err := range sweep(db.Put([]byte("k"), []byte("v")), db.Flush(), db.Close()) {
			t.Error(err)
		}
	}
	for name, text := range foreign {
		if got, err := os.ReadFile(filepath.Join(dir, name)); string(got) != text {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// sweep walks the errors that are not nil.
func sweep(errs ...error) func(func(error) bool) {
	return func(yield func(error) bool) {
		for _, err := range errs {
			if err != nil && !yield(err) {
				return
			}
		}
	}
}

// A harm is done to one file, or by it.
type harm struct {
	name string
	do   func(f folder)
	// of is the file that the error must name; empty: any of the kinds.
	of string
	// opens says that Open may succeed: reading then fails.
	opens bool
}

// TestOpenRefusesHarmedFiles harms one file of each kind in the ways that
// happen, and demands an error that names it, and that the harm undone all is
// there again: Open destroys nothing.
func TestOpenRefusesHarmedFiles(t *testing.T) {
	guard(t)
	rng, _ := seeded(t)
	s := newSpecimen(t, rng, true)
	table, log, manifest := s.of("table")[0], s.of("log")[0], s.of("manifest")[0]
	letter := bytes.Repeat([]byte("Dear Sir or Madam, this is no table.\n"), 300)
	cut := func(name string, keep func(size int) int) func(folder) {
		return func(f folder) { data := f.read(name); f.write(name, data[:keep(logicalEnd(data))]) }
	}
	none := func(int) int { return 0 }
	half := func(n int) int { return n / 2 }
	for _, h := range []harm{
		{"missing CURRENT", func(f folder) { f.remove("CURRENT") }, "CURRENT", false},
		{"empty CURRENT", cut("CURRENT", none), "CURRENT", false},
		{"half of CURRENT", cut("CURRENT", half), "CURRENT", false},
		{"CURRENT is a letter", func(f folder) { f.write("CURRENT", letter) }, "CURRENT", false},
		{"CURRENT names nothing", func(f folder) { f.remove(manifest) }, manifest, false},
		{"empty manifest", cut(manifest, none), manifest, false},
		{"half a header of the manifest", cut(manifest, func(int) int { return 2048 }), manifest, false},
		{"manifest cut behind its header", cut(manifest, func(int) int { return 4096 }), manifest, false},
		{"manifest is a letter", func(f folder) { f.write(manifest, letter) }, manifest, false},
		{"missing table", func(f folder) { f.remove(table) }, table, false},
		{"empty table", cut(table, none), table, true},
		{"half a table", cut(table, half), table, true},
		{"table without its last byte", cut(table, func(n int) int { return n - 1 }), table, true},
		{"table with a byte too many", func(f folder) { f.write(table, append(f.read(table), 0)) }, table, true},
		{"foreign file as table", func(f folder) { f.write(table, letter) }, table, true},
		{"log as table", func(f folder) { f.write(table, f.read(log)) }, table, true},
		{"missing log", func(f folder) { f.remove(log) }, log, false},
		{"empty log", cut(log, none), log, false},
		{"half a log", cut(log, half), log, false},
		{"log is a letter", func(f folder) { f.write(log, letter) }, log, false},
		{"table as log", func(f folder) { f.write(log, f.read(table)) }, log, false},
	} {
		t.Run(h.name, func(t *testing.T) { h.test(t, s) })
	}
}

func (h harm) test(t *testing.T, s *specimen) {
	f := s.copied()
	f.t = t
	before := f.all()
	h.do(f)
	harmed := f.all()
	j := judge{s: s, fs: f.fs, floor: len(s.led.units), names: []string{h.of}}
	v, err := j.open()
	if err != nil {
		t.Fatal(err)
	}
	if v != refused && !(h.opens && v == found) {
		t.Fatalf("verdict: %v", v)
	}
	for name, data := range harmed {
		if now := f.read(name); kindOf(name) != "other" && !bytes.Equal(now, data) {
			t.Errorf("%s was changed by an Open that failed", name)
		}
	}
	for name, data := range before {
		f.write(name, data)
	}
	j.names = nil
	if v, err := j.open(); err != nil || v != whole {
		t.Errorf("with the harm undone: %v, %v", v, err)
	}
}

// TestReadOnlyDirectory: what cannot be written can be read, and says so when
// it is written.
func TestReadOnlyDirectory(t *testing.T) {
	guard(t)
	rng, _ := seeded(t)
	s := newSpecimen(t, rng, true)
	s.strict.SetReadOnly(true)
	print := s.strict.Fingerprint()
	if err := refuses(t, worldDir, &varve.Options{FS: s.strict}); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("Open for writing: %v, want fs.ErrPermission", err)
	}
	o := &varve.Options{FS: s.strict, ReadOnly: true}
	db, err := varve.Open(worldDir, o)
	if err != nil {
		t.Fatal(err)
	}
	again, err := varve.Open(worldDir, o)
	if err != nil {
		t.Fatalf("a second reader: %v", err)
	}
	found, err := contents(again, s.led.keys, false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.led.settle(found, len(s.led.units)); err != nil {
		t.Error(err)
	}
	for call, err := range map[string]error{
		"Put": db.Put([]byte("k"), nil), "Delete": db.Delete([]byte("k")), "Write": db.Write(aBatch("k")),
		"With": db.With(varve.Buffered).Put([]byte("k"), nil), "Flush": db.Flush(), "Sync": readOnlySync(db),
	} {
		if !errors.Is(err, varve.ErrReadOnly) {
			t.Errorf("%s: %v, want ErrReadOnly", call, err)
		}
	}
	for err := range sweep(again.Check(t.Context()), again.Close(), db.Close()) {
		t.Error(err)
	}
	if s.strict.Fingerprint() != print {
		t.Error("reading changed the directory")
	}
	noHandles(t, s.strict)
}

// readOnlySync: nothing was acknowledged, so that all of it is on stable
// storage; refusing is right too.
func readOnlySync(db *varve.DB) error {
	if err := db.Sync(); err != nil {
		return err
	}
	return varve.ErrReadOnly
}

func aBatch(key string) *varve.Batch {
	var b varve.Batch
	b.Put([]byte(key), []byte("of a batch"))
	return &b
}

// TestReadOnlyAfterACrash reads what a crash left, without repairing it.
func TestReadOnlyAfterACrash(t *testing.T) {
	guard(t)
	rng, _ := seeded(t)
	s := newSpecimen(t, rng, false)
	image := s.strict.CrashImageStrict()
	print := image.Fingerprint()
	image.SetReadOnly(true)
	db, err := varve.Open(worldDir, &varve.Options{FS: image, ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	found, err := contents(db, s.led.keys, true)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.led.settle(found, s.durable); err != nil {
		t.Error(err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	if image.Fingerprint() != print {
		t.Error("reading changed the directory")
	}
}

// TestReadOnlyDirectoryOfTheSystem is TestReadOnlyDirectory on a real one.
func TestReadOnlyDirectoryOfTheSystem(t *testing.T) {
	guard(t)
	if os.Geteuid() == 0 {
		t.Log("root may write anywhere: only the reading half is shown")
	}
	rng, _ := seeded(t)
	s := newSpecimen(t, rng, true)
	dir := spill(t, s.all())
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(dir, 0o700)
	if os.Geteuid() != 0 {
		refuses(t, dir, nil, filepath.Base(dir))
	}
	db, err := varve.Open(dir, &varve.Options{ReadOnly: true, FS: vfs.OS})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}
