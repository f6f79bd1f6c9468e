package wal

import (
	"sync/atomic"
	"time"
)

// The flusher writes what no commit writes: Buffered data, data of async commits,
// and marks once the log has gone idle. It sleeps while there is nothing of it.

// idleMark is how long after the last sync the mark that proves it is written.
const idleMark = 5 * time.Millisecond

type flusher struct {
	armed atomic.Bool
	kicks chan struct{} // something is to be written now
	arms  chan struct{} // … or soon
	stop  chan struct{}
	done  chan struct{}
}

// kick asks for a write now. It never blocks.
func (f *flusher) kick() {
	select {
	case f.kicks <- struct{}{}:
	default:
	}
}

// arm asks for a look within the flush interval. It is cheap when armed already.
func (f *flusher) arm() {
	if f.armed.Load() || !f.armed.CompareAndSwap(false, true) {
		return
	}
	select {
	case f.arms <- struct{}{}:
	default:
	}
}

func (l *Log) startBackground() {
	f := &l.flusher
	f.kicks, f.arms = make(chan struct{}, 1), make(chan struct{}, 1)
	f.stop, f.done = make(chan struct{}), make(chan struct{})
	go l.runFlusher()
	l.keeper.start(l)
}

// stopBackground ends both goroutines and waits for them.
func (l *Log) stopBackground() {
	close(l.flusher.stop)
	<-l.flusher.done
	l.keeper.finishAndWait()
}

func (l *Log) runFlusher() {
	f := &l.flusher
	defer close(f.done)
	timer := time.NewTimer(time.Hour)
	timer.Stop()
	defer timer.Stop()
	for {
		select {
		case <-f.stop:
			return
		case <-f.kicks:
			l.leadForOthers()
		case <-f.arms:
			timer.Reset(min(l.options.FlushInterval, idleMark))
		case <-timer.C:
			f.armed.Store(false)
			l.onInterval()
		}
	}
}

// onInterval writes what waits; once the log has been idle after a sync, it
// writes the mark that proves it, so that little stays undecidable.
func (l *Log) onInterval() {
	l.line.takeLead()
	defer l.handOver()
	if l.runGroup(false) != nil {
		return
	}
	if l.trimPool() {
		l.flusher.arm()
	}
	l.mu.Lock()
	due := l.durable.Load() > uint64(l.lastMark.durable)
	l.mu.Unlock()
	if !due {
		return
	}
	if l.options.Clock().Sub(l.turn.lastSync) < idleMark {
		l.flusher.arm()
		return
	}
	// Its error has poisoned the log, which tells everybody.
	_ = l.writePending(takeMark)
}
