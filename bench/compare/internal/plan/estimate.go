package plan

import (
	"strings"
	"time"
)

// loadRates is about how many records of 100 and of 1,000 bytes an engine loads
// in a second, in random order, on two cores (2026-11, peers' own runs). Guesses
// for the clock that the user sees, for nothing else.
var loadRates = map[string][2]float64{
	"varve":     {900e3, 450e3},
	"pebble":    {400e3, 280e3},
	"rocksdb":   {150e3, 120e3},
	"goleveldb": {200e3, 120e3},
	"badger":    {150e3, 80e3},
	"bbolt":     {40e3, 30e3},
	"lmdb":      {150e3, 60e3},
}

// A unit's overheads: process, probe, settling and the final audit.
const (
	overhead       = 4 * time.Second
	auditRate      = 800e3 // records a second
	rateOfUnknown  = 100e3
	timeoutFactor  = 3
	timeoutAtLeast = 3 * time.Minute
)

// Estimate is about how long a unit takes.
func (u *Unit) Estimate() time.Duration {
	total := overhead + seconds(float64(u.Size.Records)/auditRate)
	if u.Job.Kind == YCSB {
		total += u.fill()
	} else if u.fillsShared() {
		total += u.fill()
	}
	for _, r := range u.Job.Rows {
		switch {
		case r == Load || r == "fillrandom": // counted above
		case r == "overwrite":
			total += min(3*u.fill(), u.Job.LoadDuration.D())
		case strings.HasPrefix(r, "fill") && !strings.HasPrefix(r, "fillsync") || r == "deleterandom":
			total += u.fill()
		default:
			total += u.Job.Duration.D()
		}
	}
	return total
}

// fillsShared tells whether a job of rows has one that reads the shared database.
func (u *Unit) fillsShared() bool {
	for _, r := range u.Job.Rows {
		if !strings.HasPrefix(r, "fills") && r != "fillbatch" && r != "openlog" && r != "tail" {
			return true
		}
	}
	return false
}

// fill is how long it takes to write every record once.
func (u *Unit) fill() time.Duration {
	rate := float64(rateOfUnknown)
	if r, ok := loadRates[u.Engine]; ok {
		rate = r[0]
		if u.Size.ValueBytes > 300 { // nearer to 1,000 than to 100, on a scale of ratios
			rate = r[1]
		}
	}
	return min(seconds(float64(u.Size.Records)/rate), u.Job.LoadDuration.D())
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// Limit is when a unit is taken for hanging and killed.
func (u *Unit) Limit() time.Duration {
	if u.Timeout > 0 {
		return u.Timeout.D()
	}
	longest := time.Duration(1+len(u.Job.Rows)) * max(u.Job.Duration.D(), u.Job.LoadDuration.D())
	return max(timeoutAtLeast, min(longest+timeoutAtLeast, timeoutFactor*u.Estimate()+u.Job.LoadDuration.D()))
}

// Disk an engine may need at its worst: old versions that are not collected yet,
// both sides of a compaction, logs kept for recycling.
const (
	diskFactor = 6
	diskAtRest = 2 << 30
)

// DiskBytes is the disk that the plan needs at once: databases are removed as
// soon as their unit has ended.
func DiskBytes(units []Unit) (most int64) {
	for i := range units {
		most = max(most, diskFactor*units[i].Size.LiveBytes()+diskAtRest)
	}
	return most
}
