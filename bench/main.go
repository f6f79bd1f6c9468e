// Command bench measures varve: `go run ./bench ycsb` from the repository's root
// runs the YCSB core workloads on the embedded engine, `go run ./bench rows`
// single-purpose measurements. Every value that is read is verified.
//
// It exits with 0 when all went well, 1 when a run failed or a value was wrong,
// and 2 when it was asked for something that it does not understand.
package main

import (
	"os"

	"github.com/varvekv/varve/bench/internal/command"
	"github.com/varvekv/varve/bench/internal/varveengine"
)

func main() {
	os.Exit(command.Main(os.Args[1:], varveengine.Open, os.Stdout, os.Stderr))
}
