//go:build unix

package sstable

import (
	"syscall"
	"testing"
)

// reportCPU adds the processor time of the process to a benchmark's figures: on
// a machine that is shared, the wall clock tells about the neighbours.
func reportCPU(b *testing.B) (done func()) {
	nanos := func() int64 {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return u.Utime.Nano() + u.Stime.Nano()
	}
	start := nanos()
	return func() { b.ReportMetric(float64(nanos()-start)/float64(b.N), "cpu-ns/op") }
}
