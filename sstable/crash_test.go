package sstable

import (
	"context"
	"errors"
	"io/fs"
	"math/rand/v2"
	"testing"

	"github.com/varvekv/varve/internal/codec"
	"github.com/varvekv/varve/internal/corruption"
	"github.com/varvekv/varve/vfs"
)

// writeOn writes a table on fsys; sync says whether file and directory are synced.
func writeOn(t *testing.T, fsys vfs.FS, path string, entries []entry, sync bool) {
	t.Helper()
	d, err := fsys.OpenDir(path, true)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	f, err := d.Create("000001.sst")
	if err != nil {
		t.Fatal(err)
	}
	w := NewWriter(f, WriterOptions{Identity: testIdentity, Compression: codec.S2})
	for _, e := range entries {
		if err := w.Add(e.k, e.v); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Finish(); err != nil {
		t.Fatal(err)
	}
	if sync {
		if err := errors.Join(f.Sync(), d.Sync()); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// checkOn opens and checks the table that writeOn wrote.
func checkOn(fsys vfs.FS, path string) error {
	d, err := fsys.OpenDir(path, false)
	if err != nil {
		return err
	}
	defer d.Close()
	f, err := d.Open("000001.sst")
	if err != nil {
		return err
	}
	r, err := Open(f, ReaderOptions{Identity: testIdentity})
	if err != nil {
		return err
	}
	_, err = r.Check(context.Background())
	return errors.Join(err, r.Close())
}

func TestTableOnTheOperatingSystem(t *testing.T) {
	path := t.TempDir()
	writeOn(t, vfs.OS, path, makeEntries(1, shapes["ragged"]), true)
	if err := checkOn(vfs.OS, path); err != nil {
		t.Fatal(err)
	}
}

// A power cut leaves a synced table whole, and an unsynced one whole, gone or
// found to be damaged.
func TestTableAfterAPowerCut(t *testing.T) {
	entries := makeEntries(1, shape{n: 400, maxVersions: 2, maxValue: 200})
	for _, sync := range []bool{true, false} {
		strict := vfs.NewStrict(1)
		writeOn(t, strict, "db", entries, sync)
		damaged := 0
		for i := range 200 {
			err := checkOn(strict.CrashImage(rand.New(rand.NewPCG(uint64(i), 2))), "db")
			switch {
			case sync && err != nil:
				t.Fatalf("synced, image %d: %v", i, err)
			case err != nil && !errors.Is(err, corruption.Err) && !errors.Is(err, fs.ErrNotExist):
				t.Fatalf("image %d: %v", i, err)
			case errors.Is(err, corruption.Err):
				damaged++
			}
		}
		if !sync && damaged == 0 {
			t.Fatal("no image was damaged: the test is too weak")
		}
	}
}
