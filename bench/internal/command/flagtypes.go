package command

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/varvekv/varve/bench/internal/engine"
)

// size is bytes on the command line: a number and B, KiB, MiB, GiB (or K, M, G,
// which mean the same).
type size int64

var sizeUnits = []struct {
	suffix string
	bytes  int64
}{
	{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30},
	{"K", 1 << 10}, {"M", 1 << 20}, {"G", 1 << 30}, {"B", 1},
}

// Set is for package pflag.
func (s *size) Set(text string) error {
	number, unit := strings.TrimSpace(text), int64(1)
	for _, u := range sizeUnits {
		if n, ok := strings.CutSuffix(number, u.suffix); ok {
			number, unit = strings.TrimSpace(n), u.bytes
			break
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64/unit {
		return fmt.Errorf("not a size such as 64MiB")
	}
	*s = size(n * unit)
	return nil
}

// String is the size in the largest unit that divides it.
func (s *size) String() string {
	for _, u := range []int{2, 1, 0} {
		if b := sizeUnits[u].bytes; *s != 0 && int64(*s)%b == 0 {
			return fmt.Sprintf("%d%s", int64(*s)/b, sizeUnits[u].suffix)
		}
	}
	return fmt.Sprintf("%dB", int64(*s))
}

// Type is for package pflag.
func (s *size) Type() string { return "size" }

type durability struct{ engine.Durability }

// Set is for package pflag.
func (d *durability) Set(text string) error {
	v, ok := engine.ParseDurability(text)
	if !ok {
		return fmt.Errorf("must be buffered, written or synced")
	}
	d.Durability = v
	return nil
}

// Type is for package pflag.
func (d *durability) Type() string { return "durability" }

type compression struct{ engine.Compression }

// Set is for package pflag.
func (c *compression) Set(text string) error {
	v, ok := engine.ParseCompression(text)
	if !ok {
		return fmt.Errorf("must be default, none, s2 or zstd")
	}
	c.Compression = v
	return nil
}

// Type is for package pflag.
func (c *compression) Type() string { return "codec" }

// probe says whether the disk's flushes are measured.
type probe string

const (
	probeAuto = "auto"
	probeYes  = "yes"
	probeNo   = "no"
)

// Set is for package pflag. What a boolean flag takes means the same.
func (p *probe) Set(text string) error {
	switch text {
	case probeAuto:
		*p = probeAuto
	case probeYes, "true":
		*p = probeYes
	case probeNo, "false":
		*p = probeNo
	default:
		return fmt.Errorf("must be yes, no or auto")
	}
	return nil
}

// String is for package pflag.
func (p *probe) String() string { return string(*p) }

// Type is for package pflag.
func (p *probe) Type() string { return "when" }

// wanted tells what auto means for a run whose writes are synced or not.
func (p probe) wanted(synced bool) bool { return p == probeYes || p == probeAuto && synced }
