package sstable

// The end of a table that is being written: bytes gather in memory and go to
// the file in large pieces.

import (
	"fmt"

	"github.com/varvekv/varve/vfs"
)

const (
	writeBytes     = 256 << 10 // of one write
	writebackBytes = 1 << 20   // after so many written the system is asked to begin with the disk
	keptBytes      = 1 << 20   // a buffer that grew beyond this is not kept for the next table
)

// output is an append-only file with a buffer. Its error is sticky.
type output struct {
	f       vfs.File
	buf     []byte
	written int64 // bytes in the file; buf follows them
	begun   int64 // up to where writeback was asked for
	err     error
}

// offset is where the next byte lands in the file.
func (o *output) offset() uint64 { return uint64(o.written) + uint64(len(o.buf)) }

// flush writes the buffer out.
func (o *output) flush() {
	o.write(o.buf)
	o.buf = o.buf[:0]
}

// write writes p behind what is in the file. REQUIRES: p is the buffer, or the
// buffer is empty.
func (o *output) write(p []byte) {
	for len(p) > 0 && o.err == nil {
		n := min(len(p), 4*writeBytes)
		if _, err := o.f.WriteAt(p[:n], o.written); err != nil {
			o.err = fmt.Errorf("sstable: write %s: %w", o.f.Name(), err)
			return
		}
		o.written += int64(n)
		p = p[n:]
		o.startWriteback()
	}
}

// startWriteback keeps the last sync short: dirty pages trickle out while the
// table is still being written.
func (o *output) startWriteback() {
	if o.written-o.begun < writebackBytes {
		return
	}
	if err := o.f.StartWriteback(o.begun, o.written-o.begun); err != nil {
		o.err = fmt.Errorf("sstable: start writeback of %s: %w", o.f.Name(), err)
	}
	o.begun = o.written
}
