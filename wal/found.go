package wal

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/varvekv/varve/internal/filename"
	"github.com/varvekv/varve/internal/recordio"
	"github.com/varvekv/varve/vfs"
)

// class is what recovery takes a segment file for, by its header.
type class uint8

const (
	live   class = iota + 1 // a segment; its header may be damaged in one copy
	spare                   // prepared for use: holds nothing
	broken                  // no header: unborn when all zero, torn or damaged otherwise
)

var tornSuffix = filename.MakeTorn("")

// found is one segment file that recovery found.
type found struct {
	number    uint64
	name      string
	sizeBytes int64
	class     class
	header    segmentHeader
	damage    headerDamage
	block     []byte // the header block as it should be, read from one whole copy

	// From the header that links to it.
	bounded  bool
	bound    LSN // where its frames are accepted to end
	boundSum uint64

	missing uint64 // number of the segment before it, when that is missing or broken
	scanned bool   // so that units and dropped say what it holds
	units   uint64 // found in it
	end     LSN    // of its last accepted frame
	dropped int64  // bytes found behind
}

func (f *found) readHeader(d vfs.Dir) (err error) {
	file, err := d.Open(f.name)
	if err != nil {
		return fmt.Errorf("wal: open: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if f.sizeBytes, err = file.Size(); err != nil {
		return fmt.Errorf("wal: open: %w", err)
	}
	block := make([]byte, min(headerBytes, f.sizeBytes))
	if n, err := file.ReadAt(block, 0); err != nil && !(errors.Is(err, io.EOF) && n == len(block)) {
		return fmt.Errorf("wal: open: read the header of %s: %w", f.name, err)
	}
	if f.header, f.damage, err = parseHeader(block); err != nil {
		return unsupported(f.name, 0, "%v", err)
	}
	if f.damage.usable {
		f.block = blockOf(wholeCopy(block))
	}
	switch {
	case !f.damage.usable:
		f.class = broken
	case f.header.state == stateSpare:
		f.class = spare
	default:
		f.class, f.end = live, f.header.first
	}
	return nil
}

// checkFeatures refuses to write behind features that allow reading only.
func (f *found) checkFeatures(readOnly bool) error {
	if unknown := f.header.features.readCompatible &^ knownReadCompatible; unknown != 0 && !readOnly {
		return unsupported(f.name, 24, "unknown feature bits %#x allow reading only", unknown)
	}
	return nil
}

// region is where the file's frames lie; bounded ones end where they were accepted.
func (f *found) region() recordio.Region {
	r := f.wholeRegion()
	if f.bounded {
		r.End = r.OffsetOf(uint64(f.bound))
	}
	return r
}

func (f *found) wholeRegion() recordio.Region {
	return recordio.Region{Seed: f.header.binding().Seed(), Start: headerBytes, End: f.sizeBytes, LSN: uint64(f.header.first)}
}

func (f *found) offsetOf(lsn LSN) int64 { return headerBytes + int64(lsn-f.header.first) }

// lastLSN is a position that no byte in the file reaches.
func (f *found) lastLSN() LSN {
	return f.header.first + LSN(max(0, f.sizeBytes-headerBytes))
}

func sortFound(files []*found) {
	slices.SortFunc(files, func(a, b *found) int {
		switch {
		case a.number < b.number:
			return -1
		case a.number > b.number:
			return 1
		}
		return strings.Compare(a.name, b.name)
	})
}
