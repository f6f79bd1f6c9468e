package vfs

import "syscall"

// setThreadUser changes who the calling thread is to the file system.
func setThreadUser(uid int) error {
	if _, _, errno := syscall.RawSyscall(syscall.SYS_SETFSUID, uintptr(uid), 0, 0); errno != 0 {
		return errno
	}
	return nil
}
