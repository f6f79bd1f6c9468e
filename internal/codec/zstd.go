package codec

// Which Zstandard coders are used, and how they are bounded: one window for
// both sides, no goroutines, memory limited to the caller's buffer.

import (
	"fmt"
	"sync"

	"github.com/klauspost/compress/zstd"
)

const (
	windowBytes = 1 << 20 // blocks are small; a greater window is only memory
	overAlloc   = 16      // room behind the output in which the decoder's wide copies may end
)

var encoders = sync.Pool{New: func() any {
	e, err := zstd.NewWriter(nil,
		zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithEncoderConcurrency(1),
		zstd.WithEncoderCRC(false), // the block's own checksum covers the stored bytes
		zstd.WithWindowSize(windowBytes),
		zstd.WithSingleSegment(true), // the frame carries its length
		zstd.WithLowerEncoderMem(true))
	if err != nil {
		panic("codec: zstd encoder options: " + err.Error()) // bug: our own constants
	}
	return e
}}

var decoders = sync.Pool{New: func() any {
	d, err := zstd.NewReader(nil,
		zstd.WithDecoderConcurrency(1),
		zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxMemory(MaxLen+overAlloc),
		zstd.WithDecoderMaxWindow(MaxLen), // single segments: the window is the content
		zstd.WithDecodeAllCapLimit(true))  // never beyond the caller's buffer
	if err != nil {
		panic("codec: zstd decoder options: " + err.Error()) // bug: our own constants
	}
	return d
}}

func encodeZstd(dst, src []byte) []byte {
	e := encoders.Get().(*zstd.Encoder)
	defer encoders.Put(e)
	return e.EncodeAll(src, dst)
}

func decodeZstd(dst, src []byte, length int) ([]byte, error) {
	d := decoders.Get().(*zstd.Decoder)
	defer decoders.Put(d)
	dst, room := grow(dst, length, overAlloc)
	out, err := d.DecodeAll(src, room[:0])
	if err != nil {
		return dst, fmt.Errorf("%w: %v", ErrCorrupt, err)
	}
	if len(out) != length {
		return dst, fmt.Errorf("%w: zstd frame holds %d bytes, %d expected", ErrCorrupt, len(out), length)
	}
	return dst[:len(dst)+length], nil
}
