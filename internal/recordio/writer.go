package recordio

import (
	"fmt"
	"io"

	"github.com/varvekv/varve/internal/crc"
	"github.com/varvekv/varve/vfs"
)

// BlockBytes is the unit of physical writes: each begins and ends on a multiple.
// A write of part of a block that is not in the page cache would read it first
// (42 µs against 2 µs for a whole block), and the padding erases what a recycled
// file held behind the tail.
const BlockBytes = 4096

// Writer appends frames to a file in whole blocks. The last, partial block is
// kept in memory, padded with zeros on the disk and written again with what
// comes next. It is used by one goroutine at a time. An error is sticky.
type Writer struct {
	f      vfs.File
	region Region // Start and LSN; End is not used
	end    int64  // file offset behind the last frame appended
	ahead  int64  // file offset up to which blocks are known to be written

	buf   []byte // bytes from the block boundary start up to end
	start int64  // file offset of buf[0], a multiple of BlockBytes
	dirty bool   // buf holds what no write has handed out
	err   error
}

// NewWriter appends behind the file offset end (of the last frame, or
// region.Start in a file without frames). The tail block is read back where end
// is not on a block boundary. REQUIRES: region.Start is a multiple of BlockBytes.
func NewWriter(f vfs.File, region Region, end int64) (*Writer, error) {
	w := &Writer{f: f, region: region, end: end, start: end &^ (BlockBytes - 1)}
	w.ahead = w.start
	w.buf = make([]byte, end-w.start, 16*BlockBytes)
	if len(w.buf) == 0 {
		return w, nil
	}
	if n, err := f.ReadAt(w.buf, w.start); n < len(w.buf) {
		if err == nil {
			err = io.ErrUnexpectedEOF
		}
		return nil, fmt.Errorf("recordio: read the last block of %s: %w", f.Name(), err)
	}
	return w, nil
}

// Append frames payload as a unit: one frame, or a chain of them where it is
// longer than MaxFrameBytes. In memory only: Flush writes. It returns the unit's
// position. h gives kind, first sequence and count.
func (w *Writer) Append(h Header, payload []byte) (lsn uint64) {
	lsn = w.region.LSNAt(w.end)
	flags := FlagFirst
	for {
		n := min(len(payload), MaxFrameBytes)
		if n == len(payload) {
			flags |= FlagLast
		}
		h.Flags, h.PayloadCRC = flags, crc.Sum(payload[:n])
		before := len(w.buf)
		w.dirty = true
		w.buf = Append(w.buf, w.region.Seed, w.region.LSNAt(w.end), h, payload[:n])
		w.end += int64(len(w.buf) - before)
		if flags&FlagLast != 0 {
			return lsn
		}
		payload, flags = payload[n:], 0
	}
}

// Flush writes what was appended, in whole blocks; it does not sync.
func (w *Writer) Flush() error {
	if w.err != nil || !w.dirty {
		return w.err
	}
	used := len(w.buf)
	padded := (used + BlockBytes - 1) &^ (BlockBytes - 1)
	w.buf = append(w.buf, make([]byte, padded-used)...)
	if _, err := w.f.WriteAt(w.buf, w.start); err != nil {
		w.err = fmt.Errorf("recordio: write %s: %w", w.f.Name(), err)
		return w.err
	}
	w.ahead = max(w.ahead, w.start+int64(padded))
	w.dirty = false
	tail := used &^ (BlockBytes - 1)
	w.buf = w.buf[:copy(w.buf, w.buf[tail:used])]
	w.start += int64(tail)
	return nil
}

// Sync flushes and makes everything appended durable.
func (w *Writer) Sync() error {
	if err := w.Flush(); err != nil {
		return err
	}
	if err := w.f.SyncData(); err != nil {
		w.err = fmt.Errorf("recordio: sync %s: %w", w.f.Name(), err)
	}
	return w.err
}

// Reserve writes zeros ahead, so that at least n bytes behind the end are really
// there: later flushes into them need no space and no journal. It does not sync.
func (w *Writer) Reserve(n int64) error {
	if err := w.Flush(); err != nil {
		return err
	}
	goal := (w.end + n + BlockBytes - 1) &^ (BlockBytes - 1)
	zeros := make([]byte, min(max(0, goal-w.ahead), 16*BlockBytes))
	for from := max(w.ahead, w.start+BlockBytes*int64(min(len(w.buf), 1))); from < goal; {
		part := zeros[:min(int64(len(zeros)), goal-from)]
		if _, err := w.f.WriteAt(part, from); err != nil {
			w.err = fmt.Errorf("recordio: write ahead in %s: %w", w.f.Name(), err)
			return w.err
		}
		from += int64(len(part))
		w.ahead = from
	}
	return nil
}

// Reserved is how many bytes behind the end are known to be written.
func (w *Writer) Reserved() int64 { return max(0, w.ahead-w.end) }

// End is the position behind the last frame appended.
func (w *Writer) End() uint64 { return w.region.LSNAt(w.end) }

// SizeBytes is the file offset behind the last frame appended.
func (w *Writer) SizeBytes() int64 { return w.end }
