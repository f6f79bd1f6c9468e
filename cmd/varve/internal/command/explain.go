package command

import (
	"github.com/spf13/cobra"

	"github.com/varvekv/varve"
	"github.com/varvekv/varve/cmd/varve/internal/console"
)

func newExplain(c *console.Console) *cobra.Command {
	var e encoding
	explain := &cobra.Command{
		Use:   "explain DIR KEY",
		Short: "Tell what reading a key consults",
		Long: `Tell, step by step, what a Get of KEY does: each memtable and run, what its
filter says, which blocks it reads and from where, how long that takes, and the
answer. A key that is not there is an answer too: exit code 0.

JSON: key (base64), seq, steps, answer (found, deleted, absent), version_seq,
value_bytes, duration_ns; a step has place, level, number, file, opened,
has_filter, blocks, outcome, version_seq, value_bytes, filter_time_ns,
duration_ns.`,
		Args: cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			key, err := e.parse("KEY", args[1])
			if err != nil {
				return err
			}
			return reading(args[0], func(db *varve.DB) error {
				told, err := db.Explain(key)
				if err != nil {
					return err
				}
				return c.Show(told, func() { c.Printf("%s", told) })
			})
		},
	}
	e.addFlags(explain)
	return explain
}
