package sstable

// What a table says about itself: tagged fields, so that a later version can
// add some without a new format.

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/varvekv/varve/internal/codec"
	"github.com/varvekv/varve/internal/ikey"
)

// Properties describe a whole table. Lower and Upper are nil in an empty one.
type Properties struct {
	Identity uint64 // random, also in the footer and in every block's checksum

	Entries    uint64 // versions, tombstones included
	Tombstones uint64
	UserKeys   uint64 // distinct ones: the keys of the filter
	KeyBytes   uint64 // of user keys, uncompressed
	ValueBytes uint64 // uncompressed
	SeqMin     uint64
	SeqMax     uint64
	TimeMin    int64  // unix nanoseconds of the oldest write in it; 0 = unknown
	TimeMax    int64  // likewise of the youngest
	EntrySum   uint64 // sum of hash.Entry over its entries, modulo 2^64

	Lower, Upper []byte // smallest and greatest user key, both inclusive

	DataBlocks  uint64
	DataBytes   uint64 // as stored, block trailers included
	RawBytes    uint64 // of the data blocks before compression
	FilterBytes uint64
	IndexBytes  uint64
	FileBytes   int64 // set by Finish and Open; not stored here but in the footer

	Compression codec.Type // asked for; single blocks may be stored raw
	BloomBits   int        // per key; 0 = no filter
}

// A properties block, never compressed: fields one after the other,
//
//	┌──────────────────┬────────────────┬─────────────┐
//	│ uvarint tag      │ uvarint length │ length bytes│  numbers: uvarint
//	└──────────────────┴────────────────┴─────────────┘
//
// in ascending order of tags. A reader that does not know an odd tag must
// refuse the table; an unknown even tag is passed over.
const (
	tagIdentity    = 1
	tagEntries     = 3
	tagTombstones  = 5
	tagUserKeys    = 6
	tagKeyBytes    = 8
	tagValueBytes  = 10
	tagSeqMin      = 11
	tagSeqMax      = 13
	tagTimeMin     = 14
	tagTimeMax     = 16
	tagEntrySum    = 17
	tagLower       = 19
	tagUpper       = 21
	tagDataBlocks  = 23
	tagDataBytes   = 25
	tagRawBytes    = 26
	tagFilterBytes = 28
	tagIndexBytes  = 30
	tagCompression = 32
	tagBloomBits   = 34

	// maxPropertiesBytes bounds the block: two keys and some numbers.
	maxPropertiesBytes = 2*MaxKeyBytes + 64<<10
)

// number is one numeric field: where it lives in p, by its tag.
type number struct {
	tag uint64
	get func(p *Properties) uint64
	set func(p *Properties, v uint64)
}

var numbers = []number{
	{tagIdentity, func(p *Properties) uint64 { return p.Identity }, func(p *Properties, v uint64) { p.Identity = v }},
	{tagEntries, func(p *Properties) uint64 { return p.Entries }, func(p *Properties, v uint64) { p.Entries = v }},
	{tagTombstones, func(p *Properties) uint64 { return p.Tombstones }, func(p *Properties, v uint64) { p.Tombstones = v }},
	{tagUserKeys, func(p *Properties) uint64 { return p.UserKeys }, func(p *Properties, v uint64) { p.UserKeys = v }},
	{tagKeyBytes, func(p *Properties) uint64 { return p.KeyBytes }, func(p *Properties, v uint64) { p.KeyBytes = v }},
	{tagValueBytes, func(p *Properties) uint64 { return p.ValueBytes }, func(p *Properties, v uint64) { p.ValueBytes = v }},
	{tagSeqMin, func(p *Properties) uint64 { return p.SeqMin }, func(p *Properties, v uint64) { p.SeqMin = v }},
	{tagSeqMax, func(p *Properties) uint64 { return p.SeqMax }, func(p *Properties, v uint64) { p.SeqMax = v }},
	{tagTimeMin, func(p *Properties) uint64 { return uint64(p.TimeMin) }, func(p *Properties, v uint64) { p.TimeMin = int64(v) }},
	{tagTimeMax, func(p *Properties) uint64 { return uint64(p.TimeMax) }, func(p *Properties, v uint64) { p.TimeMax = int64(v) }},
	{tagEntrySum, func(p *Properties) uint64 { return p.EntrySum }, func(p *Properties, v uint64) { p.EntrySum = v }},
	{tagDataBlocks, func(p *Properties) uint64 { return p.DataBlocks }, func(p *Properties, v uint64) { p.DataBlocks = v }},
	{tagDataBytes, func(p *Properties) uint64 { return p.DataBytes }, func(p *Properties, v uint64) { p.DataBytes = v }},
	{tagRawBytes, func(p *Properties) uint64 { return p.RawBytes }, func(p *Properties, v uint64) { p.RawBytes = v }},
	{tagFilterBytes, func(p *Properties) uint64 { return p.FilterBytes }, func(p *Properties, v uint64) { p.FilterBytes = v }},
	{tagIndexBytes, func(p *Properties) uint64 { return p.IndexBytes }, func(p *Properties, v uint64) { p.IndexBytes = v }},
	{tagCompression, func(p *Properties) uint64 { return uint64(p.Compression) }, func(p *Properties, v uint64) { p.Compression = codec.Type(v) }},
	{tagBloomBits, func(p *Properties) uint64 { return uint64(p.BloomBits) }, func(p *Properties, v uint64) { p.BloomBits = int(v) }},
}

