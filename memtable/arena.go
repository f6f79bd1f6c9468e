package memtable

import (
	"errors"
	"fmt"

	"github.com/varvekv/varve/internal/offheap"
)

// errFull is returned when an arena has handed out all 32 GiB that refs reach.
var errFull = errors.New("memtable: the arena's 32 GiB are used up")

// memory is where chunks come from: offheap, but for tests that want the race
// detector to see them. alloc returns zeroed, 8-byte aligned memory.
type memory struct {
	alloc func(n int) ([]byte, error)
	free  func(b []byte) error
}

// arena hands out pieces of mapped memory and takes all of them back at once.
// It belongs to the writer; readers only follow refs through the space.
type arena struct {
	space
	memory  memory
	recycle func(b []byte) error // takes the first chunk, when it came from outside

	chunks  [][]byte
	granule int    // the next free one
	next    uint64 // where the next piece goes, in bytes of the space
	limit   uint64 // where the current chunk ends
	used    int64  // bytes handed out, with their padding
	mapped  int64  // bytes of all chunks
}

// Growth beyond the first chunk: half of what is there, within these bounds.
// A piece larger than a quarter of that gets a chunk of its own, so that the
// current chunk's rest is not lost behind it.
const (
	growBytesMin = 64 << 10
	growBytesMax = 64 << 20
	pageBytes    = 4 << 10
)

// start makes first the arena's first chunk. Its contents do not matter.
func (a *arena) start(first []byte) {
	a.adopt(first)
	a.next = wordBytes // ref 0 is none
	a.limit = uint64(len(first))
}

// adopt attaches chunk at the next free granule and returns its byte address.
// REQUIRES: it fits.
func (a *arena) adopt(chunk []byte) (start uint64) {
	start = uint64(a.granule) * granuleBytes
	a.attach(a.granule, chunk)
	a.granule += granulesOf(len(chunk))
	a.chunks = append(a.chunks, chunk)
	a.mapped += int64(len(chunk))
	return start
}

func granulesOf(bytes int) int { return (bytes + granuleBytes - 1) / granuleBytes }

// alloc returns the place of n fresh bytes, whose contents are arbitrary.
func (a *arena) alloc(n int) (ref, error) {
	size := roundUp(n, wordBytes)
	if a.next+uint64(size) > a.limit {
		return a.allocInNewChunk(size)
	}
	r := ref(a.next / wordBytes)
	a.next += uint64(size)
	a.used += int64(size)
	return r, nil
}

func (a *arena) allocInNewChunk(size int) (ref, error) {
	grow := int(min(max(a.mapped/2, growBytesMin), growBytesMax))
	private := size > grow/4
	if private {
		grow = size
	}
	grow = roundUp(grow, pageBytes)
	if a.granule+granulesOf(grow) > granuleCount {
		return 0, errFull
	}
	chunk, err := a.memory.alloc(grow)
	if err != nil {
		return 0, fmt.Errorf("memtable: grow the arena by %d bytes: %w", grow, err)
	}
	start := a.adopt(chunk)
	if !private {
		a.next, a.limit = start+uint64(size), start+uint64(len(chunk))
	}
	a.used += int64(size)
	return ref(start / wordBytes), nil
}

// free gives every chunk back. A second free does nothing.
func (a *arena) free() error {
	a.detach()
	var errs []error
	for i, chunk := range a.chunks {
		if i == 0 && a.recycle != nil {
			errs = append(errs, a.recycle(chunk))
			continue
		}
		errs = append(errs, a.memory.free(chunk))
	}
	a.chunks, a.mapped, a.next, a.limit = nil, 0, 0, 0
	return errors.Join(errs...)
}

// roundUp is n, rounded up to a multiple of a power of two.
func roundUp(n, multiple int) int { return (n + multiple - 1) &^ (multiple - 1) }

// offheapMemory is what tables live in outside tests.
var offheapMemory = memory{alloc: allocHuge, free: offheap.Free}

// hugeBytes is the size of a huge page on the machines this was measured on.
const hugeBytes = 2 << 20

// allocHuge asks for huge pages where they fit: look-ups go anywhere in the
// index and the arena, and with pages of 4 KiB each one is a TLB miss as well.
func allocHuge(n int) ([]byte, error) {
	b, err := offheap.Alloc(n)
	if err == nil && n >= hugeBytes {
		offheap.Huge(b)
	}
	return b, err
}
