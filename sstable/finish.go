package sstable

// What follows the data: filter, index, properties, footer.

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/varvekv/varve/internal/codec"
)

// appendSum appends a checksum.
func appendSum(dst []byte, sum uint32) []byte { return binary.LittleEndian.AppendUint32(dst, sum) }

// Finish writes what is left and the footer. The table is complete in the file
// system's cache then; making it durable is the caller's business. The writer
// cannot be used any more, also after an error.
func (w *Writer) Finish() (Properties, error) {
	if w.bufs == nil {
		return Properties{}, w.out.err
	}
	defer w.Close()
	if w.out.err != nil {
		return Properties{}, w.out.err
	}
	if w.bufs.block.count() > 0 {
		w.closeBlock()
	}
	w.payLastFence()
	f := footer{identity: w.o.Identity, dataEnd: w.out.offset()}
	w.props.DataBytes = f.dataEnd
	w.writeFilter(&f)
	w.writeIndex(&f)
	w.writeProperties(&f)
	f.fileBytes = w.out.offset() + footerBytes
	w.props.FileBytes = int64(f.fileBytes)
	w.out.buf = appendFooter(w.out.buf, &f)
	w.out.flush()
	return w.props, w.out.err
}

// payLastFence makes the greatest key the fence of the last block.
func (w *Writer) payLastFence() {
	if w.props.Entries == 0 {
		w.props.SeqMin = 0
		return
	}
	w.props.Upper = append([]byte{}, w.last...)
	w.payFence(w.last)
}

// section ends an uncompressed block that starts at start in the buffer.
func (w *Writer) section(start int) handle {
	n := len(w.out.buf) - start
	h := handle{uint64(w.out.written) + uint64(start), uint32(n), uint32(n)}
	if uint64(n) > math.MaxUint32 && w.out.err == nil {
		w.out.err = fmt.Errorf("sstable: section of %d bytes in %s is too long", n, w.out.f.Name())
	}
	w.out.buf = appendBlockTrailer(w.out.buf, start, codec.None, w.o.Identity, h.offset)
	if len(w.out.buf) >= writeBytes {
		w.out.flush()
	}
	return h
}

func (w *Writer) writeFilter(f *footer) {
	if w.o.BloomBits < 0 || len(w.bufs.hashes) == 0 {
		return
	}
	start := len(w.out.buf)
	buf, err := appendFilter(w.out.buf, w.bufs.hashes, w.o.BloomBits)
	if err != nil && w.out.err == nil {
		w.out.err = fmt.Errorf("sstable: %s: %w", w.out.f.Name(), err)
	}
	w.out.buf = buf
	w.props.FilterBytes = uint64(len(buf) - start)
	f.filter = w.section(start)
}

func (w *Writer) writeIndex(f *footer) {
	start := len(w.out.buf)
	w.out.buf = w.bufs.index.appendTo(w.out.buf)
	w.props.IndexBytes = uint64(len(w.out.buf) - start)
	f.index = w.section(start)
}

func (w *Writer) writeProperties(f *footer) {
	start := len(w.out.buf)
	w.out.buf = appendProperties(w.out.buf, &w.props)
	f.properties = w.section(start)
}
