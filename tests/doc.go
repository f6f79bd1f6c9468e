// Package tests holds the tests of varve that look at it from outside, and need
// libraries of their own: against models, over crash images, injected faults,
// killed processes and damaged files. They know the public contract only.
//
//	go test ./tests/                     a normal run, under four minutes on two cores
//	go test -short ./tests/              a quick one, also under -race
//	VARVE_SOAK=1 go test -timeout 0 -v ./tests/   the full figures
//
// Every test prints its seed and what it covered; it fails below its minimum.
// To repeat one: -run Name -seed N, with -ops where it was given.
package tests
