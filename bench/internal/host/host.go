// Package host tells what a benchmark ran on and what it used of it: processor,
// memory, versions; resident memory, processor time, disk blocks. What a system
// does not tell is zero or empty, never a guess.
package host

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"time"
)

// Machine describes the hardware and software under a run.
type Machine struct {
	CPU         string `json:"cpu"`
	Cores       int    `json:"cores"` // that Go uses
	MemoryBytes int64  `json:"memory_bytes"`
	System      string `json:"system"`
	Kernel      string `json:"kernel"`
	FileSystem  string `json:"file_system"` // of the database's directory
	Go          string `json:"go"`
	Revision    string `json:"revision"` // of the source, where the build knows it
}

// Describe looks at this machine; dir is where the database is.
func Describe(dir string) Machine {
	return Machine{
		CPU:         cpuModel(),
		Cores:       runtime.GOMAXPROCS(0),
		MemoryBytes: memoryBytes(),
		System:      runtime.GOOS + "/" + runtime.GOARCH,
		Kernel:      kernel(),
		FileSystem:  fileSystem(dir),
		Go:          runtime.Version(),
		Revision:    revision(),
	}
}

func revision() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	var rev, dirty string
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			rev = s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "+changes"
		}
	}
	return rev + dirty
}

// Usage is what the process used during a stretch of work, and holds at its end.
type Usage struct {
	CPU          time.Duration `json:"cpu_ns"`         // user and system, all threads
	PeakRSSBytes int64         `json:"peak_rss_bytes"` // within the stretch on linux, else since the process began
	RSSBytes     int64         `json:"rss_bytes"`
	HeapBytes    int64         `json:"heap_bytes"` // Go's heap in use
	Collections  int64         `json:"collections"`
	Allocations  int64         `json:"allocations"`
	Pauses       Pauses        `json:"pauses"` // of the program by Go's collector
	IO           IO            `json:"io"`
}

// Meter measures one stretch of work.
type Meter struct {
	cpu                      time.Duration
	collections, allocations int64
	pauses                   *pauseMeter
	io                       IO
}

// Start begins a stretch: it resets the peak of resident memory where it can.
func Start() *Meter {
	resetPeakRSS()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return &Meter{
		cpu: cpuTime(), collections: int64(m.NumGC), allocations: int64(m.Mallocs),
		pauses: startPauses(), io: ReadIO(),
	}
}

// Stop is the usage since Start.
func (m *Meter) Stop() Usage {
	u := Usage{CPU: cpuTime() - m.cpu}
	u.PeakRSSBytes, u.RSSBytes = residentBytes()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	u.HeapBytes = int64(s.HeapInuse)
	u.Collections = int64(s.NumGC) - m.collections
	u.Allocations = int64(s.Mallocs) - m.allocations
	u.Pauses = m.pauses.stop()
	u.IO = ReadIO().Since(m.io)
	return u
}

// DiskBytes is the disk that the files below dir take: blocks in use where the
// system tells, else lengths. A file removed while it is looked at is not counted.
func DiskBytes(dir string) (int64, error) {
	total := int64(0)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			var info fs.FileInfo
			if info, err = d.Info(); err == nil {
				total += allocatedBytes(info)
			}
		}
		if os.IsNotExist(err) {
			return nil
		}
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("disk in use below %s: %w", dir, err)
	}
	return total, nil
}

// field is what follows "name" and its separator on the first such line of a
// file of the kind that /proc holds; empty where there is none.
func field(file, name, separator string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	return fieldOf(string(text), name, separator)
}

func fieldOf(text, name, separator string) string {
	for line := range strings.Lines(text) {
		k, v, ok := strings.Cut(line, separator)
		if ok && strings.TrimSpace(k) == name {
			return strings.TrimSpace(v)
		}
	}
	return ""
}
