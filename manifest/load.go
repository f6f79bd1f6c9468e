package manifest

import (
	"fmt"
	"io"

	"github.com/varvekv/varve/internal/corruption"
	"github.com/varvekv/varve/internal/recordio"
	"github.com/varvekv/varve/vfs"
)

// Reading a manifest: add up its edits, and judge where they end.
//
// An edit begins only after the one before it was synced, directly behind it.
// What a crash can leave behind the last whole edit is therefore zeros, or some
// sectors of one edit. Everything else is damage to what was durable:
//
//	a frame of a later edit behind the damage      the damaged one was synced
//	a file shorter than an edit says was synced    it was cut
//	damage in the header or in the first edit      both were synced before the switch
//	an edit that something else proves             Options.ProvenEdit
type loader struct {
	f    vfs.File
	name string
	size int64
	h    header

	unit  recordio.Unit
	build builder
	st    State

	first      *Edit
	last       *Edit
	firstBytes int64
	lastStart  int64 // file offset of the last edit
	end        int64 // file offset behind it
	synced     int64 // greatest size that the file says was synced
}

// load reads the file that CURRENT names.
func load(f vfs.File, c current, readOnly bool) (*loader, error) {
	l := &loader{f: f, name: f.Name(), end: headerBytes, build: builder{live: map[uint64]*Slice{}}}
	if err := l.readHeader(c, readOnly); err != nil {
		return nil, err
	}
	if err := l.readEdits(); err != nil {
		return nil, err
	}
	if err := l.checkSize(); err != nil {
		return nil, err
	}
	var err error
	if l.st.Version, err = l.build.version(); err != nil {
		return nil, corruption.New(l.name, l.lastStart, "its edits add up to a broken tree: %v", err)
	}
	return l, nil
}

func (l *loader) readHeader(c current, readOnly bool) (err error) {
	if l.size, err = l.f.Size(); err != nil {
		return fmt.Errorf("manifest: size of %s: %w", l.name, err)
	}
	p := make([]byte, headerBytes)
	n, err := l.f.ReadAt(p, 0)
	if err != nil && err != io.EOF {
		return fmt.Errorf("manifest: read header of %s: %w", l.name, err)
	}
	if n < headerBytes {
		return corruption.New(l.name, int64(n), "truncated: the header has %d bytes", headerBytes)
	}
	if l.h, err = decodeHeader(l.name, p); err != nil {
		return err
	}
	if l.h.number != c.number || l.h.identity != c.identity {
		return corruption.New(l.name, 0, "a foreign file: it is manifest %d, identity %016x; CURRENT names %d, %016x",
			l.h.number, l.h.identity, c.number, c.identity)
	}
	l.synced = l.h.fileBytes
	l.st = State{Identity: l.h.database, Manifest: l.h.number, Report: Report{File: l.name}}
	if err := l.h.features.check(l.name, readOnly); err != nil {
		return err
	}
	return l.checkSize()
}

// checkSize finds a file that was cut: sizes only grow, and edits say which one
// was synced. As zeros stay written ahead, that covers the edits themselves.
func (l *loader) checkSize() error {
	if l.size >= l.synced {
		return nil
	}
	return corruption.New(l.name, l.size, "truncated: it has %d bytes, %d were synced", l.size, l.synced)
}

func (l *loader) readEdits() error {
	scan := recordio.NewScanner(l.f, region(&l.h, l.size))
	for scan.Next() {
		if err := l.takeFrame(scan.Frame()); err != nil {
			return err
		}
	}
	if err := scan.Err(); err != nil {
		return fmt.Errorf("manifest: read %s: %w", l.name, err)
	}
	return l.judge(scan)
}