// appendProperties appends the properties block. Zero numbers are left out.
func appendProperties(dst []byte, p *Properties) []byte {
	var v [binary.MaxVarintLen64]byte
	for _, n := range numbers {
		if n.tag == tagDataBlocks && p.Entries > 0 { // bounds stand before it
			dst = appendField(dst, tagLower, p.Lower)
			dst = appendField(dst, tagUpper, p.Upper)
		}
		if x := n.get(p); x != 0 {
			dst = appendField(dst, n.tag, v[:binary.PutUvarint(v[:], x)])
		}
	}
	return dst
}

func appendField(dst []byte, tag uint64, value []byte) []byte {
	dst = binary.AppendUvarint(dst, tag)
	dst = binary.AppendUvarint(dst, uint64(len(value)))
	return append(dst, value...)
}

// parseProperties reads a properties block; the result owns its memory.
func parseProperties(b []byte) (*Properties, error) {
	p := new(Properties)
	for last := uint64(0); len(b) > 0; {
		tag, n := binary.Uvarint(b)
		if n <= 0 || tag <= last {
			return nil, fmt.Errorf("properties: field %d does not follow field %d", tag, last)
		}
		last, b = tag, b[n:]
		length, n := binary.Uvarint(b)
		if n <= 0 || length > uint64(len(b)-n) {
			return nil, fmt.Errorf("properties: field %d is longer than the block", tag)
		}
		if err := p.setField(tag, b[n:n+int(length)]); err != nil {
			return nil, err
		}
		b = b[n+int(length):]
	}
	return p, p.check()
}

func (p *Properties) setField(tag uint64, value []byte) error {
	switch tag {
	case tagLower:
		p.Lower = append([]byte{}, value...)
		return nil
	case tagUpper:
		p.Upper = append([]byte{}, value...)
		return nil
	}
	for _, n := range numbers {
		if n.tag != tag {
			continue
		}
		v, used := binary.Uvarint(value)
		if used != len(value) || used <= 0 {
			return fmt.Errorf("properties: field %d is no number", tag)
		}
		n.set(p, v)
		return nil
	}
	if tag&1 == 1 {
		return newer("properties: field %d must be understood, and is not known to this version", tag)
	}
	return nil
}

// check finds properties that contradict each other.
func (p *Properties) check() error {
	switch {
	case (p.Entries == 0) != (p.DataBlocks == 0), p.Entries < p.DataBlocks, p.Tombstones > p.Entries, p.UserKeys > p.Entries:
		return errors.New("properties: counts contradict each other")
	case (p.Entries > 0) != (p.Lower != nil) || (p.Entries > 0) != (p.Upper != nil) || len(p.Lower) > MaxKeyBytes || len(p.Upper) > MaxKeyBytes:
		return errors.New("properties: bounds are missing or too long")
	case string(p.Lower) > string(p.Upper):
		return errors.New("properties: bounds are inverted")
	case p.SeqMin > p.SeqMax || p.SeqMax > ikey.MaxSeq:
		return fmt.Errorf("properties: sequences [%d, %d]", p.SeqMin, p.SeqMax)
	}
	return nil
}
