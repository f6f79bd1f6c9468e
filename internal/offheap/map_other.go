//go:build !unix && !windows

package offheap

import (
	"sync"
	"unsafe"
)

// mappings keeps the slices alive until Free, where the system has no mappings
// of its own (wasm, plan9): this memory lies on Go's heap after all.
var mappings = struct {
	mu   sync.Mutex
	live map[*byte][]byte
}{live: map[*byte][]byte{}}

func mapBytes(n int) ([]byte, error) {
	raw := make([]byte, n+pageBytes)
	lead := -int(uintptr(unsafe.Pointer(&raw[0]))) & (pageBytes - 1)
	b := raw[lead : lead+n : lead+n]
	mappings.mu.Lock()
	mappings.live[&b[0]] = b
	mappings.mu.Unlock()
	return b, nil
}

func unmapBytes(b []byte) error {
	mappings.mu.Lock()
	defer mappings.mu.Unlock()
	if len(mappings.live[&b[0]]) != len(b) {
		return errNotMapped
	}
	delete(mappings.live, &b[0])
	return nil
}
