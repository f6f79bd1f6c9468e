package console

import (
	"fmt"
	"strconv"
	"time"
)

// Bytes is a size for people: 3 digits and a binary unit.
func Bytes(n int64) string {
	const unit = 1024
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	f, i := float64(n)/unit, 0
	for ; f >= unit-0.5 && i < 5; i++ { // what would round to 1024 goes up a unit
		f /= unit
	}
	digits := 2
	switch {
	case f >= 99.95:
		digits = 0
	case f >= 9.995:
		digits = 1
	}
	return fmt.Sprintf("%.*f %ciB", digits, f, "KMGTPE"[i])
}

// Count is a number for people: thousands are set apart.
func Count[N ~int | ~int64 | ~uint64](n N) string {
	text := strconv.FormatInt(int64(n), 10)
	if n >= 0 {
		text = strconv.FormatUint(uint64(n), 10)
	}
	first := 0
	if n < 0 {
		first = 1
	}
	for i := len(text) - 3; i > first; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// Duration is a time for people: about 3 digits.
func Duration(d time.Duration) string {
	step := time.Nanosecond
	for d >= 1000*step || d <= -1000*step {
		step *= 10
	}
	return d.Round(step).String()
}

// Plural is a count with its noun: "1 table", "2,000 tables".
func Plural[N ~int | ~int64 | ~uint64](n N, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return Count(n) + " " + many
}
