package recordio

import "io"

// FindFrame searches region from the file offset from onwards for the next valid
// frame: header and payload checksums, bound to this file and place. It is how a
// reader looks past damage for proof. found is false when there is none; the
// frame's payload is the caller's own.
func FindFrame(r io.ReaderAt, region Region, from int64) (f Frame, found bool, err error) {
	s := NewScanner(r, region)
	s.offset, s.stop = max(from, region.Start)-1, HeaderChecksum
	if !s.Resume() || !s.Next() {
		return Frame{}, false, s.err
	}
	return *s.Frame(), true, nil
}

// Resume searches onwards from behind the byte that stopped the scan; true means
// that Next will return the frame found. False: there is none, or Err tells.
func (s *Scanner) Resume() bool {
	if s.stop == None || s.err != nil {
		return false
	}
	wasted := s.wasted
	defer func() { s.wasted = wasted }()
	for s.offset++; s.offset+HeaderBytes <= s.region.End; s.offset++ {
		p, reason := s.bytes(s.offset, HeaderBytes)
		if reason != None {
			s.stop = reason
			return false
		}
		if !plausible(p) {
			continue
		}
		h, reason := parseHeader(p, s.region.Seed, s.LSN(), &s.scratch)
		if reason != None || h.Length > resumeSmallBytes && wasted > resumeWasteMax {
			continue
		}
		wasted += int64(h.Length)
		switch reason := s.read(); reason {
		case None:
			s.stop = None
			return true
		case ReadError:
			s.stop = reason
			return false
		}
	}
	s.offset = max(s.offset, s.region.End)
	s.stop = End
	return false
}

// A hostile file may hold a valid header every few bytes, each claiming a long
// payload that is not its own. Once so many bytes were read for such claims, only
// short frames are looked at: marks and seals, which carry the proof, are short.
const (
	resumeWasteMax   = 32 << 20
	resumeSmallBytes = 4 << 10
)

// plausible sorts out nearly all offsets before a checksum is computed.
func plausible(p []byte) bool {
	kind := Kind(p[11])
	if kind&KindSkippable == 0 && !kind.Known() {
		return false
	}
	return p[10] <= MaxFrameBytes>>16 && Flags(p[12])&^flagsKnown == 0
}

// AllZero reports whether every byte of r from the offset from up to end is
// zero; where the file ends earlier, up to there. Otherwise nonZero is the
// offset of the first byte that is not.
func AllZero(r io.ReaderAt, from, end int64) (zero bool, nonZero int64, err error) {
	buf := make([]byte, max(0, min(scanBufferBytes, end-from)))
	for from < end {
		n, err := r.ReadAt(buf[:min(int64(len(buf)), end-from)], from)
		for i, c := range buf[:n] {
			if c != 0 {
				return false, from + int64(i), nil
			}
		}
		from += int64(n)
		if err == io.EOF || n == 0 && err == nil {
			return true, from, nil
		}
		if err != nil {
			return false, from, err
		}
	}
	return true, end, nil
}
