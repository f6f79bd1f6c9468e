//go:build race

package tests

// raceFactor is what the race detector costs in time and memory.
const raceFactor = 8
