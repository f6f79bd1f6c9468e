package measure

import "time"

// Clock tells nanoseconds since some fixed moment, never going back.
type Clock func() int64

// NewClock is the system's monotonic clock. It does not read the wall clock
// beside it, as time.Now would: half the cost.
func NewClock() Clock {
	start := time.Now()
	return func() int64 { return int64(time.Since(start)) }
}

// Cost is what one reading of a clock takes: every latency contains about one.
func (c Clock) Cost() time.Duration {
	const readings = 20_000
	start := c()
	for range readings {
		c()
	}
	return time.Duration(c()-start) / readings
}
