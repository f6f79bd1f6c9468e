package wal

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Operations: what AppendOps carries, and a batch is made of.
//
//	operation := kind u8 | [keyspace uvarint] | keyLen uvarint | key | [valueLen uvarint | value]
//
// Bits 0-5 of kind say what it does; bit 6: a keyspace id follows; bit 7: may be
// skipped by a reader that does not know the kind (an operation of an unknown kind
// always has a value, so that its length is known; a known kind is never skipped).
// Operation i of a unit has the sequence firstSeq + i, skipped ones included.
// There is no keyspace but 0 in this version: a known kind in another is refused.

// OpKind is what an operation does. Values are part of the format.
type OpKind uint8

// Kinds of operation. Zero is invalid.
const (
	OpPut    OpKind = 1
	OpDelete OpKind = 2

	opKindMask  = 0x3f
	opKeyspace  = 0x40
	opSkippable = 0x80
)

// AppendPut appends a put to dst.
func AppendPut(dst, key, value []byte) []byte {
	dst = append(dst, byte(OpPut))
	dst = binary.AppendUvarint(dst, uint64(len(key)))
	dst = append(dst, key...)
	dst = binary.AppendUvarint(dst, uint64(len(value)))
	return append(dst, value...)
}

// AppendDelete appends a delete to dst.
func AppendDelete(dst, key []byte) []byte {
	dst = append(dst, byte(OpDelete))
	dst = binary.AppendUvarint(dst, uint64(len(key)))
	return append(dst, key...)
}

// PutBytes is how many bytes AppendPut appends for these lengths.
func PutBytes(keyLen, valueLen int) int {
	return 1 + uvarintBytes(keyLen) + keyLen + uvarintBytes(valueLen) + valueLen
}

// DeleteBytes is how many bytes AppendDelete appends for this length.
func DeleteBytes(keyLen int) int { return 1 + uvarintBytes(keyLen) + keyLen }

func uvarintBytes(n int) int {
	size := 1
	for u := uint64(n); u >= 0x80; u >>= 7 {
		size++
	}
	return size
}

// Op is one decoded operation; its slices are borrowed from the payload.
type Op struct {
	Kind  OpKind
	Key   []byte
	Value []byte // nil for a delete
	Skip  bool   // of an unknown kind that may be skipped; it has taken a sequence
}

// OpsDecoder walks the operations of a payload without allocating:
//
//	d := wal.DecodeOps(payload)
//	for d.Next() {
//		use(d.Op.Key, d.Op.Value)
//	}
//	return d.Err()
type OpsDecoder struct {
	Op   Op
	rest []byte
	err  error
}

// DecodeOps starts on a payload. The bytes may be hostile: lengths are checked.
func DecodeOps(payload []byte) OpsDecoder { return OpsDecoder{rest: payload} }

var (
	errOpsCut  = errors.New("wal: operation is cut short")
	errOpsKind = errors.New("wal: invalid operation kind 0")
)

// Next decodes the next operation; false at the end or at an error.
func (d *OpsDecoder) Next() bool {
	if len(d.rest) == 0 || d.err != nil {
		return false
	}
	tag := d.rest[0]
	d.rest = d.rest[1:]
	op := Op{Kind: OpKind(tag & opKindMask)}
	var keyspace uint64
	if tag&opKeyspace != 0 && !d.uvarint(&keyspace) {
		return d.fail(errOpsCut)
	}
	known := op.Kind == OpPut || op.Kind == OpDelete
	switch {
	case op.Kind == 0:
		return d.fail(errOpsKind)
	case known && keyspace != 0:
		return d.fail(fmt.Errorf("wal: operation in keyspace %d: %w", keyspace, ErrUnsupported))
	case !known && tag&opSkippable == 0:
		return d.fail(fmt.Errorf("wal: operation of kind %d: %w", op.Kind, ErrUnsupported))
	}
	op.Skip = !known
	if !d.bytes(&op.Key) || op.Kind != OpDelete && !d.bytes(&op.Value) {
		return d.fail(errOpsCut)
	}
	d.Op = op
	return true
}

func (d *OpsDecoder) uvarint(v *uint64) bool {
	if len(d.rest) > 0 && d.rest[0] < 0x80 {
		*v, d.rest = uint64(d.rest[0]), d.rest[1:]
		return true
	}
	u, n := binary.Uvarint(d.rest)
	if n <= 0 {
		return false
	}
	*v, d.rest = u, d.rest[n:]
	return true
}

func (d *OpsDecoder) bytes(p *[]byte) bool {
	var n uint64
	if !d.uvarint(&n) || n > uint64(len(d.rest)) {
		return false
	}
	*p, d.rest = d.rest[:n:n], d.rest[n:]
	return true
}

func (d *OpsDecoder) fail(err error) bool {
	d.err, d.Op = err, Op{}
	return false
}

// notUnderstood is what makes the operations those of a later version; nil where
// nothing does.
func notUnderstood(payload []byte) error {
	d := DecodeOps(payload)
	for d.Next() {
	}
	if errors.Is(d.Err(), ErrUnsupported) {
		return d.Err()
	}
	return nil
}

// Err is why Next returned false, nil at the end of the payload. It matches
// ErrUnsupported where an operation must be understood and is not.
func (d *OpsDecoder) Err() error { return d.err }

// Len is how many bytes have not been decoded yet.
func (d *OpsDecoder) Len() int { return len(d.rest) }
