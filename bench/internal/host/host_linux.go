package host

import (
	"os"
	"path/filepath"
	"strings"
)

func cpuModel() string { return field("/proc/cpuinfo", "model name", ":") }

func memoryBytes() int64 { return kilobytes(field("/proc/meminfo", "MemTotal", ":")) }

func kernel() string {
	text, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

// fileSystem is the type of the mount that is nearest above dir.
func fileSystem(dir string) string {
	text, err := os.ReadFile("/proc/self/mounts")
	path, pathErr := filepath.Abs(dir)
	if err != nil || pathErr != nil {
		return ""
	}
	best, kind := "", ""
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) < 3 || len(f[1]) < len(best) {
			continue
		}
		if f[1] == "/" || path == f[1] || strings.HasPrefix(path, f[1]+"/") {
			best, kind = f[1], f[2]
		}
	}
	return kind
}

func residentBytes() (peak, now int64) {
	const status = "/proc/self/status"
	now = kilobytes(field(status, "VmRSS", ":"))
	return max(now, kilobytes(field(status, "VmHWM", ":"))), now // read at two moments
}

// resetPeakRSS makes VmHWM start again at VmRSS. Where that is forbidden the
// peak is the process's, as on other systems.
func resetPeakRSS() { _ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) }

// procIO is the system's counts of this process; empty where it may not read them.
func procIO() string {
	text, err := os.ReadFile("/proc/self/io")
	if err != nil {
		return ""
	}
	return string(text)
}

// kilobytes reads "1234 kB"; 0 when it is not that.
func kilobytes(s string) int64 {
	return number(strings.TrimSuffix(s, " kB")) << 10
}
