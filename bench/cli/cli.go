// Package cli is the bench command on varve, for another command line to mount:
// `varve bench` is this.
package cli

import (
	"github.com/spf13/cobra"

	"github.com/varvekv/varve/bench/internal/command"
	"github.com/varvekv/varve/bench/internal/varveengine"
)

// New is the bench command and those below it.
func New() *cobra.Command { return command.New(varveengine.Open) }

// Failed tells the error of a run that was understood from that of a command
// line that was not.
func Failed(err error) bool { return command.Failed(err) }
