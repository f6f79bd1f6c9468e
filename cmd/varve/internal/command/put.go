package command

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/varvekv/varve"
	"github.com/varvekv/varve/cmd/varve/internal/console"
	"github.com/varvekv/varve/cmd/varve/internal/quote"
)

type putCommand struct {
	console    *console.Console
	encoding   encoding
	durability durability
	file       string
}

func newPut(c *console.Console) *cobra.Command {
	p := &putCommand{console: c}
	put := &cobra.Command{
		Use:   "put DIR KEY [VALUE]",
		Short: "Set a key to a value",
		Long: `Set KEY to VALUE. A VALUE of - is read from standard input, and --file reads it
from a file; both take the bytes as they are. (A value that is a dash: \x2d.)
The database is made where DIR is missing or empty.

JSON: key or key_base64, value_bytes.`,
		Example: `  varve put data lake Suigetsu
  varve put data 'user\x00\x07' --file picture.png
  date | varve put data now -`,
		Args: cobra.RangeArgs(2, 3),
		RunE: func(_ *cobra.Command, args []string) error { return p.run(args) },
	}
	p.encoding.addFlags(put)
	put.Flags().StringVar(&p.file, "file", "", "read the value from this file")
	put.Flags().Var(&p.durability, "durability", "synced, written or buffered")
	return put
}

func (p *putCommand) run(args []string) error {
	key, err := p.encoding.parse("KEY", args[1])
	if err != nil {
		return err
	}
	value, err := p.value(args[2:])
	if err != nil {
		return err
	}
	err = creating(args[0], func(db *varve.DB) error { return db.With(p.durability.Durability).Put(key, value) })
	if err != nil {
		return err
	}
	return p.console.Show(struct {
		quote.Key
		ValueBytes int `json:"value_bytes"`
	}{quote.KeyOf(key), len(value)}, func() {})
}

// value is the value from where it was said to be.
func (p *putCommand) value(args []string) ([]byte, error) {
	switch {
	case (p.file == "") == (len(args) == 0):
		return nil, usagef("want a VALUE or --file, one of the two")
	case p.file != "":
		f, err := os.Open(p.file)
		if err != nil {
			return nil, &inputError{File: p.file, Err: reasonOf(err)}
		}
		defer f.Close() //nolint:errcheck // only read
		return readValue(p.file, f)
	case args[0] == "-":
		return readValue("standard input", p.console.In)
	}
	return p.encoding.parse("VALUE", args[0])
}

// readValue reads one value, and no more than one can be.
func readValue(name string, r io.Reader) ([]byte, error) {
	value, err := io.ReadAll(io.LimitReader(r, varve.MaxValueBytes+1))
	if err == nil && len(value) > varve.MaxValueBytes {
		err = fmt.Errorf("longer than a value can be (%d bytes)", varve.MaxValueBytes)
	}
	if err != nil {
		return nil, &inputError{File: name, Err: reasonOf(err)}
	}
	return value, nil
}
