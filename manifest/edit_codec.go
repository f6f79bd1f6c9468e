package manifest

import (
	"encoding/binary"
	"math"
)

// The fields of an edit: tags, with the bit of those that must be understood.
// They are part of the format.
const (
	editNumber      = 1<<1 | must // number
	editSnapshot    = 2<<1 | must // empty; this edit holds the whole state
	editFileBytes   = 3 << 1      // number: bytes of this file synced before the edit began
	editNextFile    = 4<<1 | must // number
	editLastSeq     = 5<<1 | must // number
	editLogFrom     = 6<<1 | must // segment, LSN
	editLogAccepted = 7<<1 | must // identity, epoch, segment, end LSN, chained checksum
	editDurableLSN  = 8<<1 | must // number
	editRemoved     = 9<<1 | must // numbers up to the end of the field
	editAdded       = 10<<1 | must
	// Reserved: 11 keyspaces, 12 value files, 13 a second log, 14 options.
)

// NumberMax bounds edit and file numbers: 56 bits, as frames hold them.
const NumberMax = 1<<56 - 1

// appendEdit appends the edit's payload.
func appendEdit(dst []byte, e *Edit) []byte {
	dst = appendNumber(dst, editNumber, e.Number)
	if e.snapshot {
		dst = appendField(dst, editSnapshot, nil)
	}
	dst = appendNumber(dst, editFileBytes, uint64(e.fileBytes))
	dst = appendNumber(dst, editNextFile, e.NextFile)
	dst = appendNumber(dst, editLastSeq, e.LastSeq)
	if p := e.LogFrom; p != nil {
		dst = appendNumbers(dst, editLogFrom, p.Segment, p.LSN)
	}
	if a := e.LogAccepted; a != nil {
		dst = appendNumbers(dst, editLogAccepted, a.Identity, a.Epoch, a.Segment, a.End, a.Chain)
	}
	dst = appendNumber(dst, editDurableLSN, e.DurableLSN)
	if len(e.Removed) > 0 {
		dst = appendNumbers(dst, editRemoved, e.Removed...)
	}
	var body []byte
	for _, s := range e.Added {
		body = appendSlice(body[:0], s)
		dst = appendField(dst, editAdded, body)
	}
	return dst
}

func appendNumbers(dst []byte, tag uint64, numbers ...uint64) []byte {
	body := make([]byte, 0, 5*len(numbers))
	for _, n := range numbers {
		body = binary.AppendUvarint(body, n)
	}
	return appendField(dst, tag, body)
}

// decodeEdit reads a payload whose checksum was verified. The edit has memory of
// its own. Errors name the place at which the edit's frame begins.
func decodeEdit(p place, payload []byte) (*Edit, error) {
	f := fields{place: p, what: "edit", rest: payload}
	e := new(Edit)
	var seen uint64
	for f.more() {
		tag, body, err := f.next()
		if err != nil {
			return nil, err
		}
		if tag <= editAdded && tag != editAdded {
			if err := f.once(&seen, tag); err != nil {
				return nil, err
			}
		}
		if err := e.decodeField(&f, tag, body); err != nil {
			return nil, err
		}
	}
	if e.Number == 0 || e.Number > NumberMax || e.NextFile > NumberMax {
		return nil, p.corrupt("edit %d, next file %d: out of range", e.Number, e.NextFile)
	}
	return e, nil
}

func (e *Edit) decodeField(f *fields, tag uint64, body []byte) (err error) {
	switch tag {
	case editNumber:
		e.Number, err = f.number(tag, body)
	case editSnapshot:
		e.snapshot, err = true, f.numbers(tag, body, nil)
	case editFileBytes:
		var n uint64
		n, err = f.number(tag, body)
		e.fileBytes = int64(min(n, math.MaxInt64))
	case editNextFile:
		e.NextFile, err = f.number(tag, body)
	case editLastSeq:
		e.LastSeq, err = f.number(tag, body)
	case editLogFrom:
		var n [2]uint64
		err = f.numbers(tag, body, n[:])
		e.LogFrom = &LogPoint{Segment: n[0], LSN: n[1]}
	case editLogAccepted:
		err = e.decodeAccepted(f, tag, body)
	case editDurableLSN:
		e.DurableLSN, err = f.number(tag, body)
	case editRemoved:
		e.Removed, err = f.list(tag, body)
	case editAdded:
		var s *Slice
		s, err = decodeSlice(f.place, body)
		e.Added = append(e.Added, s)
	default:
		err = f.unknown(tag)
	}
	return err
}

func (e *Edit) decodeAccepted(f *fields, tag uint64, body []byte) error {
	var n [5]uint64
	if err := f.numbers(tag, body, n[:]); err != nil {
		return err
	}
	if n[0] == 0 {
		return f.corrupt("accepted log has no identity")
	}
	e.LogAccepted = &LogAccepted{Identity: n[0], Epoch: n[1], Segment: n[2], End: n[3], Chain: n[4]}
	return nil
}

// list is a body of any count of uvarints, at least one.
func (f *fields) list(tag uint64, body []byte) ([]uint64, error) {
	var all []uint64
	for len(body) > 0 {
		v, n := binary.Uvarint(body)
		if n <= 0 {
			return nil, f.corrupt("%s: field %d is cut short", f.what, tag>>1)
		}
		all, body = append(all, v), body[n:]
	}
	return all, nil
}
