//go:build !invariants && !race

// Package invariants switches the dear assertions on: they run in builds with
// the invariants tag and under the race detector, and cost nothing elsewhere.
package invariants

// Enabled is true in builds that check the dear assertions.
const Enabled = false
