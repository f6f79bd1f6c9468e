//go:build darwin || freebsd || dragonfly

package vfs

import (
	"os"

	"golang.org/x/sys/unix"
)

func freeBytes(dir *os.File) (uint64, error) {
	var st unix.Statfs_t
	err := control(dir, func(fd int) error { return unix.Fstatfs(fd, &st) })
	return uint64(max(int64(st.Bavail), 0)) * uint64(st.Bsize), err
}
