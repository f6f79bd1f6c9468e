// Package offheap is memory outside Go's heap: anonymous mappings whose lifetime
// the caller decides. The collector neither scans, counts nor doubles it.
//
// What Alloc gave is returned with Free, once, when no reader is left: a later
// access faults and ends the program, it never reads another owner's bytes
// (unless a Pool handed the mapping on). The memory must not hold Go pointers.
//
//	b, err := offheap.Alloc(1 << 20)
//	…
//	err = offheap.Free(b)
package offheap

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"unsafe"
)

// pageBytes is the granularity of mappings.
var pageBytes = os.Getpagesize()

// liveBytes counts the mapped bytes of the process, whole pages.
var liveBytes atomic.Int64

// errNotMapped answers a Free of memory that Alloc did not give, or gave with other bounds.
var errNotMapped = errors.New("not a live mapping of this package")

// Live is the number of bytes mapped now by the whole process, in whole pages:
// for metrics, and for tests that look for leaks.
func Live() int64 { return liveBytes.Load() }

// Alloc maps n zeroed bytes; length and capacity are n, the start is page
// aligned. Pages take real memory when first touched. n = 0 gives nil.
func Alloc(n int) ([]byte, error) {
	if n == 0 {
		return nil, nil
	}
	if n < 0 {
		return nil, fmt.Errorf("offheap: map %d bytes: negative size", n)
	}
	b, err := mapBytes(n)
	if err != nil {
		return nil, fmt.Errorf("offheap: map %d bytes: %w", n, err)
	}
	liveBytes.Add(wholePages(n))
	return b, nil
}

// Free unmaps what Alloc gave. b must be that slice, neither moved at its front
// nor cut in capacity (its length does not matter); anything else is an error
// and changes nothing. nil is fine.
func Free(b []byte) error {
	if cap(b) == 0 {
		return nil
	}
	b = b[:cap(b)]
	if err := unmapBytes(b); err != nil {
		return fmt.Errorf("offheap: unmap %d bytes: %w", len(b), err)
	}
	liveBytes.Add(-wholePages(len(b)))
	return nil
}

// Touch makes every page of b real, so that later writes do not fault: 64 MiB
// cost about 20 ms of page faults, better paid in the background. b may be
// written meanwhile; its contents do not change.
func Touch(b []byte) {
	if len(b) == 0 || populate(b) {
		return
	}
	// REQUIRES of the loop: word alignment. An atomic add of zero cannot lose
	// another goroutine's store, a plain read and write back could.
	start := -int(uintptr(unsafe.Pointer(&b[0]))) & 3
	for i := start; i+4 <= len(b); i += pageBytes {
		atomic.AddUint32((*uint32)(unsafe.Pointer(&b[i])), 0)
	}
}

func wholePages(n int) int64 {
	return (int64(n) + int64(pageBytes) - 1) / int64(pageBytes) * int64(pageBytes)
}
