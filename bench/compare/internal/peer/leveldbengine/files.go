package leveldbengine

import (
	"sync/atomic"

	"github.com/syndtr/goleveldb/leveldb/storage"

	"github.com/varvekv/varve/bench/internal/engine"
)

// files is goleveldb's storage with what is read counted, and what is
// written by type of file.
type files struct {
	storage.Storage
	written [storage.TypeAll + 1]atomic.Int64 // bytes, by storage.FileType
	read    atomic.Int64
	syncs   atomic.Int64
}

func openFiles(dir string) (*files, error) {
	s, err := storage.OpenFile(dir, false)
	if err != nil {
		return nil, err
	}
	return &files{Storage: s}, nil
}

func (f *files) traffic() engine.Traffic {
	return engine.Traffic{
		LogBytes:   f.written[storage.TypeJournal].Load(),
		TableBytes: f.written[storage.TypeTable].Load(),
		MetaBytes:  f.written[storage.TypeManifest].Load(),
		OtherBytes: f.written[storage.TypeTemp].Load(),
		Syncs:      f.syncs.Load(),
		ReadBytes:  f.read.Load(),
	}
}

// Create makes a file that is counted.
func (f *files) Create(d storage.FileDesc) (storage.Writer, error) {
	w, err := f.Storage.Create(d)
	if err != nil {
		return nil, err
	}
	return &writer{Writer: w, written: &f.written[d.Type&storage.TypeAll], syncs: &f.syncs}, nil
}

// Open opens a file whose reads are counted.
func (f *files) Open(d storage.FileDesc) (storage.Reader, error) {
	r, err := f.Storage.Open(d)
	if err != nil {
		return nil, err
	}
	return &reader{Reader: r, read: &f.read}, nil
}

type reader struct {
	storage.Reader
	read *atomic.Int64
}

func (r *reader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.read.Add(int64(n))
	return n, err
}

func (r *reader) ReadAt(p []byte, offset int64) (int, error) {
	n, err := r.Reader.ReadAt(p, offset)
	r.read.Add(int64(n))
	return n, err
}

type writer struct {
	storage.Writer
	written, syncs *atomic.Int64
}

func (w *writer) Write(p []byte) (int, error) {
	n, err := w.Writer.Write(p)
	w.written.Add(int64(n))
	return n, err
}

func (w *writer) Sync() error {
	w.syncs.Add(1)
	return w.Writer.Sync()
}
