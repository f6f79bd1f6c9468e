package manifest

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/varvekv/varve/internal/filename"
	"github.com/varvekv/varve/internal/recordio"
	"github.com/varvekv/varve/vfs"
)

// One manifest file that is being written: made whole and synced before CURRENT
// names it, then appended to, one synced edit after the other.

const (
	// aheadBytes of zeros stay written behind the last edit: a full disk can
	// then still record the edit that frees space, and the sync of an edit need
	// not wait for the file system's journal.
	aheadBytes = 64 << 10
	// spareBytes is how little free space counts as a full disk: what can be put
	// off is put off then, because a write that fails would poison the store.
	spareBytes = 1 << 20
)

// file is a manifest file open for appending.
type file struct {
	f      vfs.File
	w      *recordio.Writer // nil in a file that must not be appended to
	header header

	end        int64 // file offset behind the last edit when the file was opened
	firstBytes int64 // frames of the first edit, which holds the whole state
	synced     int64 // size that a sync has made durable
}

func region(h *header, end int64) recordio.Region {
	seed := recordio.Binding{Identity: h.identity, File: h.number}.Seed()
	return recordio.Region{Seed: seed, Start: headerBytes, End: end, LSN: headerBytes}
}

func (o *Options) identity() uint64 {
	for {
		if id := o.Random(); id != 0 {
			return id
		}
	}
}

// createFile writes and syncs a new manifest file that holds st, directory entry
// included. A name that a crashed rewrite has left behind is passed over; the
// number is set in st.
func createFile(d vfs.Dir, o *Options, st *State) (file, error) {
	f, err := createNumbered(d, st)
	if err != nil {
		return file{}, err
	}
	m := file{f: f, header: header{
		database: st.Identity, identity: o.identity(), number: st.Manifest,
		firstEdit: st.Edit, created: o.Now().UnixNano(),
	}}
	if err := m.writeFirst(o, st); err != nil {
		return file{}, errors.Join(err, f.Close())
	}
	if err := d.Sync(); err != nil {
		return file{}, errors.Join(fmt.Errorf("manifest: sync directory with %s: %w", f.Name(), err), f.Close())
	}
	return m, nil
}

func createNumbered(d vfs.Dir, st *State) (vfs.File, error) {
	for {
		name := filename.Make(filename.Manifest, st.Manifest)
		f, err := d.Create(name)
		if err == nil {
			return f, nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return nil, fmt.Errorf("manifest: create %s: %w", name, err)
		}
		st.Manifest++
		st.NextFile = max(st.NextFile, st.Manifest+1)
	}
}

// writeFirst writes header, the whole state and zeros ahead, in any order: the
// file counts from the switch of CURRENT on.
func (m *file) writeFirst(o *Options, st *State) (err error) {
	if m.w, err = recordio.NewWriter(m.f, region(&m.header, 0), headerBytes); err != nil {
		return fmt.Errorf("manifest: %w", err)
	}
	m.frame(st.snapshot())
	m.firstBytes = m.w.SizeBytes() - headerBytes
	if err := m.w.Reserve(2 * o.ahead()); err != nil {
		return fmt.Errorf("manifest: %w", err)
	}
	m.header.fileBytes = m.w.SizeBytes() + m.w.Reserved()
	m.synced = m.header.fileBytes
	if _, err := m.f.WriteAt(m.header.encode(), 0); err != nil {
		return fmt.Errorf("manifest: write header of %s: %w", m.f.Name(), err)
	}
	if err := m.f.Sync(); err != nil {
		return fmt.Errorf("manifest: sync %s: %w", m.f.Name(), err)
	}
	return nil
}

func (m *file) frame(e *Edit) {
	h := recordio.Header{Kind: recordio.KindEdit, FirstSeq: e.Number, Count: 1}
	m.w.Append(h, appendEdit(nil, e))
}

// append makes one edit durable. After an error nobody knows whether it is.
func (m *file) append(d vfs.Dir, o *Options, e *Edit) error {
	e.fileBytes = m.synced
	m.frame(e)
	if err := m.w.Flush(); err != nil {
		return fmt.Errorf("manifest: edit %d: %w", e.Number, err)
	}
	if m.w.Reserved() < o.ahead() && hasRoom(d, 2*o.ahead()) {
		if err := m.w.Reserve(2 * o.ahead()); err != nil {
			return fmt.Errorf("manifest: edit %d: %w", e.Number, err)
		}
	}
	if err := m.w.Sync(); err != nil {
		return fmt.Errorf("manifest: edit %d: %w", e.Number, err)
	}
	m.synced = max(m.synced, m.w.SizeBytes()+m.w.Reserved())
	return nil
}

// long says that a rewrite pays. Rewriting at four times the whole state costs
// at most a third of what the edits themselves cost.
func (m *file) long(bytesMin int64) bool {
	return m.w.SizeBytes()-headerBytes > max(bytesMin, 4*m.firstBytes)
}

func (m *file) sizeBytes() int64 {
	if m.w == nil {
		return m.end
	}
	return m.w.SizeBytes()
}

// hasRoom keeps writes that can be put off from running into a full disk. Where
// the free space cannot be told, the write itself will.
func hasRoom(d vfs.Dir, sizeBytes int64) bool {
	free, err := d.FreeBytes()
	return err != nil || free >= uint64(sizeBytes)+spareBytes
}
