package command

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/varvekv/varve"
	"github.com/varvekv/varve/cmd/varve/internal/console"
	"github.com/varvekv/varve/cmd/varve/internal/quote"
)

func newGet(c *console.Console) *cobra.Command {
	var e encoding
	get := &cobra.Command{
		Use:   "get DIR KEY",
		Short: "Print the value of a key",
		Long: `Print the value of KEY, byte for byte; a newline follows on a terminal only.
A key that is not there is exit code 1.

JSON: key or key_base64, value or value_base64.`,
		Args: cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			key, err := e.parse("KEY", args[1])
			if err != nil {
				return err
			}
			return reading(args[0], func(db *varve.DB) error { return get(c, db, &e, key) })
		},
	}
	e.addFlags(get)
	return get
}

func get(c *console.Console, db *varve.DB, e *encoding, key []byte) error {
	value, err := db.Get(key)
	if errors.Is(err, varve.ErrNotFound) {
		return fmt.Errorf("key %s: %w", e.name(key), varve.ErrNotFound)
	}
	if err != nil {
		return err
	}
	return c.Show(struct {
		quote.Key
		quote.Value
	}{quote.KeyOf(key), quote.ValueOf(value)}, func() {
		c.Printf("%s", value)
		if c.OnTerminal {
			c.Printf("\n")
		}
	})
}
