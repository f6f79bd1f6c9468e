package offheap

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// populate lets the kernel fault the pages in, in one call; false where it is
// too old (before 5.14) or refuses, then Touch walks the pages itself.
func populate(b []byte) bool {
	lead := int(uintptr(unsafe.Pointer(&b[0])) & uintptr(pageBytes-1))
	if lead != 0 {
		return false
	}
	return unix.Madvise(b, unix.MADV_POPULATE_WRITE) == nil
}

// Huge asks the system to back b with huge pages: fewer address look-ups in
// large random structures, at the price of real memory in 2 MiB steps. It
// promises nothing and may do nothing.
func Huge(b []byte) {
	if len(b) > 0 {
		_ = unix.Madvise(b, unix.MADV_HUGEPAGE) // a hint: refusal changes nothing
	}
}
