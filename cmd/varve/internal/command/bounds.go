package command

import (
	"github.com/spf13/cobra"
)

// bounds is the flags for a range of keys.
type bounds struct {
	from, to, prefix string
}

func (b *bounds) addFlags(c *cobra.Command) {
	c.Flags().StringVar(&b.from, "from", "", "first key (default: the very first)")
	c.Flags().StringVar(&b.to, "to", "", "key to stop before (default: behind the last)")
	c.Flags().StringVar(&b.prefix, "prefix", "", "only keys that begin with this")
	c.MarkFlagsMutuallyExclusive("prefix", "from")
	c.MarkFlagsMutuallyExclusive("prefix", "to")
}

// resolve tells lower <= key < upper; nil is an open end.
func (b *bounds) resolve(c *cobra.Command, e *encoding) (lower, upper []byte, err error) {
	if c.Flags().Changed("prefix") {
		prefix, err := e.parse("--prefix", b.prefix)
		return prefix, prefixEnd(prefix), err
	}
	if c.Flags().Changed("from") {
		if lower, err = e.parse("--from", b.from); err != nil {
			return nil, nil, err
		}
	}
	if c.Flags().Changed("to") {
		upper, err = e.parse("--to", b.to)
	}
	return lower, upper, err
}

// prefixEnd is the first key behind all that begin with prefix; nil if there is none.
func prefixEnd(prefix []byte) []byte {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i] != 0xff {
			end := append([]byte{}, prefix[:i+1]...)
			end[i]++
			return end
		}
	}
	return nil
}
