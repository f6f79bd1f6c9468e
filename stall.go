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

	reason    atomic.Int32 // StallReason; 0: nobody is paced
	rate      atomic.Int64 // bytes a second that writers may take while paced
	flushRate atomic.Int64 // bytes a second of memtable, as the last flush did
	next      atomic.Int64 // monotonic nanoseconds when the next byte is due
	by        [stallReasons]stallCounter
	crowd     atomic.Int64 // writers that wait for room in the log's buffer
	crowdFrom atomic.Int64 // monotonic nanoseconds when the first of them came

	mu    sync.Mutex // guards what follows
	began time.Duration
	woken chan struct{} // closed by wakeAll
}

// stallCounter counts writers that were held back for one reason.
type stallCounter struct {
	waits atomic.Uint64 // that waited for a full pipeline
	paced atomic.Uint64 // that were put to sleep
	nanos atomic.Int64  // of both
}

func (c *stallCounter) figures() StallMetrics {
	return StallMetrics{Waits: c.waits.Load(), Paced: c.paced.Load(), Time: time.Duration(c.nanos.Load())}
}

func (s *stall) figures(m *Metrics) {
	by := StallReasons{
		Memtables: s.by[StallMemtables].figures(), Level0: s.by[StallLevel0].figures(), Log: s.by[StallLog].figures(),
	}
	for _, one := range []StallMetrics{by.Memtables, by.Level0, by.Log} {
		m.Stalls += one.Waits
		m.Paced += one.Paced
		m.StallTime += one.Time
	}
	m.StallsBy, m.StallReason = by, StallReason(s.reason.Load())
	if m.StallReason == StallNone && s.crowd.Load() > 0 {
		m.StallReason = StallLog
	}
}

// waited counts a writer that waited for room since begin.
func (s *stall) waited(reason StallReason, begin time.Duration) {
	s.by[reason].waits.Add(1)
	s.by[reason].nanos.Add(int64(s.now() - begin))
}

func (s *stall) init(now func() time.Duration) {
	s.now = now
	s.woken = make(chan struct{})
	s.flushRate.Store(rateFirst)
}

// pace holds a writer of n bytes back for as long as its bytes are not due.
func (s *stall) pace(db *DB, n int) error {
	if err := db.waitForLog(); err != nil {
		return err
	}
	reason := StallReason(s.reason.Load())
	if reason == StallNone {
		return nil
	}
	now := int64(s.now())
	cost := int64(float64(n+memtableEntryBytes) / float64(max(s.rate.Load(), rateMin)) * 1e9)
	due := s.reserve(now, cost)
	if wait := time.Duration(due - now); wait >= sleepMin {
		s.sleep(reason, min(wait, sleepMax))
	}
	return nil
}

// waitForLog waits while the log's buffer is full. Mostly it is an atomic load.
func (db *DB) waitForLog() error {
	if !db.log.IsCrowded() {
		return db.log.WaitRoom()
	}
	s, begin := &db.stall, db.now()
	if s.crowd.Add(1) == 1 {
		s.crowdFrom.Store(int64(begin))
		db.tellStallBegin(StallLog)
	}
	err := db.log.WaitRoom()
	s.waited(StallLog, begin)
	if s.crowd.Add(-1) == 0 {
		db.tellStallEnd(StallLog, db.now()-time.Duration(s.crowdFrom.Load()))
	}
	return err
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

func (s *stall) sleep(reason StallReason, d time.Duration) {
	begin := s.now()
	t := time.NewTimer(d)
	defer func() {
		t.Stop()
		s.by[reason].paced.Add(1)
		s.by[reason].nanos.Add(int64(s.now() - begin))
	}()
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

// updateStall decides anew whether and how writers are paced.
func (db *DB) updateStall() {
	v := db.view.Load()
	if v == nil {
		return
	}
	p := pressure{
		immutables: len(v.imms),
		fill:       float64(v.mem.SizeBytes()) / float64(db.opts.MemtableBytes),
		roomBytes:  max(db.opts.MemtableBytes-v.mem.SizeBytes(), 0),
		level0Runs: len(v.ver.Levels[0].Runs),
	}
	for _, m := range v.imms {
		p.waitBytes += m.SizeBytes()
	}
	old, reason, took := db.stall.update(p)
	if old == reason {
		return
	}
	if old != StallNone {
		db.tellStallEnd(old, took)
	}
	if reason != StallNone {
		db.tellStallBegin(reason)
	}
}

// update takes a new decision into force; took is how long an old one was.
func (s *stall) update(p pressure) (old, reason StallReason, took time.Duration) {
	reason, rate := p.decide(s.flushRate.Load())
	s.rate.Store(rate)
	old = StallReason(s.reason.Swap(int32(reason)))
	if old == reason {
		return old, reason, 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	took, s.began = now-s.began, now
	return old, reason, took
}
