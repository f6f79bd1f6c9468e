package manifest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/varvekv/varve/internal/corruption"
	"github.com/varvekv/varve/internal/filename"
	"github.com/varvekv/varve/internal/recordio"
	"github.com/varvekv/varve/vfs"
)

// Inspection: everything in a manifest file told edit by edit, damaged or not,
// for people who look. What opens a database is open.go, and refuses where this
// goes on.

// Current is what the file CURRENT says.
type Current struct {
	Name     string // base name of the live manifest
	Number   uint64
	Identity uint64 // of that file
}

// ReadCurrent reads CURRENT in d, and locks nothing. A directory without a
// database is ErrNoDatabase, a CURRENT that is damaged or lost a corruption error.
func ReadCurrent(d vfs.Dir) (Current, error) {
	c, err := findCurrent(d)
	if err != nil {
		return Current{}, err
	}
	return Current{filename.Make(filename.Manifest, c.number), c.number, c.identity}, nil
}

// Inspection says what Inspect tells, and to whom. Functions that are nil are
// passed over; an error that one returns ends the inspection. What they are
// handed they may keep.
type Inspection struct {
	Header func(*HeaderInfo) error
	Edit   func(*EditInfo) error
	State  func(*State) error // last: what the edits add up to, up to the first damage

	// Finding takes each thing that is wrong: an error that matches corruption.Err
	// or ErrUnsupported and names file, offset and reason, or one of the file system.
	Finding func(error) error
}

// HeaderInfo is the first block of a manifest.
type HeaderInfo struct {
	IsSound bool // its checksum is right and it makes sense; else nothing in it can be relied on
	Version uint32
	// Comparer orders user keys: 1 is bytewise.
	Comparer                                 uint32
	Incompatible, ReadCompatible, Compatible uint64 // features

	Database  uint64 // identity
	Identity  uint64 // of this file
	Number    uint64 // of this file
	FirstEdit uint64 // number of the edit that holds the whole state
	FileBytes int64  // of this file when CURRENT was switched to it
	Created   time.Time
	SizeBytes int64 // of this file now, zeros written ahead included
}

// EditInfo is one edit.
type EditInfo struct {
	*Edit
	Offset int64 // of its first frame
	Bytes  int64 // of its payload
	Frames int
	// IsSnapshot is an edit that holds the whole state, the first of each file.
	IsSnapshot  bool
	SyncedBytes int64 // bytes of this file that were synced before the edit began; 0 = not said
	IsBehind    bool  // it stands behind damage: the state does without it
}

// Inspect reads the manifest in f, whether or not CURRENT names it, and tells what
// it finds, sound or damaged. It never changes the file, which stays open, and
// needs memory for the tree and one edit. Damage is a Finding and no error of
// Inspect: that is only what one of the functions returned. The remains of an edit
// at the end are a finding too, though opening drops them.
//
// Where the header is damaged, what it says serves as a hint: the frames are bound
// to it by their checksums. Behind damage it looks for the next sound frame.
func Inspect(f vfs.File, in Inspection) error {
	i := &inspector{in: in, l: loader{f: f, name: f.Name(), end: headerBytes, build: builder{live: map[uint64]*Slice{}}}}
	if i.header() {
		i.edits()
		i.state()
	}
	return i.stop
}

// inspector goes on after damage, and ends with the first error of a visitor. Its
// loader adds up the edits, as far as they follow each other.
type inspector struct {
	in      Inspection
	l       loader
	unit    recordio.Unit
	frames  int   // of the open unit
	behind  bool  // a frame or an edit is missing or makes no sense: no more is added up
	isSound bool  // the header
	stop    error // of a visitor
}

// find tells a finding; nil is none.
func (i *inspector) find(err error) {
	if err != nil && i.stop == nil && i.in.Finding != nil {
		i.stop = i.in.Finding(err)
	}
}

// tell hands v to a visitor that may be absent.
func tell[T any](i *inspector, visit func(T) error, v T) {
	if visit != nil && i.stop == nil {
		i.stop = visit(v)
	}
}

// header is false where nothing can be read on its word.
func (i *inspector) header() bool {
	l := &i.l
	size, err := l.f.Size()
	if err != nil {
		i.find(fmt.Errorf("manifest: size of %s: %w", l.name, err))
		return false
	}
	l.size = size
	p := make([]byte, headerBytes)
	n, err := l.f.ReadAt(p, 0)
	if err != nil && err != io.EOF {
		i.find(fmt.Errorf("manifest: read header of %s: %w", l.name, err))
		return false
	}
	if n < headerBytes {
		i.find(corruption.New(l.name, int64(n), "truncated: the header has %d bytes", headerBytes))
		return false
	}
	_, err = decodeHeader(l.name, p)
	l.h = headerFields(p)
	if err == nil {
		err = l.h.features.check(l.name, true)
	}
	i.isSound = err == nil
	l.st = State{Identity: l.h.database, Manifest: l.h.number, Report: Report{File: l.name}}
	if i.isSound {
		l.synced = l.h.fileBytes
	}
	tell(i, i.in.Header, l.h.info(p, i.isSound, size))
	i.find(err)
	return i.stop == nil && !errors.Is(err, ErrUnsupported)
}

func (h *header) info(p []byte, isSound bool, size int64) *HeaderInfo {
	return &HeaderInfo{
		IsSound: isSound, Version: binary.LittleEndian.Uint32(p[8:]), Comparer: binary.LittleEndian.Uint32(p[12:]),
		Incompatible: h.features.incompatible, ReadCompatible: h.features.readCompatible, Compatible: h.features.compatible,
		Database: h.database, Identity: h.identity, Number: h.number, FirstEdit: h.firstEdit,
		FileBytes: h.fileBytes, Created: time.Unix(0, h.created), SizeBytes: size,
	}
}
