package sstable

// The footer: the last bytes of the file, where a reader starts.

import (
	"encoding/binary"
	"fmt"

	"github.com/varvekv/varve/internal/crc"
)

// The footer, 256 bytes at the very end of the file:
//
//	┌───────────────────────────────────────────────────────────────┐   0
//	│ u64 identity        │ u64 file bytes    │ u64 data end        │
//	├───────────────────────────────────────────────────────────────┤  24
//	│ u64 features: incompatible │ read-compatible │ compatible      │
//	├───────────────────────────────────────────────────────────────┤  48
//	│ handle: filter (zero = none)                                  │
//	│ handle: index                                                 │
//	│ handle: properties                                            │
//	├───────────────────────────────────────────────────────────────┤  96
//	│ reserved, zero: handles of range tombstones and value files,  │
//	│ authentication tag and key id                                 │
//	├───────────────────────────────────────────────────────────────┤ 240
//	│ u32 CRC32C(0…240, version, magic) │ u32 version │ u64 magic    │
//	└───────────────────────────────────────────────────────────────┘ 256
//
// The last 16 bytes stand there in every version, and so does the range of the
// CRC: a reader can tell "newer than me" from "damaged".
const (
	footerBytes   = 256
	footerSumAt   = 240
	tableVersion  = 1
	tableMagic    = 0x6c627465_76726176 // "varvetbl" in the order of the file
	knownFeatures = 0                   // incompatible ones that this version reads
)

type footer struct {
	identity   uint64
	fileBytes  uint64
	dataEnd    uint64
	features   [3]uint64
	filter     handle
	index      handle
	properties handle
}

func appendFooter(dst []byte, f *footer) []byte {
	start := len(dst)
	for _, v := range [...]uint64{f.identity, f.fileBytes, f.dataEnd, f.features[0], f.features[1], f.features[2]} {
		dst = binary.LittleEndian.AppendUint64(dst, v)
	}
	dst = appendHandle(appendHandle(appendHandle(dst, f.filter), f.index), f.properties)
	dst = append(dst, make([]byte, start+footerBytes-len(dst))...)
	sealFooter(dst[start:])
	return dst
}

// sealFooter sets magic, version and checksum. REQUIRES: footerBytes in b.
func sealFooter(b []byte) {
	binary.LittleEndian.PutUint32(b[footerSumAt+4:], tableVersion)
	binary.LittleEndian.PutUint64(b[footerSumAt+8:], tableMagic)
	binary.LittleEndian.PutUint32(b[footerSumAt:], footerSum(b))
}

func footerSum(b []byte) uint32 {
	return crc.Update(crc.Sum(b[:footerSumAt]), b[footerSumAt+4:footerBytes])
}

// parseFooter checks the footer of a file of fileBytes. REQUIRES: footerBytes in b.
func parseFooter(b []byte, fileBytes uint64) (*footer, error) {
	if m := binary.LittleEndian.Uint64(b[footerSumAt+8:]); m != tableMagic {
		return nil, fmt.Errorf("no table ends here: magic is %016x", m)
	}
	if got, want := footerSum(b), binary.LittleEndian.Uint32(b[footerSumAt:]); got != want {
		return nil, fmt.Errorf("footer checksum is %08x, stored %08x", got, want)
	}
	if v := binary.LittleEndian.Uint32(b[footerSumAt+4:]); v != tableVersion {
		return nil, newer("table format version %d is not known to this version, which reads %d", v, tableVersion)
	}
	f := footerFields(b)
	if unknown := f.features[0] &^ knownFeatures; unknown != 0 {
		return nil, newer("table uses incompatible features %#x, which are not known to this version", unknown)
	}
	if f.fileBytes != fileBytes {
		return nil, fmt.Errorf("file is %d bytes long, its footer says %d", fileBytes, f.fileBytes)
	}
	return f, f.check()
}

// footerFields is what a footer says, believed or not. REQUIRES: footerBytes in b.
func footerFields(b []byte) *footer {
	u := func(at int) uint64 { return binary.LittleEndian.Uint64(b[at:]) }
	return &footer{
		identity: u(0), fileBytes: u(8), dataEnd: u(16),
		features: [3]uint64{u(24), u(32), u(40)},
		filter:   parseHandle(b[48:]), index: parseHandle(b[64:]), properties: parseHandle(b[80:]),
	}
}

// check requires the sections to follow each other without a gap:
// data, filter, index, properties, footer.
func (f *footer) check() error {
	at := f.dataEnd
	for _, s := range []struct {
		name string
		handle
	}{{"filter", f.filter}, {"index", f.index}, {"properties", f.properties}} {
		if s.name == "filter" && s.handle == (handle{}) {
			continue
		}
		if s.offset != at || s.stored != s.decoded {
			return fmt.Errorf("%s is at %d, expected at %d", s.name, s.offset, at)
		}
		at = s.end()
	}
	if f.fileBytes < footerBytes || at != f.fileBytes-footerBytes || f.dataEnd > at {
		return fmt.Errorf("sections end at %d in a file of %d bytes", at, f.fileBytes)
	}
	if f.properties.stored > maxPropertiesBytes {
		return fmt.Errorf("properties of %d bytes are longer than any", f.properties.stored)
	}
	return nil
}
