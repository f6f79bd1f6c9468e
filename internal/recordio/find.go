package recordio

import (
	"encoding/binary"
	"io"

	"github.com/varvekv/varve/internal/crc"
)

// FindFrame searches region from the file offset from onwards for the next valid
// frame: header and payload checksums, bound to this file and place. It is how a
// reader looks past damage for proof. found is false when there is none; the
// frame's payload is the caller's own.
func FindFrame(r io.ReaderAt, region Region, from int64) (f Frame, found bool, err error) {
	var w window
	var scratch [28]byte
	for offset := max(from, region.Start); offset+HeaderBytes <= region.End; offset++ {
		p := w.at(offset, HeaderBytes)
		if p == nil {
			if err := w.fill(r, offset, HeaderBytes, region.End); err != nil {
				return Frame{}, false, err
			}
			if p = w.at(offset, HeaderBytes); p == nil {
				return Frame{}, false, nil
			}
		}
		if !plausible(p) {
			continue
		}
		lsn := region.LSNAt(offset)
		h, reason := parseHeader(p, region.Seed, lsn, &scratch)
		if reason != None || offset+HeaderBytes+int64(h.Length) > region.End {
			continue
		}
		payload, err := readPayload(r, offset, h)
		if err != nil {
			return Frame{}, false, err
		}
		if payload != nil {
			return Frame{Header: h, LSN: lsn, Offset: offset, HeaderCRC: binary.LittleEndian.Uint32(p), Payload: payload}, true, nil
		}
	}
	return Frame{}, false, nil
}

// plausible sorts out nearly all offsets before a checksum is computed.
func plausible(p []byte) bool {
	kind := Kind(p[11])
	if kind&KindSkippable == 0 && !kind.Known() {
		return false
	}
	return p[10] <= MaxFrameBytes>>16 && Flags(p[12])&^flagsKnown == 0
}

// readPayload is the payload behind a verified header; nil when it is damaged.
func readPayload(r io.ReaderAt, offset int64, h Header) ([]byte, error) {
	p := make([]byte, h.Length)
	n, err := r.ReadAt(p, offset+HeaderBytes)
	if n < len(p) {
		if err == io.EOF || err == nil {
			return nil, nil
		}
		return nil, err
	}
	if crc.Sum(p) != h.PayloadCRC {
		return nil, nil
	}
	return p, nil
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
