package driver

import "time"

const watchEvery = 100 * time.Millisecond

// watch shows the progress, and gathers what is recorded, until the workers have
// ended. It is false when they do not end although they should: patience is over.
func (r *run) watch(ended <-chan struct{}) bool {
	show := r.driver.Progress
	if show == nil {
		show = func(float64, int64) {}
	}
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	shouldEnd := int64(0) // clock; 0 = not yet
	for {
		select {
		case <-ended:
			show(1, r.unitsShown())
			return true
		case <-tick.C:
			show(r.share(), r.unitsShown())
			r.recorder.gather()
		}
		now := r.driver.Clock()
		if shouldEnd == 0 && r.overdue(now) {
			shouldEnd = now
		}
		if p := int64(r.driver.Patience); p > 0 && shouldEnd != 0 && now-shouldEnd > p {
			return false
		}
	}
}

func (r *run) overdue(now int64) bool { return r.stop.Load() || now > r.deadline }

func (r *run) unitsShown() int64 {
	n := int64(0)
	for i := range r.lanes {
		n += r.lanes[i].shown.Load()
	}
	return n
}

// share is how far the nearer of the two ends has come.
func (r *run) share() float64 {
	share := 0.0
	if d := r.phase.Duration; d > 0 {
		share = float64(r.driver.Clock()-r.start) / float64(d)
	}
	if n := r.phase.Operations; n > 0 {
		share = max(share, float64(r.issued.Load())/float64(n))
	}
	return min(share, almost)
}

// almost is as far as a phase can be before it has ended.
const almost = 0.999
