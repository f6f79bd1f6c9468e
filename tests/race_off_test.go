//go:build !race

package tests

// raceFactor is what the race detector costs in time and memory: it is off.
const raceFactor = 1
