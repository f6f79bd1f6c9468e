package wal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/varvekv/varve/internal/corruption"
	"github.com/varvekv/varve/internal/recordio"
	"github.com/varvekv/varve/vfs"
)

// inspector goes on after damage, and ends with the first error of a visitor.
type inspector struct {
	in     Inspection
	f      vfs.File
	name   string // in findings
	packed bool
	size   int64 // of the segment, uncompressed; of a damaged copy, what can be had of it
	header segmentHeader
	stop   error // of a visitor
}

// find tells a finding; nil is none.
func (i *inspector) find(err error) {
	if err != nil && i.stop == nil && i.in.Finding != nil {
		i.stop = i.in.Finding(err)
	}
}

func (i *inspector) corrupt(offset int64, format string, args ...any) {
	i.find(fmt.Errorf("wal: %w", corruption.New(i.name, offset, format, args...)))
}

// tell hands v to a visitor that may be absent.
func tell[T any](i *inspector, visit func(T) error, v T) {
	if visit != nil && i.stop == nil {
		i.stop = visit(v)
	}
}

func (i *inspector) inspect() {
	var err error
	if i.size, err = i.f.Size(); err != nil {
		i.find(fmt.Errorf("wal: size of %s: %w", i.name, err))
		return
	}
	if i.isPacked() {
		i.packed = true
		i.unpack()
		i.name += " (uncompressed)"
	}
	if i.readHeader() {
		i.frames()
	}
}

func (i *inspector) isPacked() bool {
	var magic [8]byte
	n, err := i.f.ReadAt(magic[:], 0)
	return strings.HasSuffix(i.name, compressedSuffix) ||
		n == len(magic) && (err == nil || err == io.EOF) && binary.LittleEndian.Uint64(magic[:]) == archiveMagic
}

// unpack walks the blocks of a copy and leaves how much of the segment can be had.
func (i *inspector) unpack() {
	r := &archiveReader{f: i.f, name: i.name, size: i.size}
	i.size = 0
	if err := r.head(); err != nil {
		i.find(err)
		return
	}
	for i.stop == nil {
		p := PackedInfo{Offset: r.at, RawOffset: int64(r.raw)}
		if err := r.block(); err != nil {
			i.find(err)
			return
		}
		if r.ended {
			return
		}
		i.size = int64(r.raw)
		p.StoredBytes, p.RawBytes, p.Codec = len(r.stored), int(i.size-p.RawOffset), r.codec
		tell(i, i.in.Packed, &p)
	}
}

// reader reads the segment from the start, forward only where it is compressed.
func (i *inspector) reader() io.ReaderAt {
	if !i.packed {
		return i.f
	}
	size, err := i.f.Size()
	r := &archiveReader{f: i.f, name: i.name, size: size}
	if err == nil {
		err = r.head()
	}
	return &forward{r: r, err: err}
}

// forward reads a stream at ascending offsets.
type forward struct {
	r   io.Reader
	at  int64
	err error
}

func (f *forward) ReadAt(p []byte, offset int64) (int, error) {
	if f.err == nil && offset < f.at {
		f.err = fmt.Errorf("wal: read at %d of a stream that is at %d", offset, f.at)
	}
	if f.err != nil {
		return 0, f.err
	}
	var n int
	if f.at, f.err = offset, skip(f.r, offset-f.at); f.err == nil {
		n, f.err = io.ReadFull(f.r, p)
		f.at += int64(n)
	}
	if errors.Is(f.err, io.ErrUnexpectedEOF) {
		f.err = io.EOF
	}
	return n, f.err
}

func skip(r io.Reader, n int64) error {
	_, err := io.CopyN(io.Discard, r, n)
	return err
}

// readHeader is true where frames may follow that can be verified.
func (i *inspector) readHeader() bool {
	block := make([]byte, min(headerBytes, i.size))
	if n, err := i.reader().ReadAt(block, 0); n < len(block) {
		i.find(fmt.Errorf("wal: read the header of %s: %w", i.name, err))
		return false
	}
	h, damage, err := parseHeader(block)
	i.header = h
	switch {
	case err != nil:
		if raw := wholeCopy(block); raw != nil {
			i.tellHeader(binary.LittleEndian.Uint32(raw[8:]))
		}
		i.find(unsupported(i.name, 0, "%v", err))
		return false
	case damage.zero && len(block) == headerBytes:
		return i.unborn()
	case !damage.usable:
		i.corrupt(damage.offset, "%s", damage.reason)
		return false
	}
	i.tellHeader(segmentVersion)
	if damage.reason != "" {
		i.corrupt(damage.offset, "%s; the other copy is whole", damage.reason)
	}
	return h.state == stateSegment && i.stop == nil
}

// unborn tells a file of zeros from a header that was wiped.
func (i *inspector) unborn() bool {
	zero, at, err := recordio.AllZero(i.reader(), 0, i.size)
	switch {
	case err != nil:
		i.find(fmt.Errorf("wal: read %s: %w", i.name, err))
	case zero:
		tell(i, i.in.Header, &SegmentInfo{State: SegmentUnborn, IsCompressed: i.packed, SizeBytes: i.size})
	default:
		i.corrupt(0, "segment header is zero, though bytes follow from offset %d on", at)
	}
	return false
}

func (i *inspector) tellHeader(version uint32) {
	h := &i.header
	tell(i, i.in.Header, &SegmentInfo{
		State: SegmentState(h.state), IsCompressed: i.packed, SizeBytes: i.size, Version: version,
		Incompatible: h.features.incompatible, ReadCompatible: h.features.readCompatible, Compatible: h.features.compatible,
		Number: h.number, Identity: h.identity, Epoch: h.epoch, First: h.first, FirstSeq: h.firstSeq,
		Start: h.start, Durable: h.durable, DurableSeq: h.durableSeq, ManifestEdit: h.edit,
		Created: time.Unix(0, h.created), Prev: PrevInfo{Number: h.prev.number, Epoch: h.prev.epoch, End: h.prev.end, Chain: h.prev.chain},
	})
}
