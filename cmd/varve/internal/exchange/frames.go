package exchange

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"

	"github.com/varvekv/varve"
)

// A file of frames, integers little endian or uvarint:
//
//	┌──────────────────┐
//	│ "varve frames 1\n" │
//	├───┬─────────┬───────────┬─────┬───────┬───────┐
//	│ 1 │ key len │ value len │ key │ value │ crc32 │  for each entry
//	├───┼─────────┼───────────┴─────┴───────┴───────┘
//	│ 0 │ entries │ crc32 │                             the end, and nothing behind it
//	└───┴─────────┴───────┘
//
// crc32 is Castagnoli's, over the frame from its first byte. A file that was cut
// lacks its end; an entry that was changed is never handed on.
const (
	frameMagic = "varve frames 1\n"
	frameEnd   = 0
	frameEntry = 1
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

type frameWriter struct {
	w     io.Writer
	count uint64
	begun bool
	frame []byte
}

func newFrameWriter(w io.Writer) *frameWriter { return &frameWriter{w: w} }

// Write implements Writer.
func (w *frameWriter) Write(key, value []byte) error {
	w.count++
	b := append(w.begin(), frameEntry)
	b = binary.AppendUvarint(b, uint64(len(key)))
	b = binary.AppendUvarint(b, uint64(len(value)))
	b = append(append(b, key...), value...)
	return w.end(b)
}

// Close implements Writer.
func (w *frameWriter) Close() error {
	return w.end(binary.AppendUvarint(append(w.begin(), frameEnd), w.count))
}

func (w *frameWriter) begin() []byte { return w.frame[:0] }

func (w *frameWriter) end(b []byte) error {
	if !w.begun {
		w.begun = true
		if _, err := io.WriteString(w.w, frameMagic); err != nil {
			return err
		}
	}
	w.frame = binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
	_, err := w.w.Write(w.frame)
	return err
}

type frameReader struct {
	r      *bufio.Reader
	sum    hash.Hash32
	offset int64 // of the next byte
	begin  int64 // of the frame that is being read
	count  uint64
	begun  bool
	ended  bool
	data   bytes.Buffer
}

func newFrameReader(r io.Reader) *frameReader {
	return &frameReader{r: bufio.NewReaderSize(r, 256<<10), sum: crc32.New(castagnoli)}
}

// Next implements Reader.
func (r *frameReader) Next() (key, value []byte, err error) {
	key, value, err = r.next()
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = r.malformed("the file ends here, before its end mark: it was cut")
	}
	return key, value, err
}

func (r *frameReader) next() (key, value []byte, err error) {
	if r.ended {
		return nil, nil, io.EOF
	}
	if !r.begun {
		if err := r.readMagic(); err != nil {
			return nil, nil, err
		}
	}
	r.begin = r.offset
	r.sum.Reset()
	kind, err := r.readByte()
	switch {
	case err != nil:
		return nil, nil, err
	case kind == frameEntry:
		return r.readEntry()
	case kind == frameEnd:
		return nil, nil, r.readEnd()
	}
	return nil, nil, r.malformed("kind %d of a frame is unknown", kind)
}

func (r *frameReader) readMagic() error {
	var magic [len(frameMagic)]byte
	if _, err := io.ReadFull(r.r, magic[:]); err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return err
	}
	if string(magic[:]) != frameMagic {
		return r.malformed("does not begin with %q: not a file of frames", frameMagic)
	}
	r.begun, r.offset = true, int64(len(magic))
	return nil
}

func (r *frameReader) readEntry() (key, value []byte, err error) {
	keyBytes, err := r.readSize(varve.MaxKeyBytes)
	if err != nil {
		return nil, nil, err
	}
	valueBytes, err := r.readSize(varve.MaxValueBytes)
	if err != nil {
		return nil, nil, err
	}
	// The buffer grows with what is there, not with what the frame claims.
	r.data.Reset()
	n, err := io.CopyN(&r.data, r.r, int64(keyBytes+valueBytes))
	r.offset += n
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, nil, err
	}
	r.sum.Write(r.data.Bytes())
	if err := r.checkSum(); err != nil {
		return nil, nil, err
	}
	r.count++
	data := r.data.Bytes()
	return data[:keyBytes], data[keyBytes:], nil
}

func (r *frameReader) readSize(most int) (int, error) {
	n, err := r.readUvarint()
	if err == nil && n > uint64(most) {
		err = r.malformed("a length of %d bytes: the limit is %d", n, most)
	}
	return int(n), err
}

func (r *frameReader) readUvarint() (n uint64, err error) {
	for shift := 0; shift < 63; shift += 7 {
		b, err := r.readByte()
		if err != nil {
			return 0, err
		}
		n |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return n, nil
		}
	}
	return 0, r.malformed("a number does not end")
}

func (r *frameReader) readEnd() error {
	count, err := r.readUvarint()
	if err != nil {
		return err
	}
	if err := r.checkSum(); err != nil {
		return err
	}
	if count != r.count {
		return r.malformed("the end mark counts %d entries, there were %d", count, r.count)
	}
	switch _, err := r.r.ReadByte(); {
	case err == nil:
		return r.malformed("something follows the end mark")
	case err != io.EOF:
		return err
	}
	r.ended = true
	return io.EOF
}

func (r *frameReader) checkSum() error {
	want := r.sum.Sum32()
	var got [4]byte
	if _, err := io.ReadFull(r.r, got[:]); err != nil {
		return cutShort(err)
	}
	r.offset += int64(len(got))
	if binary.LittleEndian.Uint32(got[:]) != want {
		return r.malformed("checksum mismatch: the frame is damaged")
	}
	return nil
}

// readByte is one byte of a frame; an end of the file here comes too early.
func (r *frameReader) readByte() (byte, error) {
	b, err := r.r.ReadByte()
	if err != nil {
		return 0, cutShort(err)
	}
	r.offset++
	r.sum.Write([]byte{b})
	return b, nil
}

func cutShort(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

func (r *frameReader) malformed(format string, args ...any) error {
	return &Malformed{Offset: r.begin, Reason: fmt.Sprintf(format, args...)}
}
