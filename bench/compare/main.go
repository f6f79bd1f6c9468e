// Command compare measures varve and its peers side by side, from the
// repository's root:
//
//	go -C bench/compare run . quick
//
// Every run is a process of its own, engines take turns, durability and budgets
// are equal, every value read is verified. The exit code is 0 when all runs went
// well, 1 when one failed, 2 when the command line was not understood.
package main

import (
	"os"

	"github.com/varvekv/varve/bench/compare/internal/command"
	"github.com/varvekv/varve/bench/compare/internal/peer"
)

func main() {
	os.Exit(command.Main(os.Args[1:], peer.All(), os.Stdin, os.Stdout, os.Stderr))
}
