//go:build linux || darwin

package disk

import (
	"fmt"
	"syscall"
)

// Free is the bytes that a program may still write below dir; known is false on
// systems that do not tell.
func Free(dir string) (bytes int64, known bool, err error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, false, fmt.Errorf("disk left at %s: %w", dir, err)
	}
	return int64(s.Bavail) * int64(s.Bsize), true, nil
}
