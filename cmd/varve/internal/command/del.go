package command

import (
	"github.com/spf13/cobra"

	"github.com/varvekv/varve"
	"github.com/varvekv/varve/cmd/varve/internal/console"
	"github.com/varvekv/varve/cmd/varve/internal/quote"
)

func newDel(c *console.Console) *cobra.Command {
	var e encoding
	var d durability
	del := &cobra.Command{
		Use:   "del DIR KEY",
		Short: "Remove a key",
		Long: `Remove KEY. A key that is not there is no error.

JSON: key or key_base64, existed.`,
		Args: cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			key, err := e.parse("KEY", args[1])
			if err != nil {
				return err
			}
			existed := false
			err = writing(args[0], func(db *varve.DB) (err error) {
				if existed, err = db.Has(key); err != nil {
					return err
				}
				return db.With(d.Durability).Delete(key)
			})
			if err != nil {
				return err
			}
			return c.Show(struct {
				quote.Key
				Existed bool `json:"existed"`
			}{quote.KeyOf(key), existed}, func() {})
		},
	}
	e.addFlags(del)
	del.Flags().Var(&d, "durability", "synced, written or buffered")
	return del
}
