//go:build !linux && !darwin && !freebsd && !dragonfly && !windows

package vfs

import (
	"math"
	"os"
)

// freeBytes is not known here: the disk counts as never full beforehand.
func freeBytes(*os.File) (uint64, error) { return math.MaxUint64, nil }
