//go:build unix && !linux

package host

import (
	"runtime"
	"syscall"
)

// residentBytes knows the process's peak alone. Its unit is bytes on darwin and
// kilobytes elsewhere.
func residentBytes() (peak, now int64) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0, 0
	}
	if runtime.GOOS == "darwin" || runtime.GOOS == "ios" {
		return int64(u.Maxrss), 0
	}
	return int64(u.Maxrss) << 10, 0
}
