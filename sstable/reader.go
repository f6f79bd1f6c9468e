package sstable

// How a table is opened: footer, properties, then filter and index in one read
// into memory outside Go's heap.

import (
	"errors"
	"fmt"
	"io"

	"github.com/varvekv/varve/internal/cache"
	"github.com/varvekv/varve/internal/codec"
	"github.com/varvekv/varve/internal/corruption"
	"github.com/varvekv/varve/internal/offheap"
	"github.com/varvekv/varve/vfs"
)

// ReaderOptions say how a table is opened, and which one is expected.
type ReaderOptions struct {
	Cache     *cache.Cache // of data blocks, charged with filter and index; nil = none
	Identity  uint64       // expected; 0 = any
	FileBytes int64        // expected length of the file; 0 = any
}

// Reader reads one table. Its methods may be called from any goroutine, but Close.
type Reader struct {
	f        vfs.File
	name     string
	identity uint64
	props    *Properties
	filter   filter
	index    index
	cache    *cache.Cache
	slots    *cache.Slots // nil without a cache
	region   []byte       // filter, index and its derived columns, outside the heap
	footer   *footer
	isClosed bool
}

// tailBytes is how much of the file's end one read fetches: the footer and, but
// for very long keys, the properties.
const tailBytes = 4096

// Open opens the table in f, which it owns from now on, also when it fails.
// Damage is an error matching corruption.Err, a table of a later version one
// matching corruption.ErrUnsupported; errors of the file system are wrapped.
func Open(f vfs.File, o ReaderOptions) (*Reader, error) {
	r := &Reader{f: f, name: f.Name(), cache: o.Cache}
	if err := r.open(o); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

func (r *Reader) open(o ReaderOptions) error {
	tail, err := r.readFooter(o)
	if err != nil {
		return err
	}
	if err := r.readProperties(tail); err != nil {
		return err
	}
	if err := r.readRegion(); err != nil {
		return err
	}
	if r.cache != nil {
		r.slots = r.cache.NewSlots(r.index.count)
	}
	return nil
}

// readFooter returns the last bytes of the file, footer included.
func (r *Reader) readFooter(o ReaderOptions) (tail []byte, err error) {
	size, err := r.f.Size()
	if err != nil {
		return nil, fmt.Errorf("sstable: size of %s: %w", r.name, err)
	}
	if size < footerBytes {
		return nil, corruption.New(r.name, size, "file of %d bytes is shorter than a footer", size)
	}
	if o.FileBytes != 0 && o.FileBytes != size {
		return nil, corruption.New(r.name, min(size, o.FileBytes), "file is %d bytes long, %d expected", size, o.FileBytes)
	}
	tail = make([]byte, min(size, tailBytes))
	if err := r.readFull(tail, uint64(size)-uint64(len(tail))); err != nil {
		return nil, err
	}
	r.footer, err = parseFooter(tail[len(tail)-footerBytes:], uint64(size))
	if err != nil {
		return nil, r.wrong(uint64(size-footerBytes), err)
	}
	r.identity = r.footer.identity
	if o.Identity != 0 && o.Identity != r.identity {
		return nil, corruption.New(r.name, size-footerBytes, "table is %016x, %016x expected: a foreign file", r.identity, o.Identity)
	}
	return tail, nil
}

func (r *Reader) readProperties(tail []byte) error {
	h := r.footer.properties
	n := int(h.stored) + blockTrailerBytes
	raw := tail[:len(tail)-footerBytes]
	if n <= len(raw) {
		raw = raw[len(raw)-n:]
	} else {
		raw = make([]byte, n)
		if err := r.readFull(raw, h.offset); err != nil {
			return err
		}
	}
	content, err := r.openSection(raw, h)
	if err != nil {
		return err
	}
	if r.props, err = parseProperties(content); err != nil {
		return r.wrong(h.offset, err)
	}
	r.props.FileBytes = int64(r.footer.fileBytes)
	if r.props.Identity != r.identity || r.props.DataBytes != r.footer.dataEnd {
		return corruption.New(r.name, int64(h.offset), "properties and footer contradict each other")
	}
	return nil
}

// readRegion reads filter and index, which lie side by side, and lays the
// index's derived columns behind them.
func (r *Reader) readRegion() error {
	from, to := r.footer.dataEnd, r.footer.properties.offset
	blocks := r.props.DataBlocks
	if blocks > uint64(r.footer.index.stored)/indexEntryBytes { // bounds the allocation
		return corruption.New(r.name, int64(r.footer.index.offset), "index is too short for %d blocks", blocks)
	}
	n := (to - from + 7) &^ 7
	region, err := offheap.Alloc(int(n + blocks*indexDerivedBytes))
	if err != nil {
		return fmt.Errorf("sstable: open %s: %w", r.name, err)
	}
	r.region = region
	if r.cache != nil {
		r.cache.Charge(int64(len(region)))
	}
	if err := r.readFull(region[:to-from], from); err != nil {
		return err
	}
	return r.parseRegion(region[:to-from], region[n:])
}

func (r *Reader) parseRegion(raw, derived []byte) error {
	if h := r.footer.filter; h != (handle{}) {
		n := int(h.stored) + blockTrailerBytes
		content, err := r.openSection(raw[:n], h)
		if err != nil {
			return err
		}
		if r.filter, err = parseFilter(content); err != nil {
			return r.wrong(h.offset, err)
		}
		raw = raw[n:]
	}
	h := r.footer.index
	content, err := r.openSection(raw, h)
	if err != nil {
		return err
	}
	if r.index, err = parseIndex(content, derived, r.footer.dataEnd); err != nil {
		return corruption.New(r.name, int64(h.offset), "%v", err)
	}
	if uint64(r.index.count) != r.props.DataBlocks {
		return corruption.New(r.name, int64(h.offset), "index has %d blocks, properties say %d", r.index.count, r.props.DataBlocks)
	}
	return nil
}

// openSection verifies a block that is never compressed.
func (r *Reader) openSection(raw []byte, h handle) ([]byte, error) {
	content, t, err := openBlock(raw, r.identity, h.offset)
	if err != nil {
		return nil, r.wrong(h.offset, err)
	}
	if t != codec.None {
		return nil, corruption.New(r.name, int64(h.offset), "section is compressed as %v", t)
	}
	return content, nil
}

// readFull fills p from the file. The end of the file is damage: all that is
// read lies within the length found at Open.
func (r *Reader) readFull(p []byte, offset uint64) error {
	n, err := r.f.ReadAt(p, int64(offset))
	if n == len(p) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		return corruption.New(r.name, int64(offset)+int64(n), "file ends in the middle of a block")
	}
	return fmt.Errorf("sstable: read %d bytes of %s at %d: %w", len(p), r.name, offset, err)
}

// Properties describe the table; they must not be changed.
func (r *Reader) Properties() *Properties { return r.props }

// MemoryBytes is what the open table holds besides cached blocks: filter, index
// and the cache's words for its blocks.
func (r *Reader) MemoryBytes() int64 { return int64(len(r.region)) + 8*int64(r.index.count) }

// MayContain is false only when no version of the user key with this hash.Sum is
// in the table.
func (r *Reader) MayContain(h uint64) bool { return r.filter.mayContain(h) }

// Close gives file, memory and cached blocks back. A second Close does nothing.
// REQUIRES: no Get, no Check and no cursor under way, and nothing borrowed from
// them in use.
func (r *Reader) Close() error {
	if r.isClosed {
		return nil
	}
	r.isClosed = true
	if r.slots != nil {
		r.slots.Close()
	}
	if r.cache != nil && r.region != nil {
		r.cache.Uncharge(int64(len(r.region)))
	}
	r.filter, r.index = filter{}, index{}
	err := offheap.Free(r.region)
	r.region = nil
	if cerr := r.f.Close(); cerr != nil {
		err = errors.Join(err, fmt.Errorf("sstable: close %s: %w", r.name, cerr))
	}
	return err
}
