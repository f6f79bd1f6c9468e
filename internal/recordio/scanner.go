package recordio

import (
	"encoding/binary"
	"errors"
	"io"

	"github.com/varvekv/varve/internal/crc"
)

// A Scanner walks the frames of one region of a file, with a bounded buffer that
// it reuses and without an allocation per frame. It stops at the first thing
// that is no valid frame and says what and where; it never goes past it.

// scanBufferBytes is what one read asks for; the buffer grows beyond it only for
// a frame whose header was verified, to at most bufferMax.
const (
	scanBufferBytes = 256 << 10
	bufferMax       = HeaderBytes + MaxFrameBytes
)

// Region is the part of a file that holds frames.
type Region struct {
	Seed  Seed
	Start int64  // file offset of the first frame
	End   int64  // file offset where frames must have ended
	LSN   uint64 // position of the frame at Start
}

// LSNAt is the position that the file offset stands for.
func (r Region) LSNAt(offset int64) uint64 { return r.LSN + uint64(offset-r.Start) }

// OffsetOf is the file offset of a position. REQUIRES: lsn >= r.LSN.
func (r Region) OffsetOf(lsn uint64) int64 { return r.Start + int64(lsn-r.LSN) }

// Frame is one verified frame.
type Frame struct {
	Header
	LSN       uint64
	Offset    int64  // of the header, in the file
	HeaderCRC uint32 // the header's checksum, which covers all of the frame
	Payload   []byte // borrowed: valid until the next Next
}

// EndLSN is the position behind the frame.
func (f *Frame) EndLSN() uint64 { return f.LSN + HeaderBytes + uint64(f.Length) }

// Scanner reads frames in order. It is used by one goroutine.
type Scanner struct {
	r      io.ReaderAt
	region Region
	window window
	offset int64 // of the next frame
	frame  Frame
	stop   Reason
	err    error

	scratch [28]byte
	wasted  int64 // payload bytes read by Resume in vain
}

// NewScanner scans region of r.
func NewScanner(r io.ReaderAt, region Region) *Scanner {
	s := &Scanner{}
	s.Reset(r, region)
	return s
}

// Reset starts over on another region, keeping the buffer.
func (s *Scanner) Reset(r io.ReaderAt, region Region) {
	*s = Scanner{r: r, region: region, offset: region.Start, window: window{buf: s.window.buf[:0]}}
}

// Next reads and verifies the next frame; false means that Stop tells why not.
func (s *Scanner) Next() bool {
	if s.stop != None {
		return false
	}
	if s.stop = s.read(); s.stop != None {
		s.frame.Payload = nil
		return false
	}
	s.offset += HeaderBytes + int64(s.frame.Length)
	return true
}

func (s *Scanner) read() Reason {
	rest := s.region.End - s.offset
	if rest <= 0 {
		return End
	}
	if rest < HeaderBytes {
		return s.shortRest(rest)
	}
	p, reason := s.bytes(s.offset, HeaderBytes)
	if reason != None {
		return reason
	}
	lsn := s.region.LSNAt(s.offset)
	h, reason := parseHeader(p, s.region.Seed, lsn, &s.scratch)
	s.frame = Frame{Header: h, LSN: lsn, Offset: s.offset, HeaderCRC: binary.LittleEndian.Uint32(p)}
	if reason != None {
		return reason
	}
	n := HeaderBytes + int(h.Length)
	if int64(n) > rest {
		return Cut
	}
	if p, reason = s.bytes(s.offset, n); reason != None {
		return reason
	}
	if crc.Sum(p[HeaderBytes:]) != h.PayloadCRC {
		return PayloadChecksum
	}
	s.frame.Payload = p[HeaderBytes:n:n]
	return None
}

// shortRest tells padding too short for a header from a header cut short.
func (s *Scanner) shortRest(rest int64) Reason {
	p, reason := s.bytes(s.offset, int(rest))
	if reason == None && allZero(p) {
		return Zeros
	}
	if reason == ReadError {
		return reason
	}
	return Cut
}

func (s *Scanner) bytes(offset int64, n int) ([]byte, Reason) {
	if p := s.window.at(offset, n); p != nil {
		return p, None
	}
	if err := s.window.fill(s.r, offset, n, s.region.End); err != nil {
		s.err = err
		return nil, ReadError
	}
	if p := s.window.at(offset, n); p != nil {
		return p, None
	}
	return nil, Cut
}

// Frame is the frame that Next found. REQUIRES: Next returned true.
func (s *Scanner) Frame() *Frame { return &s.frame }

// Stop says why Next returned false; None while it has not.
func (s *Scanner) Stop() Reason { return s.stop }

// Offset is where the next frame begins: after Next returned false, the offset
// of what stopped it.
func (s *Scanner) Offset() int64 { return s.offset }

// LSN is the position of Offset.
func (s *Scanner) LSN() uint64 { return s.region.LSNAt(s.offset) }

// Err is the read error that stopped the scan, if it was one.
func (s *Scanner) Err() error { return s.err }

// window is a part of a file in memory.
type window struct {
	buf   []byte
	start int64 // file offset of buf[0]
}

// at is the n bytes at offset, or nil when the window does not hold them all.
func (w *window) at(offset int64, n int) []byte {
	i := offset - w.start
	if i < 0 || i+int64(n) > int64(len(w.buf)) {
		return nil
	}
	return w.buf[i : int(i)+n]
}

// fill moves the window to offset, keeping what it already has from there, and
// reads until it holds at least n bytes, if the file has them before end.
func (w *window) fill(r io.ReaderAt, offset int64, n int, end int64) error {
	var kept []byte
	if i := offset - w.start; i >= 0 && i < int64(len(w.buf)) {
		kept = w.buf[i:]
	}
	size := max(int(min(scanBufferBytes, end-offset)), n)
	if cap(w.buf) < size {
		w.buf = append(make([]byte, 0, min(size+size/4, max(size, bufferMax))), kept...)
	} else {
		w.buf = w.buf[:copy(w.buf[:cap(w.buf)], kept)]
	}
	w.start = offset
	have := len(w.buf)
	want := int(min(int64(size), end-offset))
	if want <= have {
		return nil
	}
	w.buf = w.buf[:want]
	got, err := r.ReadAt(w.buf[have:], offset+int64(have))
	w.buf = w.buf[:have+got]
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return err
}
