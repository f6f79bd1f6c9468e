// Command varve is the command line of the engine: it reads, writes, checks and
// measures databases.
//
// It exits with 0 when all went well, 1 when the answer is no (a key that is not
// there) or something failed, and 2 when it was given something bad: a command
// line that it does not understand, a directory that holds no database, a
// damaged file.
package main

import (
	"os"

	"github.com/varvekv/varve/cmd/varve/internal/command"
)

func main() {
	os.Exit(command.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
