//go:build !linux

package host

func cpuModel() string         { return "" }
func memoryBytes() int64       { return 0 }
func kernel() string           { return "" }
func fileSystem(string) string { return "" }
func resetPeakRSS()            {}
func procIO() string           { return "" }
