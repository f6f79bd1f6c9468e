package sstable

// Inspection: everything in a table file told piece by piece, damaged or not,
// for people who look. What reads data for use is reader.go, and refuses where
// this goes on.

import (
	"encoding/binary"
	"fmt"

	"github.com/varvekv/varve/internal/codec"
	"github.com/varvekv/varve/internal/corruption"
	"github.com/varvekv/varve/internal/ikey"
	"github.com/varvekv/varve/vfs"
)

// Inspection says what Inspect tells, and to whom. Functions that are nil are
// passed over; an error that one returns ends the inspection. Whatever they are
// handed is borrowed until they return.
type Inspection struct {
	Footer     func(*FooterInfo) error
	Properties func(Place, *Properties) error
	Filter     func(*FilterInfo) error
	Index      func(*IndexInfo) error
	Block      func(*BlockInfo) error // a data block, then its entries
	Entry      func(*EntryInfo) error

	// Finding takes each thing that is wrong: an error that matches
	// corruption.Err or corruption.ErrUnsupported and names file, offset and
	// reason, or one of the file system.
	Finding func(error) error

	// Wants picks the data blocks that are read, by number. nil is all of them;
	// only then is what the table says about itself held against its entries.
	Wants func(block int) bool
}

// Place is where a block lies in the file.
type Place struct {
	Offset  uint64 // of its content; a codec byte and a checksum follow it
	Stored  uint32 // bytes of content in the file
	Decoded uint32 // and once decompressed
}

func (h handle) place() Place { return Place{h.offset, h.stored, h.decoded} }

// FooterInfo is the footer as it stands.
type FooterInfo struct {
	Offset   int64
	IsSound  bool // its checksum is right and it describes this file; else nothing in it can be relied on
	Version  uint32
	Identity uint64
	// FileBytes is the file's length and DataEnd the end of the data blocks, as
	// the footer says.
	FileBytes, DataEnd                       uint64
	Incompatible, ReadCompatible, Compatible uint64 // features
	Filter, Index, Properties                Place  // no filter: zero
}

// FilterInfo describes the filter. Of every key it sets Probes bits in one line
// of 64 bytes.
type FilterInfo struct {
	Place
	Kind   uint8
	Probes int
	Lines  uint64
	Keys   uint64 // that it was made of
}

// IndexInfo describes the index.
type IndexInfo struct {
	Place
	IsSound     bool // else the blocks' places come from a damaged index
	Blocks      int
	PrefixBytes int // that all fences share
	FenceBytes  int // behind it, of all fences
}

// BlockInfo is a data block.
type BlockInfo struct {
	Place
	Number int
	Fence  []byte // of the index: a user key that no key of the block is above
	Codec  codec.Type
	// Err is what is wrong with the block, nil where nothing is; the fields behind
	// it are set only then.
	Err         error
	Kind, Flags uint8
	Entries     int
	Prefix      []byte // that all its user keys share
	First, Last ikey.Key
	DecodedData []byte
	// StoredData is the block as it stands, with its trailer; empty where it could
	// not be read.
	StoredData []byte
}

// EntryInfo is one version of a key.
type EntryInfo struct {
	Block, Number int // of the data block; of the entry in it
	Key           ikey.Key
	Value         []byte
}

// Inspect reads the table in f from its footer to its last entry and tells what
// it finds, sound or damaged. It never changes the file, which stays open, and
// needs memory for the index and one block. Damage is a Finding and no error of
// Inspect: that is only what one of the functions returned.
//
// Where the footer is damaged, and where the index is, what they say serves as a
// hint: every block carries a checksum of its own, bound to the table and the
// place, and shows by that whether the hint was right.
//
//	err := sstable.Inspect(f, sstable.Inspection{
//		Block:   func(b *sstable.BlockInfo) error { fmt.Println(b.Number, b.Entries); return nil },
//		Finding: func(err error) error { log.Print(err); return nil },
//	})
func Inspect(f vfs.File, in Inspection) error {
	i := &inspector{in: in, r: &Reader{f: f, name: f.Name()}}
	i.inspect()
	return i.stop
}

// inspector goes on after damage, and ends with the first error of a visitor.
// Its reader was never opened: it lends its decoders.
type inspector struct {
	in           Inspection
	r            *Reader
	footer       *footer
	isSound      bool // the footer
	indexIsSound bool
	findings     int
	stop         error // of a visitor
	s            Scratch
}

func (i *inspector) inspect() {
	size, err := i.r.f.Size()
	if err != nil {
		i.find(fmt.Errorf("sstable: size of %s: %w", i.r.name, err))
		return
	}
	if !i.readFooter(uint64(max(size, 0))) {
		return
	}
	i.properties()
	i.filter()
	x, ok := i.index()
	if !ok {
		return
	}
	i.blocks(x)
	i.asWhole()
}

// find tells a finding; nil is none.
func (i *inspector) find(err error) {
	if err == nil || i.stop != nil {
		return
	}
	i.findings++
	if i.in.Finding != nil {
		i.stop = i.in.Finding(err)
	}
}

// tell hands v to a visitor that may be absent.
func tell[T any](i *inspector, visit func(T) error, v T) {
	if visit != nil && i.stop == nil {
		i.stop = visit(v)
	}
}

// readFooter is false where nothing can be read on its word.
func (i *inspector) readFooter(size uint64) bool {
	r := i.r
	if size < footerBytes {
		i.find(corruption.New(r.name, int64(size), "file of %d bytes is shorter than a footer", size))
		return false
	}
	var b [footerBytes]byte
	at := size - footerBytes
	if err := r.readFull(b[:], at); err != nil {
		i.find(err)
		return false
	}
	_, err := parseFooter(b[:], size)
	f := footerFields(b[:])
	i.footer, i.isSound, r.footer, r.identity = f, err == nil, f, f.identity
	tell(i, i.in.Footer, &FooterInfo{
		Offset: int64(at), IsSound: err == nil, Version: binary.LittleEndian.Uint32(b[footerSumAt+4:]),
		Identity: f.identity, FileBytes: f.fileBytes, DataEnd: f.dataEnd,
		Incompatible: f.features[0], ReadCompatible: f.features[1], Compatible: f.features[2],
		Filter: f.filter.place(), Index: f.index.place(), Properties: f.properties.place(),
	})
	if err == nil {
		return true
	}
	err = r.wrong(at, err)
	i.find(err)
	f.fileBytes = size // no offset leads out of the file
	return !isNewer(err) && i.stop == nil
}
