package report

import (
	"fmt"
	"strconv"
	"time"
)

// Latency is a duration to three digits in the unit that suits it.
func Latency(d time.Duration) string {
	switch {
	case d == 0:
		return "-"
	case d < time.Microsecond:
		return fmt.Sprintf("%dns", d.Nanoseconds())
	case d < time.Millisecond:
		return digits3(float64(d)/1e3) + "µs"
	case d < time.Second:
		return digits3(float64(d)/1e6) + "ms"
	}
	return digits3(d.Seconds()) + "s"
}

// Bytes is a size in binary units, to three digits; "-" for none.
func Bytes(n int64) string {
	if n == 0 {
		return "-"
	}
	v, unit := float64(n), 0
	for v >= 1024 && unit < len(byteUnits)-1 {
		v /= 1024
		unit++
	}
	if unit == 0 {
		return fmt.Sprintf("%dB", n)
	}
	return digits3(v) + byteUnits[unit]
}

var byteUnits = [...]string{"B", "KiB", "MiB", "GiB", "TiB"}

// Count is a number with its thousands apart.
func Count(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func times(v float64) string {
	if v == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", v)
}

func digits3(v float64) string {
	switch {
	case v >= 100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case v >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}
