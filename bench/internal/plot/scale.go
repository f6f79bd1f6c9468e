package plot

import (
	"math"
	"strconv"
	"time"
)

// scale puts values between 0 and 1 of a side of a panel.
type scale struct {
	least, most float64
	project     func(float64) float64
	ticks       []tick
}

type tick struct {
	value float64
	label string
}

// share is where a value stands; what is beyond an end stands at the end.
func (s *scale) share(v float64) float64 {
	least, most := s.project(s.least), s.project(s.most)
	return min(max((s.project(v)-least)/(most-least), 0), 1)
}

// linear is a scale from 0 to most, with about the wanted number of round ticks.
func linear(most float64, wanted int) scale {
	s := scale{most: most, project: func(v float64) float64 { return v }}
	step := roundStep(most / float64(wanted))
	for i := 0; float64(i)*step <= most*1.0001; i++ {
		v := float64(i) * step
		s.ticks = append(s.ticks, tick{v, plain(v)})
	}
	return s
}

// toTick makes a linear scale end with a tick.
func (s *scale) toTick() {
	step := s.ticks[1].value
	if last := s.ticks[len(s.ticks)-1].value; last < s.most {
		s.most = last + step
		s.ticks = append(s.ticks, tick{s.most, plain(s.most)})
	}
}

// roundStep is the least of 1, 2, 5, 10 ... times a power of ten that is at least v.
func roundStep(v float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, digit := range []float64{1, 2, 5} {
		if digit*power >= v*0.9999 {
			return digit * power
		}
	}
	return 10 * power
}

// logarithmic is a scale from least to most, both above 0, widened to 1, 2 or 5
// times a power of ten. Ticks are the powers where it spans several, else all of
// these.
func logarithmic(least, most float64, label func(float64) string) scale {
	s := scale{least: roundDown(least), most: roundStep(most), project: math.Log10}
	digits := []float64{1, 2, 5}
	if s.most/s.least > 200 {
		digits = digits[:1]
	}
	for power := math.Floor(math.Log10(s.least)); math.Pow(10, power) <= s.most*1.0001; power++ {
		for _, digit := range digits {
			v := digit * math.Pow(10, power)
			if v >= s.least*0.9999 && v <= s.most*1.0001 {
				s.ticks = append(s.ticks, tick{v, label(v)})
			}
		}
	}
	return s
}

// roundDown is the most of 1, 2, 5, 10 ... times a power of ten that is at most v.
func roundDown(v float64) float64 { return 1 / roundStep(1/v) }

// number is a measured value to three digits, thousands apart.
func number(v float64) string {
	digits := 0
	switch {
	case v >= 99.95 || v == 0:
	case v >= 9.995:
		digits = 1
	default:
		digits = 2
	}
	return apart(strconv.FormatFloat(v, 'f', digits, 64))
}

// plain is a round number as a tick shows it.
func plain(v float64) string {
	return apart(strconv.FormatFloat(math.Round(v*1e6)/1e6, 'f', -1, 64))
}

// apart puts commas between the thousands of a number without a fraction.
func apart(s string) string {
	for i := len(s) - 3; i > 0; i -= 3 {
		for _, c := range s {
			if c == '.' {
				return s
			}
		}
		s = s[:i] + "," + s[i:]
	}
	return s
}

// latency is a round latency, in nanoseconds, as a tick shows it.
func latency(nanoseconds float64) string {
	units := []struct {
		size float64
		name string
	}{{float64(time.Second), "s"}, {float64(time.Millisecond), "ms"}, {float64(time.Microsecond), "µs"}}
	for _, u := range units {
		if nanoseconds >= u.size*0.9999 {
			return plain(nanoseconds/u.size) + u.name
		}
	}
	return plain(nanoseconds) + "ns"
}
