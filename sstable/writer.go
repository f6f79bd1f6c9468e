package sstable

// How a table is written: entries in order, each value copied once to where it
// stays, blocks closed as they fill, the rest at Finish.

import (
	"bytes"
	"errors"
	"fmt"
	"sync"

	"github.com/varvekv/varve/internal/codec"
	"github.com/varvekv/varve/internal/crc"
	"github.com/varvekv/varve/internal/hash"
	"github.com/varvekv/varve/internal/ikey"
	"github.com/varvekv/varve/vfs"
)

// WriterOptions say how a table is written.
type WriterOptions struct {
	Identity    uint64     // random; goes into footer and checksums. REQUIRES: not 0
	BlockBytes  int        // target of a stored data block before compression; 0 = 4096
	Compression codec.Type // of data blocks; 0 = none
	BloomBits   int        // of filter per user key; 0 = 10, negative = no filter
	TimeMin     int64      // of the oldest write, for Properties: unix nanoseconds, 0 = unknown
	TimeMax     int64      // of the newest write, likewise
}

// Defaults of WriterOptions, and the bounds that options are clamped to.
const (
	DefaultBlockBytes = 4096
	DefaultBloomBits  = 10

	minBlockBytes, maxBlockBytes = 512, 1 << 20
	maxBloomBits                 = 24
)

var (
	errFinished = errors.New("sstable: table is finished")
	errOrder    = errors.New("sstable: keys are not ascending")
)

// Writer writes one table. It is used by one goroutine. Its first error is
// sticky; the file is then worthless and the caller's to remove.
type Writer struct {
	o     WriterOptions
	props Properties
	bufs  *writerBuffers // nil once finished or closed

	out         output
	blockStart  int          // index in out.buf of the open block's first value
	last        []byte       // last user key of the closed blocks
	lastTrailer ikey.Trailer // added last
	lastHash    uint64       // of the user key added last
	owesFence   bool         // the last closed block waits for the key behind it
}

// writerBuffers outlive a writer in a pool.
type writerBuffers struct {
	out     []byte
	encoded []byte
	last    []byte
	hashes  []uint64
	block   blockBuilder
	index   indexBuilder
}

var bufferPool = sync.Pool{New: func() any { return new(writerBuffers) }}

// NewWriter writes a table to f, an empty file that stays the caller's: Finish
// neither syncs nor closes it. End with Finish or Close.
func NewWriter(f vfs.File, o WriterOptions) *Writer {
	o.setDefaults()
	w := &Writer{o: o, bufs: bufferPool.Get().(*writerBuffers)}
	w.out = output{f: f, buf: w.bufs.out[:0]}
	w.last = w.bufs.last[:0]
	w.bufs.hashes = w.bufs.hashes[:0]
	w.bufs.block.reset()
	w.bufs.index.reset()
	w.props = Properties{
		Identity: o.Identity, TimeMin: o.TimeMin, TimeMax: o.TimeMax,
		Compression: o.Compression, BloomBits: max(o.BloomBits, 0), SeqMin: ikey.MaxSeq,
	}
	return w
}

func (o *WriterOptions) setDefaults() {
	if o.BlockBytes == 0 {
		o.BlockBytes = DefaultBlockBytes
	}
	if o.BloomBits == 0 {
		o.BloomBits = DefaultBloomBits
	}
	if o.Compression == codec.Invalid {
		o.Compression = codec.None
	}
	o.BlockBytes = min(max(o.BlockBytes, minBlockBytes), maxBlockBytes)
	o.BloomBits = min(o.BloomBits, maxBloomBits)
}

// Add appends an entry. k and value are borrowed for the call. REQUIRES: k is
// after every key added before; else, and for keys and values beyond the limits,
// an error.
func (w *Writer) Add(k ikey.Key, value []byte) error {
	if w.out.err != nil {
		return w.out.err
	}
	isNewUser, err := w.check(k, len(value))
	if err != nil {
		w.out.err = err
		return err
	}
	b := &w.bufs.block
	if b.count() > 0 && b.sizeWith(k.User, uint64(k.Trailer), len(value))+blockTrailerBytes > uint64(w.o.BlockBytes) {
		w.closeBlock()
	}
	w.payFence(k.User)
	if isNewUser {
		w.props.UserKeys++
		w.lastHash = hash.Sum(k.User)
		if w.o.BloomBits > 0 {
			w.bufs.hashes = append(w.bufs.hashes, w.lastHash)
		}
	}
	w.lastTrailer = k.Trailer
	w.count(k, value)
	if b.count() == 0 && w.isDirect(k, value) {
		w.addDirect(k, value)
		return w.out.err
	}
	b.add(k.User, w.lastHash, uint64(k.Trailer), len(value))
	w.out.buf = append(w.out.buf, value...)
	return w.out.err
}

