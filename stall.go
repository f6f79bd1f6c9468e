package varve

// Back-pressure: writers are paced, long before anything is full, to the speed
// at which flushes and compactions empty what they fill. A paced writer sleeps a
// little; only a writer that finds every memtable full waits.

import (
	"sync"
	"sync/atomic"
	"time"
)

// Pacing begins when level 0 holds more runs than the soft limit, and is at its
// slowest at the hard one.
const (
	level0RunsSoft = 12
	level0RunsHard = 36

	// paceFill is how full the active memtable may get, while others wait for
	// their flush, before writers are paced.
	paceFill = 0.5
	// sleepMin is the shortest sleep worth a timer; sleepMax bounds what one
	// call is held back by pacing.
	sleepMin = 200 * time.Microsecond
	sleepMax = 20 * time.Millisecond
	// rateMin keeps writers moving whatever is measured, in bytes a second.
	rateMin = 1 << 20
	// rateFirst stands in until a flush has been measured.
	rateFirst = 64 << 20
)

// stall paces writers. Its fast path is one atomic load.
type stall struct {
	now func() time.Duration // monotonic

	reason    atomic.Int32  // StallReason; 0: nobody is paced
	rate      atomic.Int64  // bytes a second that writers may take while paced
	flushRate atomic.Int64  // bytes a second of memtable, as the last flush did
	next      atomic.Int64  // monotonic nanoseconds when the next byte is due
	waits     atomic.Uint64 // writers that waited for a full pipeline
	paced     atomic.Uint64 // writers that were put to sleep
	slept     atomic.Int64  // nanoseconds that writers slept or waited

	mu    sync.Mutex // guards what follows
	began time.Duration
	woken chan struct{} // closed by wakeAll
}

func (s *stall) init(now func() time.Duration) {
	s.now = now
	s.woken = make(chan struct{})
	s.flushRate.Store(rateFirst)
}

// pace holds a writer of n bytes back for as long as its bytes are not due.
func (s *stall) pace(db *DB, n int) error {
	if err := db.log.WaitRoom(); err != nil {
		return err
	}
	if StallReason(s.reason.Load()) == StallNone {
		return nil
	}
	now := int64(s.now())
	cost := int64(float64(n+memtableEntryBytes) / float64(max(s.rate.Load(), rateMin)) * 1e9)
	due := s.reserve(now, cost)
	if wait := time.Duration(due - now); wait >= sleepMin {
		s.sleep(min(wait, sleepMax))
	}
	return nil
}

// reserve takes the next cost nanoseconds of the schedule and returns when they
// begin; a schedule that lies in the past begins anew.
func (s *stall) reserve(now, cost int64) int64 {
	for {
		at := s.next.Load()
		begin := max(at, now)
		if begin-now > int64(sleepMax) {
			begin = now + int64(sleepMax)
		}
		if s.next.CompareAndSwap(at, begin+cost) {
			return begin
		}
	}
}

func (s *stall) sleep(d time.Duration) {
	s.paced.Add(1)
	s.slept.Add(int64(d))
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-s.wokenChan():
	}
}

// flushed notes how fast a flush emptied a memtable.
func (s *stall) flushed(sizeBytes int64, took time.Duration) {
	if took <= 0 {
		return
	}
	s.flushRate.Store(max(int64(float64(sizeBytes)/took.Seconds()), rateMin))
}

func (s *stall) wokenChan() chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.woken
}

// wakeAll ends every sleep; used at Close.
func (s *stall) wakeAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.woken)
}

// pressure is what pacing is decided on.
type pressure struct {
	immutables int
	fill       float64 // of the active memtable, 0 to 1
	roomBytes  int64   // left in the active memtable
	waitBytes  int64   // of memtables that wait for their flush
	level0Runs int
}

// decide is the reason to pace and the rate to pace at, in bytes a second.
func (p pressure) decide(flushRate int64) (StallReason, int64) {
	reason, rate := StallNone, int64(0)
	if p.immutables > 0 && p.fill > paceFill {
		// What is left in the active memtable must last until a flush has
		// made room.
		seconds := float64(p.waitBytes) / float64(max(flushRate, rateMin))
		reason, rate = StallMemtables, int64(float64(p.roomBytes)/max(seconds, 1e-3))
		if p.immutables < immutablesMax {
			rate *= 2 // a whole memtable more is free
		}
	}
	if p.level0Runs > level0RunsSoft {
		left := float64(level0RunsHard-p.level0Runs) / float64(level0RunsHard-level0RunsSoft)
		r := int64(float64(flushRate) * max(left, 0))
		if reason == StallNone || r < rate {
			reason, rate = StallLevel0, r
		}
	}
	return reason, max(rate, rateMin)
}

// update takes a new decision into force and tells Events of its edges.
func (s *stall) update(p pressure, ev *Events) {
	reason, rate := p.decide(s.flushRate.Load())
	s.rate.Store(rate)
	old := StallReason(s.reason.Swap(int32(reason)))
	if old == reason {
		return
	}
	s.mu.Lock()
	began, now := s.began, s.now()
	s.began = now
	s.mu.Unlock()
	if old != StallNone && ev.StallEnd != nil {
		ev.StallEnd(old, now-began)
	}
	if reason != StallNone && ev.StallBegin != nil {
		ev.StallBegin(reason)
	}
}
