package offheap

import (
	"sync"
	"unsafe"

	"golang.org/x/sys/windows"
)

// mappings remembers what VirtualAlloc gave, so that unmapBytes refuses foreign
// slices. Its mutex is a leaf and is not held across system calls.
var mappings = struct {
	mu   sync.Mutex
	size map[uintptr]int
}{size: map[uintptr]int{}}

func mapBytes(n int) ([]byte, error) {
	addr, err := windows.VirtualAlloc(0, uintptr(n), windows.MEM_RESERVE|windows.MEM_COMMIT, windows.PAGE_READWRITE)
	if err != nil {
		return nil, err
	}
	mappings.mu.Lock()
	mappings.size[addr] = n
	mappings.mu.Unlock()
	// Through a pointer to addr: the address is not Go's, and vet would take
	// the plain conversion for a mistake.
	return unsafe.Slice(*(**byte)(unsafe.Pointer(&addr)), n), nil
}

func unmapBytes(b []byte) error {
	addr := uintptr(unsafe.Pointer(&b[0]))
	mappings.mu.Lock()
	known := mappings.size[addr] == len(b)
	if known {
		delete(mappings.size, addr)
	}
	mappings.mu.Unlock()
	if !known {
		return errNotMapped
	}
	return windows.VirtualFree(addr, 0, windows.MEM_RELEASE)
}