// check reports whether the entry may follow, and whether its user key is new.
func (w *Writer) check(k ikey.Key, valueLen int) (isNewUser bool, err error) {
	if w.bufs == nil {
		return false, errFinished
	}
	if len(k.User) > MaxKeyBytes || valueLen > MaxValueBytes {
		return false, fmt.Errorf("sstable: key of %d or value of %d bytes is too long", len(k.User), valueLen)
	}
	if !k.Trailer.Kind().Known() {
		return false, fmt.Errorf("sstable: %v cannot be stored", k.Trailer.Kind())
	}
	last := w.last
	if n := w.bufs.block.count(); n > 0 {
		last = w.bufs.block.lastKey()
	} else if w.props.Entries == 0 {
		return true, nil
	}
	c := bytes.Compare(last, k.User)
	if c > 0 || c == 0 && w.lastTrailer <= k.Trailer {
		return false, fmt.Errorf("%w: %v after %q", errOrder, k, last)
	}
	return c != 0, nil
}

// count keeps the properties.
func (w *Writer) count(k ikey.Key, value []byte) {
	p := &w.props
	if p.Entries == 0 {
		p.Lower = append([]byte{}, k.User...)
	}
	p.Entries++
	p.KeyBytes += uint64(len(k.User))
	p.ValueBytes += uint64(len(value))
	p.SeqMin = min(p.SeqMin, k.Trailer.Seq())
	p.SeqMax = max(p.SeqMax, k.Trailer.Seq())
	if k.Trailer.Kind() == ikey.KindDelete {
		p.Tombstones++
	}
	p.EntrySum += hash.Entry(k.User, uint64(k.Trailer), value)
}

// payFence gives the last closed block its fence, now that the user key behind
// it is known.
func (w *Writer) payFence(next []byte) {
	if !w.owesFence {
		return
	}
	x := &w.bufs.index
	x.fences = separator(x.fences, w.last, next)
	x.endFence()
	w.owesFence = false
}

// closeBlock ends the open block and writes the buffer when it is full.
// REQUIRES: the block has entries.
func (w *Writer) closeBlock() {
	b := &w.bufs.block
	w.out.buf = b.finish(w.out.buf)
	decoded := len(w.out.buf) - w.blockStart
	w.last = append(w.last[:0], b.lastKey()...)
	offset := uint64(w.out.written) + uint64(w.blockStart)
	typ := codec.None
	if w.o.Compression != codec.None {
		w.bufs.encoded, typ = codec.Encode(w.bufs.encoded[:0], w.out.buf[w.blockStart:], w.o.Compression)
		if typ != codec.None {
			w.out.buf = append(w.out.buf[:w.blockStart], w.bufs.encoded...)
		}
	}
	stored := len(w.out.buf) - w.blockStart
	w.out.buf = appendBlockTrailer(w.out.buf, w.blockStart, typ, w.o.Identity, offset)
	w.endBlock(stored, decoded)
}

// endBlock notes a block whose bytes are complete in the output.
func (w *Writer) endBlock(stored, decoded int) {
	w.bufs.block.reset()
	w.bufs.index.stored = append(w.bufs.index.stored, uint32(stored))
	w.bufs.index.decoded = append(w.bufs.index.decoded, uint32(decoded))
	w.owesFence = true
	w.props.DataBlocks++
	w.props.RawBytes += uint64(decoded)
	if len(w.out.buf) >= writeBytes {
		w.out.flush()
	}
	w.blockStart = len(w.out.buf)
}

// isDirect is true for a value that goes to the file from the caller's memory:
// too long to be copied, and stored raw.
func (w *Writer) isDirect(k ikey.Key, value []byte) bool {
	isRaw := w.o.Compression == codec.None || len(value)+len(k.User)+blockTailBytes > codec.MaxLen
	return isRaw && len(value) >= writeBytes
}

// addDirect writes a block of one entry without copying its value.
func (w *Writer) addDirect(k ikey.Key, value []byte) {
	w.out.flush()
	offset := w.out.offset()
	b := &w.bufs.block
	b.add(k.User, w.lastHash, uint64(k.Trailer), len(value))
	w.last = append(w.last[:0], k.User...)
	sum := crc.Sum(value)
	w.out.write(value)
	w.out.buf = append(b.finish(w.out.buf), byte(codec.None))
	sum = crc.Update(sum, w.out.buf)
	n := len(value) + len(w.out.buf) - 1
	w.out.buf = appendSum(w.out.buf, sum^mask(w.o.Identity, offset))
	w.endBlock(n, n)
}

// EstimatedBytes is how long the file would be if it were finished now.
func (w *Writer) EstimatedBytes() int64 {
	if w.bufs == nil {
		return w.props.FileBytes
	}
	b := &w.bufs.block
	n := int64(w.out.offset()) + int64(len(b.keys)) + int64(8*b.count())
	n += int64(w.bufs.index.sizeBytes()) + footerBytes + filterHeaderBytes
	return n + int64(len(w.bufs.hashes))*int64(max(w.o.BloomBits, 0))/8
}

// Close gives the writer's memory back without finishing the table. After
// Finish, and a second time, it does nothing.
func (w *Writer) Close() {
	b := w.bufs
	if b == nil {
		return
	}
	w.bufs = nil
	if w.out.err == nil {
		w.out.err = errFinished
	}
	b.out, b.last = w.out.buf, w.last
	w.out.buf = nil
	if cap(b.out) > keptBytes {
		b.out = nil
	}
	if cap(b.encoded) > keptBytes {
		b.encoded = nil
	}
	bufferPool.Put(b)
}
