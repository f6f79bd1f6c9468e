package driver

import "time"

// schedule is when the calls of one worker are to begin: evenly, and between
// those of the other workers.
type schedule struct {
	first float64 // clock
	step  float64 // nanoseconds
	calls int64   // scheduled so far
}

func newSchedule(start int64, rate float64, place, workers int) schedule {
	gap := float64(time.Second) / rate // between two calls of any workers
	return schedule{first: float64(start) + gap*float64(place), step: gap * float64(workers)}
}

// next is when the next call is to begin.
func (s *schedule) next() int64 {
	due := int64(s.first + s.step*float64(s.calls))
	s.calls++
	return due
}

// waitMax bounds one sleep, so that a slow schedule sees that the run has ended.
const waitMax = 50 * time.Millisecond

// await waits until the lane's next call is due and tells how many nanoseconds
// late it is then; negative when the phase ended meanwhile.
func (r *run) await(l *lane) int64 {
	due := l.schedule.next()
	for !r.stop.Load() {
		now := r.driver.Clock()
		switch {
		case now >= due:
			return now - due
		case now >= r.deadline:
			r.timeUp()
			return -1
		}
		l.sleeper.Sleep(min(time.Duration(min(due, r.deadline)-now), waitMax))
	}
	return -1
}
