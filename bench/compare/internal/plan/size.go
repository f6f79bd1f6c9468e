package plan

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Size is how large a database is. Its text is "2000000x100"; k and M stand for
// thousands and millions.
type Size struct {
	Records    uint64
	ValueBytes int
}

// keyBytesMax is the longest key of the workloads: "user" and 19 digits.
const keyBytesMax = 23

// LiveBytes is about what the records hold, keys and values.
func (z Size) LiveBytes() int64 { return int64(z.Records) * int64(z.ValueBytes+keyBytesMax) }

func (z Size) String() string { return fmt.Sprintf("%dx%d", z.Records, z.ValueBytes) }

// MarshalText is for encoding/json.
func (z Size) MarshalText() ([]byte, error) { return []byte(z.String()), nil }

// UnmarshalText is for encoding/json and the command line.
func (z *Size) UnmarshalText(text []byte) error {
	records, bytes, ok := strings.Cut(string(text), "x")
	if !ok {
		return fmt.Errorf("size %q is not records x bytes, such as 200kx100", text)
	}
	unit := uint64(1)
	for suffix, u := range map[string]uint64{"k": 1e3, "M": 1e6} {
		if n, ok := strings.CutSuffix(records, suffix); ok {
			records, unit = n, u
		}
	}
	n, err := strconv.ParseUint(records, 10, 40)
	if err != nil {
		return fmt.Errorf("size %q: records: %w", text, err)
	}
	v, err := strconv.ParseUint(bytes, 10, 30)
	if err != nil {
		return fmt.Errorf("size %q: bytes of a value: %w", text, err)
	}
	z.Records, z.ValueBytes = n*unit, int(v)
	return nil
}

// Duration is a time.Duration whose text is "10s".
type Duration time.Duration

// D is the plain duration.
func (d Duration) D() time.Duration { return time.Duration(d) }

func (d Duration) String() string { return time.Duration(d).String() }

// MarshalText is for encoding/json.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText is for encoding/json.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	*d = Duration(v)
	return err
}
