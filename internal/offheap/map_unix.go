//go:build unix

package offheap

import (
	"errors"

	"golang.org/x/sys/unix"
)

// mapBytes maps privately and anonymously; x/sys keeps the table of live
// mappings that lets unmapBytes refuse foreign slices.
func mapBytes(n int) ([]byte, error) {
	return unix.Mmap(-1, 0, n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
}

func unmapBytes(b []byte) error {
	err := unix.Munmap(b)
	if errors.Is(err, unix.EINVAL) {
		return errNotMapped
	}
	return err
}
