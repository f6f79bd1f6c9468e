package command

import (
	"fmt"

	"github.com/varvekv/varve"
)

// durability is a flag: when a write counts as done.
type durability struct{ varve.Durability }

// Set is for package pflag.
func (d *durability) Set(text string) error {
	for _, known := range []varve.Durability{varve.Synced, varve.Written, varve.Buffered} {
		if text == known.String() {
			d.Durability = known
			return nil
		}
	}
	return fmt.Errorf("must be synced, written or buffered")
}

// Choices are for completion.
func (d *durability) Choices() []string { return []string{"synced", "written", "buffered"} }

// Type is for package pflag.
func (d *durability) Type() string { return "durability" }
