//go:build !linux

package offheap

// populate has no portable form: Touch walks the pages itself.
func populate([]byte) bool { return false }

// Huge asks the system to back b with huge pages. Here it does nothing.
func Huge([]byte) {}
