package manifest

import (
	"encoding/binary"
	"fmt"

	"github.com/varvekv/varve/internal/corruption"
)

// How edits and slices are written: fields, each with a tag and a length, so
// that a reader can pass over what it does not know, where that is allowed.
//
//	┌────────────┬─────────────────┬─────────────┐
//	│tag uvarint │ length uvarint  │ length bytes│ …
//	└────────────┴─────────────────┴─────────────┘
//
// Bit 0 of a tag says that the field must be understood; the rest is its number.
// Tags ascend; only lists repeat one. A number is a uvarint that fills its field
// and is left out where it is 0.

// ErrUnsupported is a file made by a newer varve, with something in it that this
// one cannot pass over. The error's text names file and feature.
var ErrUnsupported = corruption.ErrUnsupported

// must marks a field that cannot be passed over.
const must = 1

func appendField(dst []byte, tag uint64, body []byte) []byte {
	dst = binary.AppendUvarint(dst, tag)
	dst = binary.AppendUvarint(dst, uint64(len(body)))
	return append(dst, body...)
}

// appendNumber appends nothing for 0.
func appendNumber(dst []byte, tag, n uint64) []byte {
	if n == 0 {
		return dst
	}
	var p [binary.MaxVarintLen64]byte
	return appendField(dst, tag, p[:binary.PutUvarint(p[:], n)])
}

// place says where bytes came from, for errors.
type place struct {
	file   string
	offset int64
}

func (p place) corrupt(format string, args ...any) error {
	return corruption.New(p.file, p.offset, format, args...)
}

func (p place) unsupported(format string, args ...any) error {
	return unsupported(p.file, p.offset, format, args...)
}

func unsupported(file string, offset int64, format string, args ...any) error {
	return fmt.Errorf("manifest: %w", corruption.Unsupported(file, offset, format, args...))
}

// fields walks the fields of what: an edit or a slice.
type fields struct {
	place
	what string
	rest []byte
	last uint64 // tag of the field before
}

func (f *fields) more() bool { return len(f.rest) > 0 }

// next is the next field. Its body is part of the input.
func (f *fields) next() (tag uint64, body []byte, err error) {
	tag, n := binary.Uvarint(f.rest)
	if n <= 0 {
		return 0, nil, f.corrupt("%s: a field's tag is cut short", f.what)
	}
	f.rest = f.rest[n:]
	length, n := binary.Uvarint(f.rest)
	if n <= 0 || length > uint64(len(f.rest)-n) {
		return 0, nil, f.corrupt("%s: field %d is longer than what remains", f.what, tag>>1)
	}
	if tag < f.last {
		return 0, nil, f.corrupt("%s: field %d stands behind field %d", f.what, tag>>1, f.last>>1)
	}
	f.last = tag
	body, f.rest = f.rest[n:][:length], f.rest[n:][length:]
	return tag, body, nil
}

// once refuses a field that is no list and was there already.
func (f *fields) once(seen *uint64, tag uint64) error {
	bit := uint64(1) << (tag >> 1)
	if *seen&bit != 0 {
		return f.corrupt("%s: field %d is there twice", f.what, tag>>1)
	}
	*seen |= bit
	return nil
}

// number is a body that is one uvarint.
func (f *fields) number(tag uint64, body []byte) (uint64, error) {
	v, n := binary.Uvarint(body)
	if n <= 0 || n != len(body) {
		return 0, f.corrupt("%s: field %d is no number", f.what, tag>>1)
	}
	return v, nil
}

// numbers is a body that is exactly len(dst) uvarints.
func (f *fields) numbers(tag uint64, body []byte, dst []uint64) error {
	for i := range dst {
		v, n := binary.Uvarint(body)
		if n <= 0 {
			return f.corrupt("%s: field %d is cut short", f.what, tag>>1)
		}
		dst[i], body = v, body[n:]
	}
	if len(body) > 0 {
		return f.corrupt("%s: field %d has %d bytes too many", f.what, tag>>1, len(body))
	}
	return nil
}

// unknown passes over a field, or refuses it.
func (f *fields) unknown(tag uint64) error {
	if tag&must == 0 {
		return nil
	}
	return f.unsupported("%s has field %d, which must be understood", f.what, tag>>1)
}
