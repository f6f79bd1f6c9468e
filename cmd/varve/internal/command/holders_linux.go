package command

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/varvekv/varve/internal/filename"
)

// lockHolders finds the processes that have the lock file of dir open, by their
// number and name. It sees the processes that /proc shows to this user.
func lockHolders(dir string) []string {
	lock, err := os.Stat(filepath.Join(dir, filename.LockName))
	if err != nil {
		return nil
	}
	descriptors, err := filepath.Glob("/proc/[0-9]*/fd/*")
	if err != nil {
		return nil
	}
	var found []string
	last := ""
	for _, fd := range descriptors {
		process := filepath.Dir(filepath.Dir(fd))
		if process == last {
			continue // one descriptor of it was enough
		}
		if name, err := os.Readlink(fd); err != nil || filepath.Base(name) != filename.LockName {
			continue // not asked further: a file on a dead network share answers never
		}
		if open, err := os.Stat(fd); err != nil || !os.SameFile(open, lock) {
			continue
		}
		last = process
		found = append(found, describeProcess(process))
	}
	return found
}

func describeProcess(process string) string {
	name, err := os.ReadFile(filepath.Join(process, "comm"))
	if err != nil {
		return "process " + filepath.Base(process)
	}
	return fmt.Sprintf("process %s (%s)", filepath.Base(process), strings.TrimSpace(string(name)))
}
