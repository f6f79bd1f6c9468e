package vfs

import (
	"errors"
	"io"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

func syncData(f *osFile) error { return f.onFD(fdatasync, 0, 0) }

func fdatasync(fd uintptr, _ *fdCall) error { return unix.Fdatasync(int(fd)) }

func startWriteback(f *osFile, offset, length int64) error {
	return f.onFD(syncFileRange, offset, length)
}

// syncFileRange only starts the writes: waiting would be a sync that promises
// nothing. A file system without it loses nothing.
func syncFileRange(fd uintptr, c *fdCall) error {
	err := unix.SyncFileRange(int(fd), c.offset, c.length, unix.SYNC_FILE_RANGE_WRITE)
	if errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.ESPIPE) || errors.Is(err, unix.EOPNOTSUPP) {
		return nil
	}
	return err
}

// writeAtSync uses RWF_DSYNC: the written range alone becomes durable.
func writeAtSync(f *osFile, p []byte, off int64) (n int, err error) {
	if off < 0 {
		return 0, unix.EINVAL
	}
	c := fdCalls.Get().(*fdCall)
	defer fdCalls.Put(c)
	defer func() { c.vector[0] = nil }()
	c.do = pwriteDsync
	for n < len(p) && err == nil {
		c.vector[0], c.offset = p[n:], off+int64(n)
		if f.raw.Control(c.run) != nil {
			return n, fs.ErrClosed
		}
		switch {
		case c.err == unix.EINTR:
			continue
		case c.err == unix.EOPNOTSUPP && n == 0:
			return writeThenSync(f, p, off)
		case c.err == nil && c.n == 0:
			return n, io.ErrShortWrite
		}
		n, err = n+max(0, c.n), c.err
	}
	return n, err
}

func pwriteDsync(fd uintptr, c *fdCall) (err error) {
	c.n, err = unix.Pwritev2(int(fd), c.vector[:], c.offset, unix.RWF_DSYNC)
	return err
}

func freeBytes(dir *os.File) (uint64, error) {
	var st unix.Statfs_t
	err := control(dir, func(fd int) error { return unix.Fstatfs(fd, &st) })
	return st.Bavail * uint64(st.Bsize), err
}

// tryLock takes an open-file-description lock: unlike a POSIX lock it is not
// dropped when some other descriptor of the file closes in this process.
func tryLock(f *os.File, mode lockMode) error {
	how := int16(unix.F_WRLCK)
	if mode == lockShared {
		how = unix.F_RDLCK
	}
	lock := unix.Flock_t{Type: how, Whence: unix.SEEK_SET} // the whole file
	err := control(f, func(fd int) error {
		return unix.FcntlFlock(uintptr(fd), unix.F_OFD_SETLK, &lock)
	})
	switch {
	case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EACCES):
		return ErrLocked
	case errors.Is(err, unix.EINVAL): // a kernel without them
		return flock(f, mode)
	}
	return err
}
