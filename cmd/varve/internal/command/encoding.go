package command

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/varvekv/varve/cmd/varve/internal/quote"
)

// encoding is the flags for how keys and values are written as text.
type encoding struct{ hex, base64 bool }

func (e *encoding) addFlags(c *cobra.Command) {
	c.Flags().BoolVar(&e.hex, "hex", false, "keys and values in text are hexadecimal")
	c.Flags().BoolVar(&e.base64, "base64", false, "keys and values in text are base64")
	c.MarkFlagsMutuallyExclusive("hex", "base64")
}

func (e *encoding) chosen() quote.Encoding {
	switch {
	case e.hex:
		return quote.Hex
	case e.base64:
		return quote.Base64
	}
	return quote.Escaped
}

// parse reads an argument; what says which one.
func (e *encoding) parse(what, text string) ([]byte, error) {
	raw, err := e.chosen().Parse(text)
	if err != nil {
		return nil, usagef("%s %w", what, err)
	}
	return raw, nil
}

// name is a key in a message.
func (e *encoding) name(key []byte) string {
	text := e.chosen().String(key)
	if e.chosen() == quote.Escaped {
		return fmt.Sprintf(`"%s"`, text)
	}
	return text
}
