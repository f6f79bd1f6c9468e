package command

// Which files a dump reads, and how damage in them is told.

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/varvekv/varve/cmd/varve/internal/console"
	"github.com/varvekv/varve/cmd/varve/internal/dump"
	"github.com/varvekv/varve/internal/corruption"
	"github.com/varvekv/varve/internal/filename"
	"github.com/varvekv/varve/manifest"
	"github.com/varvekv/varve/vfs"
	"github.com/varvekv/varve/wal"
)

// dumpFile is one file to print.
type dumpFile struct {
	path string // as it was given, or under a directory that was
	next string // base name of the segment behind it, where its directory was given

	listed bool // its directory was given: it may have gone since
}

// dumpFiles are the files that arguments stand for: a directory for those of the
// kind in it, in the order of their numbers.
func dumpFiles(args []string, kind filename.Kind) (files []dumpFile, err error) {
	for _, arg := range args {
		info, err := os.Stat(arg)
		if err != nil {
			return nil, &inputError{File: arg, Err: reasonOf(err)}
		}
		if !info.IsDir() {
			files = append(files, dumpFile{path: arg})
			continue
		}
		found, err := filesOfKind(arg, kind)
		if err != nil {
			return nil, err
		}
		files = append(files, found...)
	}
	return files, nil
}

func filesOfKind(dir string, kind filename.Kind) (files []dumpFile, err error) {
	if kind == filename.Manifest {
		return []dumpFile{{path: filepath.Join(dir, filename.CurrentName)}}, nil
	}
	entries, err := os.ReadDir(dir) // sorted: numbers of one length are in order
	if err != nil {
		return nil, &inputError{File: dir, Err: reasonOf(err)}
	}
	for _, e := range entries {
		if k, _ := filename.Parse(strings.TrimSuffix(e.Name(), ".vz")); k != kind || e.IsDir() {
			continue
		}
		if n := len(files); n > 0 {
			files[n-1].next = e.Name()
		}
		files = append(files, dumpFile{path: filepath.Join(dir, e.Name()), listed: true})
	}
	if len(files) == 0 {
		return nil, &inputError{File: dir, Err: errors.New("holds no such file")}
	}
	return files, nil
}

// dumpOne prints one file and counts what is wrong in it.
func dumpOne(ctx context.Context, c *console.Console, file dumpFile, o dump.Options, print func(*dumped) error) (findings int, err error) {
	parent := filepath.Dir(file.path)
	d, err := vfs.OS.OpenDir(parent, false)
	if err != nil {
		return 0, &inputError{File: parent, Err: reasonOf(err)}
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	p := dump.New(ctx, c, file.path, o, func(err error) { complainOf(c, file.path, err) })
	err = print(&dumped{p, d, file.next})
	if file.listed && errors.Is(err, fs.ErrNotExist) {
		c.Notef("%s: gone since %s was listed", file.path, parent)
		err = nil
	}
	return p.Findings, err
}

// dumpSegments prints a segment, held against the next one where that is known.
func dumpSegments(d *dumped) error {
	var next *wal.SegmentInfo
	if d.next != "" {
		// What is wrong with the next one is told when it is its turn.
		if err := withFile(d.dir, d.next, func(f vfs.File) error {
			return wal.Inspect(f, wal.Inspection{Header: func(x *wal.SegmentInfo) error {
				next = x
				return errHeaderRead
			}})
		}); err != nil && !errors.Is(err, errHeaderRead) {
			next = nil
		}
	}
	return withFile(d.dir, d.Base(), func(f vfs.File) error { return d.Log(f, next) })
}

// errHeaderRead ends an inspection that was only about the header.
var errHeaderRead = errors.New("the header is read")

func dumpTables(d *dumped) error {
	err := withFile(d.dir, d.Base(), d.Table)
	if no := new(dump.NoBlockError); errors.As(err, &no) {
		return &inputError{File: d.Path, Err: no}
	}
	return err
}

// dumpManifests prints a manifest; of CURRENT also the one that it names.
func dumpManifests(d *dumped) error {
	if d.Base() != filename.CurrentName {
		return withFile(d.dir, d.Base(), d.Manifest)
	}
	current, err := manifest.ReadCurrent(d.dir)
	if errors.Is(err, manifest.ErrNoDatabase) {
		return &inputError{File: filepath.Dir(d.Path), Err: errors.New("not a varve database")}
	}
	if err != nil {
		return located{filepath.Dir(d.Path), err}
	}
	if err := d.Current(current); err != nil {
		return err
	}
	d.Path = filepath.Join(filepath.Dir(d.Path), current.Name)
	return withFile(d.dir, current.Name, d.Manifest)
}

// withFile opens a file for the time of a call.
func withFile(d vfs.Dir, name string, do func(vfs.File) error) (err error) {
	f, err := d.Open(name)
	if err != nil {
		return &inputError{File: filepath.Join(d.Path(), name), Err: reasonOf(err)}
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return do(f)
}

// complainOf tells one damaged place of the file at path.
func complainOf(c *console.Console, path string, err error) {
	if c.JSON {
		complainJSON(c, located{filepath.Dir(path), err})
		return
	}
	at, reason := int64(-1), err.Error()
	name := filepath.Base(path)
	var damage *corruption.Error
	var newer *corruption.UnsupportedError
	switch {
	case errors.As(err, &damage):
		at, reason = damage.Offset, damage.Reason
		name = damage.File
	case errors.As(err, &newer):
		at, reason = newer.Offset, newer.What+": "+corruption.ErrUnsupported.Error()
		name = newer.File
	}
	path = filepath.Join(filepath.Dir(path), name)
	if at >= 0 {
		path += fmt.Sprintf(" at offset %#x (%d)", at, at)
	}
	c.Notef("%s %s: %s", c.PaintErr(console.Red, "varve:"), path, reason)
}

func damagedPlaces(n, files int) error {
	text := console.Plural(n, "damaged place", "damaged places")
	if files > 1 {
		text += fmt.Sprintf(" in %d files", files)
	}
	return errors.New(text)
}