func (l *loader) takeFrame(f *recordio.Frame) error {
	at := place{l.name, f.Offset}
	switch {
	case !f.Kind.Known() && !l.unit.Open():
		l.end = f.Offset + recordio.HeaderBytes + int64(f.Length) // may be skipped, says its kind
		return nil
	case f.Kind != recordio.KindEdit || f.Flags&recordio.FlagContinues != 0:
		return at.corrupt("frame of kind %d, flags %#x in a manifest", f.Kind, f.Flags)
	}
	done, ok := l.unit.Add(f)
	if !ok {
		return at.corrupt("frame of edit %d does not continue what stands before it", f.FirstSeq)
	}
	if !done {
		return nil
	}
	_, start := l.unit.Start()
	if err := l.takeEdit(place{l.name, start}, l.unit.Header().FirstSeq, l.unit.Payload()); err != nil {
		return err
	}
	l.lastStart, l.end = start, f.Offset+recordio.HeaderBytes+int64(f.Length)
	if l.first == l.last {
		l.firstBytes = l.end - headerBytes
	}
	return nil
}

func (l *loader) takeEdit(at place, number uint64, payload []byte) error {
	e, err := decodeEdit(at, payload)
	if err != nil {
		return err
	}
	return l.follow(at, number, e)
}

// follow takes an edit that a frame of that number held, if it comes next.
func (l *loader) follow(at place, number uint64, e *Edit) error {
	first := l.first == nil
	switch {
	case e.Number != number:
		return at.corrupt("edit %d in a frame of edit %d", e.Number, number)
	case first && (!e.snapshot || number != l.h.firstEdit):
		return at.corrupt("the first edit is %d and not the whole state that edit %d led to", number, l.h.firstEdit)
	case !first && (e.snapshot || number != l.st.Edit+1):
		return at.corrupt("edit %d follows edit %d", number, l.st.Edit)
	}
	next, err := l.st.afterMeta(e)
	if err == nil {
		err = l.build.apply(e)
	}
	if err != nil {
		return at.corrupt("edit %d: %v", number, err)
	}
	l.st = next
	l.st.Report.Edits++
	if first {
		l.first = e
	}
	l.last = e
	l.synced = max(l.synced, e.fileBytes)
	return nil
}

// judge tells a clean end from a torn edit, and both from corruption.
func (l *loader) judge(scan *recordio.Scanner) error {
	at := place{l.name, scan.Offset()}
	switch stop := scan.Stop(); {
	case stop == recordio.Unknown:
		return at.unsupported("%v", stop)
	case l.first == nil:
		return at.corrupt("the first edit, which holds the whole state: %v", stop)
	case !l.unit.Open() && (stop == recordio.End || stop == recordio.Zeros):
		zero, _, err := recordio.AllZero(l.f, l.end, l.size)
		if err != nil {
			return fmt.Errorf("manifest: read %s: %w", l.name, err)
		}
		if zero {
			return nil
		}
	}
	if err := l.proveTorn(at); err != nil {
		return err
	}
	r := &l.st.Report
	r.Torn, r.Offset, r.Bytes, r.Reason = true, l.end, l.size-l.end, scan.Stop().String()
	return nil
}

// proveTorn searches behind the damage for a frame that proves the damaged edit
// durable: one of a later edit. Frames of the damaged edit itself prove nothing,
// disks reorder; but its first frame can only stand at its beginning.
func (l *loader) proveTorn(at place) error {
	r := region(&l.h, l.size)
	for from := at.offset + 1; ; {
		f, found, err := recordio.FindFrame(l.f, r, from)
		if err != nil {
			return fmt.Errorf("manifest: read %s: %w", l.name, err)
		}
		if !found {
			return nil
		}
		if f.FirstSeq != l.st.Edit+1 || f.Flags&recordio.FlagFirst != 0 {
			return at.corrupt("damaged, though a frame of edit %d follows at offset %d; the last whole edit is %d",
				f.FirstSeq, f.Offset, l.st.Edit)
		}
		from = f.Offset + recordio.HeaderBytes + int64(f.Length)
	}
}
