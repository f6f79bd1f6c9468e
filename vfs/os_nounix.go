//go:build !unix && !windows

package vfs

import "os"

const openNonblock = 0

func syncDir(d *os.File) error { return d.Sync() }
