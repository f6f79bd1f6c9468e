package wal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/varvekv/varve/internal/codec"
	"github.com/varvekv/varve/internal/corruption"
	"github.com/varvekv/varve/internal/crc"
	"github.com/varvekv/varve/internal/recordio"
	"github.com/varvekv/varve/vfs"
)

// A copy in the archive is the segment's bytes up to its end, either as they are
// or in compressed blocks:
//
//	file  := magic u64 | version u32 | block* | end
//	block := rawLen u32 | storedLen u32 | codec u8 | crc u32 | stored
//	end   := a block with rawLen 0 whose stored part is the total length, u64
//
// crc is the CRC32C of rawLen, storedLen, codec and stored.
const (
	compressedSuffix  = ".vz"
	archiveMagic      = 0x0000435241565256 // "VRVARC\0\0"
	archiveVersion    = 1
	archiveBlockBytes = 1 << 20
	archiveHeadBytes  = 12
	blockHeadBytes    = 13
)

// archiveWriter writes a copy block by block. REQUIRES: blocks of at most
// archiveBlockBytes.
type archiveWriter struct {
	f          vfs.File
	compressed bool
	at         int64
	raw        uint64
	stored     []byte // scratch
}

func newArchiveWriter(f vfs.File, compressed bool) *archiveWriter {
	return &archiveWriter{f: f, compressed: compressed}
}

func (w *archiveWriter) block(p []byte) error {
	w.raw += uint64(len(p))
	if !w.compressed {
		return w.write(p)
	}
	if w.at == 0 {
		head := binary.LittleEndian.AppendUint64(nil, archiveMagic)
		if err := w.write(binary.LittleEndian.AppendUint32(head, archiveVersion)); err != nil {
			return err
		}
	}
	return w.packed(len(p), p, codec.Zstd)
}

func (w *archiveWriter) packed(rawLen int, p []byte, t codec.Type) error {
	w.stored = append(w.stored[:0], make([]byte, blockHeadBytes)...)
	out, t := codec.Encode(w.stored, p, t)
	if t == codec.None {
		out = append(out[:blockHeadBytes], p...)
	}
	w.stored = out
	le := binary.LittleEndian
	le.PutUint32(out[0:], uint32(rawLen))
	le.PutUint32(out[4:], uint32(len(out)-blockHeadBytes))
	out[8] = byte(t)
	le.PutUint32(out[9:], crc.Update(crc.Sum(out[:9]), out[blockHeadBytes:]))
	return w.write(out)
}

func (w *archiveWriter) finish() error {
	if !w.compressed {
		return nil
	}
	return w.packed(0, binary.LittleEndian.AppendUint64(nil, w.raw), codec.None)
}

func (w *archiveWriter) write(p []byte) error {
	_, err := w.f.WriteAt(p, w.at)
	w.at += int64(len(p))
	return err
}

// openArchived reads a copy, or a segment as it is, uncompressed.
func openArchived(d vfs.Dir, name string, compressed bool) (io.ReadCloser, error) {
	f, err := d.Open(name)
	if err != nil {
		return nil, fmt.Errorf("wal: archive: %w", err)
	}
	size, err := f.Size()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("wal: archive: %w", err), f.Close())
	}
	if !compressed {
		return &plainReader{io.NewSectionReader(f, 0, size), f}, nil
	}
	r := &archiveReader{f: f, name: name, size: size}
	if err := r.head(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return r, nil
}

type plainReader struct {
	*io.SectionReader
	io.Closer
}

// archiveReader decodes a compressed copy; every block is verified before it is
// decoded, and lengths before anything is allocated.
type archiveReader struct {
	f      vfs.File
	name   string
	size   int64
	at     int64
	raw    uint64
	ended  bool
	codec  codec.Type // of the last block
	stored []byte
	plain  []byte
	rest   []byte // of plain, not yet read
}

func (r *archiveReader) Close() error { return r.f.Close() }

func (r *archiveReader) head() error {
	p, err := r.take(archiveHeadBytes)
	if err != nil {
		return err
	}
	if binary.LittleEndian.Uint64(p) != archiveMagic {
		return corruption.New(r.name, 0, "no archived segment")
	}
	if v := binary.LittleEndian.Uint32(p[8:]); v != archiveVersion {
		return unsupported(r.name, 8, "archive format version %d, known is %d", v, archiveVersion)
	}
	return nil
}

func (r *archiveReader) Read(p []byte) (int, error) {
	for len(r.rest) == 0 {
		if r.ended {
			return 0, io.EOF
		}
		if err := r.block(); err != nil {
			return 0, err
		}
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

func (r *archiveReader) block() error {
	start := r.at
	p, err := r.take(blockHeadBytes)
	if err != nil {
		return err
	}
	le := binary.LittleEndian
	rawLen, storedLen, t, sum := le.Uint32(p), le.Uint32(p[4:]), codec.Type(p[8]), le.Uint32(p[9:])
	headSum := crc.Sum(p[:9])
	if rawLen > archiveBlockBytes || int64(storedLen) > r.size-r.at || storedLen > 2*archiveBlockBytes {
		return corruption.New(r.name, start, "block of %d bytes stored as %d", rawLen, storedLen)
	}
	if p, err = r.take(int(storedLen)); err != nil {
		return err
	}
	if crc.Update(headSum, p) != sum {
		return corruption.New(r.name, start, "block checksum mismatch")
	}
	if rawLen == 0 {
		if len(p) != 8 || le.Uint64(p) != r.raw || r.at != r.size {
			return corruption.New(r.name, start, "the copy's length is not what its end says")
		}
		r.ended = true
		return nil
	}
	if t != codec.Invalid && !t.Known() {
		return unsupported(r.name, start, "block stored with %v", t)
	}
	if r.plain, err = codec.Decode(r.plain[:0], p, t, int(rawLen)); err != nil {
		return corruption.New(r.name, start, "%v", err)
	}
	r.rest, r.codec = r.plain, t
	r.raw += uint64(rawLen)
	return nil
}

// take reads the next n bytes, which must be there.
func (r *archiveReader) take(n int) ([]byte, error) {
	if int64(n) > r.size-r.at {
		return nil, corruption.New(r.name, r.at, "the copy is cut short")
	}
	r.stored = append(r.stored[:0], make([]byte, n)...)
	if got, err := r.f.ReadAt(r.stored, r.at); got < n {
		return nil, fmt.Errorf("wal: read %s: %w", r.name, err)
	}
	r.at += int64(n)
	return r.stored, nil
}

// stopped is the error for a scan that ended before it should.
func stopped(name string, s *recordio.Scanner) error {
	if s.Stop() == recordio.Unknown {
		return corruption.Unsupported(name, s.Offset(), "%s", s.Stop())
	}
	return corruption.New(name, s.Offset(), "%s", s.Stop())
}
