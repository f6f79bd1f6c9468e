//go:build !unix

package host

import (
	"io/fs"
	"time"
)

func cpuTime() time.Duration                { return 0 }
func residentBytes() (peak, now int64)      { return 0, 0 }
func allocatedBytes(info fs.FileInfo) int64 { return info.Size() }
