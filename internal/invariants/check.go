package invariants

import "fmt"

// Check panics when ok is false and assertions are enabled: for our own bugs
// only, never for bytes from disk.
func Check(ok bool, format string, args ...any) {
	if Enabled && !ok {
		panic("varve: broken invariant: " + fmt.Sprintf(format, args...))
	}
}

// Mangle overwrites memory whose lifetime has ended, so that a late reader is
// caught. It does nothing unless assertions are enabled.
func Mangle(p []byte) {
	if !Enabled {
		return
	}
	for i := range p {
		p[i] = 0xdb
	}
}
