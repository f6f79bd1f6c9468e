package manifest

import (
	"math"
)

// The fields of a slice. Numbers are part of the format.
const (
	sliceID = iota + 1
	sliceFile
	sliceIdentity
	sliceKeyspace
	sliceLevel
	sliceRun
	sliceFileBytes
	sliceSeqMin
	sliceSeqMax
	sliceTimeMin
	sliceTimeMax
	sliceEntries
	sliceTombstones
	sliceKeyBytes
	sliceValueBytes
	sliceEntrySum
	sliceUserKeys
	sliceNumbers // one more than the last of those that are numbers

	sliceLower = sliceNumbers     // 18
	sliceUpper = sliceNumbers + 1 // 19

	// Reserved, not written by this version: 20 and 21 range tombstone bounds,
	// 22 and 23 expiry range, 24 value files with live bytes, 25 authentication
	// tag and key id, 26 offset and length inside the physical file, 27 the
	// sequence that an ingest gave to all its entries, 28 which bounds are
	// exclusive, 29 that the counts are estimates (of a part of a file).
)

// sliceTag is the tag of a slice's field: all must be understood.
func sliceTag(field int) uint64 { return uint64(field)<<1 | must }

func appendSlice(dst []byte, s *Slice) []byte {
	for field, n := range s.numbers() {
		dst = appendNumber(dst, sliceTag(field), n)
	}
	dst = appendField(dst, sliceTag(sliceLower), s.Lower)
	return appendField(dst, sliceTag(sliceUpper), s.Upper)
}

func (s *Slice) numbers() [sliceNumbers]uint64 {
	return [sliceNumbers]uint64{
		sliceID: s.ID, sliceFile: s.File, sliceIdentity: s.Identity, sliceKeyspace: uint64(s.Keyspace),
		sliceLevel: uint64(s.Level), sliceRun: s.Run, sliceFileBytes: uint64(s.FileBytes),
		sliceSeqMin: s.SeqMin, sliceSeqMax: s.SeqMax,
		sliceTimeMin: uint64(s.TimeMin), sliceTimeMax: uint64(s.TimeMax),
		sliceEntries: s.Entries, sliceTombstones: s.Tombstones,
		sliceKeyBytes: s.KeyBytes, sliceValueBytes: s.ValueBytes, sliceEntrySum: s.EntrySum, sliceUserKeys: s.UserKeys,
	}
}

// decodeSlice makes a slice with memory of its own.
func decodeSlice(p place, body []byte) (*Slice, error) {
	f := fields{place: p, what: "slice", rest: body}
	var n [sliceNumbers]uint64
	var lower, upper []byte
	var seen uint64
	for f.more() {
		tag, value, err := f.next()
		if err != nil {
			return nil, err
		}
		field := tag >> 1
		if tag&must == 0 || field == 0 || field > sliceUpper {
			if err := f.unknown(tag); err != nil {
				return nil, err
			}
			continue
		}
		if err := f.once(&seen, tag); err != nil {
			return nil, err
		}
		switch field {
		case sliceLower:
			lower = value
		case sliceUpper:
			upper = value
		default:
			if n[field], err = f.number(tag, value); err != nil {
				return nil, err
			}
		}
	}
	return sliceFromNumbers(p, &n, lower, upper)
}

func sliceFromNumbers(p place, n *[sliceNumbers]uint64, lower, upper []byte) (*Slice, error) {
	switch {
	case n[sliceKeyspace] > math.MaxUint32:
		return nil, p.corrupt("slice %d: keyspace %d", n[sliceID], n[sliceKeyspace])
	case n[sliceKeyspace] != 0:
		return nil, p.unsupported("slice %d lies in keyspace %d", n[sliceID], n[sliceKeyspace])
	case n[sliceLevel] >= LevelCount:
		return nil, p.corrupt("slice %d: level %d, there are %d", n[sliceID], n[sliceLevel], LevelCount)
	case n[sliceFileBytes] > math.MaxInt64:
		return nil, p.corrupt("slice %d: a file of %d bytes", n[sliceID], n[sliceFileBytes])
	}
	keys := append(append(make([]byte, 0, len(lower)+len(upper)), lower...), upper...)
	s := &Slice{
		ID: n[sliceID], File: n[sliceFile], Identity: n[sliceIdentity], Keyspace: uint32(n[sliceKeyspace]),
		Level: int(n[sliceLevel]), Run: n[sliceRun], FileBytes: int64(n[sliceFileBytes]),
		Lower: keys[:len(lower):len(lower)], Upper: keys[len(lower):],
		SeqMin: n[sliceSeqMin], SeqMax: n[sliceSeqMax],
		TimeMin: int64(n[sliceTimeMin]), TimeMax: int64(n[sliceTimeMax]),
		Entries: n[sliceEntries], Tombstones: n[sliceTombstones],
		KeyBytes: n[sliceKeyBytes], ValueBytes: n[sliceValueBytes], EntrySum: n[sliceEntrySum], UserKeys: n[sliceUserKeys],
	}
	if err := s.Check(); err != nil {
		return nil, p.corrupt("%v", err)
	}
	return s, nil
}
