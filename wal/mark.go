package wal

import (
	"encoding/binary"
	"math/bits"
)

// Payloads of marks and seals. A mark stands behind the frames of a write group
// and says what was durable before that group was written; it is the proof that
// recovery's verdict rests on. A seal is a mark that ends a segment.
//
//	mark := durableLSN u64 | durableSeq u64 | startLSN u64 | time i64 | epoch u64 | manifestEdit u64
//	seal := mark | count u64 | chain u64 | why u64 (1 rotated, 2 closed)
//
// time is in unix nanoseconds and never goes back. manifestEdit is the last one known
// durable, 0 where there is none. count is the units in the
// segment; chain is the chained checksum of all frames before the seal.
const (
	markBytes = 48
	sealBytes = markBytes + 24

	sealRotated = 1 // another segment follows
	sealClosed  = 2 // the log was closed: nothing follows, all before is durable
)

type mark struct {
	durable    LSN
	durableSeq uint64
	start      LSN
	time       int64
	epoch      uint64
	edit       uint64
}

type seal struct {
	mark
	count uint64
	chain uint64
	why   uint64
}

func putMark(p []byte, m mark) {
	le := binary.LittleEndian
	le.PutUint64(p[0:], uint64(m.durable))
	le.PutUint64(p[8:], m.durableSeq)
	le.PutUint64(p[16:], uint64(m.start))
	le.PutUint64(p[24:], uint64(m.time))
	le.PutUint64(p[32:], m.epoch)
	le.PutUint64(p[40:], m.edit)
}

// parseMark decodes a mark, or the mark that a seal begins with.
func parseMark(p []byte) (m mark, ok bool) {
	if len(p) < markBytes {
		return m, false
	}
	le := binary.LittleEndian
	return mark{
		durable: LSN(le.Uint64(p[0:])), durableSeq: le.Uint64(p[8:]), start: LSN(le.Uint64(p[16:])),
		time: int64(le.Uint64(p[24:])), epoch: le.Uint64(p[32:]), edit: le.Uint64(p[40:]),
	}, true
}

func putSeal(p []byte, s seal) {
	putMark(p, s.mark)
	p = p[markBytes:]
	binary.LittleEndian.PutUint64(p[0:], s.count)
	binary.LittleEndian.PutUint64(p[8:], s.chain)
	binary.LittleEndian.PutUint64(p[16:], s.why)
}

func parseSeal(p []byte) (s seal, ok bool) {
	m, ok := parseMark(p)
	if !ok || len(p) < sealBytes {
		return s, false
	}
	le := binary.LittleEndian
	p = p[markBytes:]
	return seal{m, le.Uint64(p[0:]), le.Uint64(p[8:]), le.Uint64(p[16:])}, true
}

// chained adds a frame, by its header's checksum, to a chained checksum. The
// frame checksums are CRCs; this only has to keep their order and number.
func chained(chain uint64, headerCRC uint32) uint64 {
	return (bits.RotateLeft64(chain, 23) ^ uint64(headerCRC)) * 0x9e3779b97f4a7c15
}
