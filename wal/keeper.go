package wal

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/varvekv/varve/vfs"
)

// The keeper looks after files that take no writes of the log at the moment: it
// prepares segments ahead, and archives, recycles or removes released ones. A
// failure of its own never poisons the log, but for a failed sync of the directory;
// the next segment is then made by the leader, and a released file stays until it
// can be dealt with.

// sparesMax bounds the files prepared ahead: they count as disk in use.
const sparesMax = 2

// closeGrace is how long Close waits for the archive to take what was released.
const closeGrace = 5 * time.Second

// retryAfter is how long the keeper rests after a failure.
const retryAfter = time.Second

type keeper struct {
	log         *Log
	firstNumber uint64 // the first segment of this opening
	synced      atomic.Bool
	kicks       chan struct{}
	windUp      context.CancelFunc // nothing is prepared any more; what was released is dealt with once more
	stop        context.CancelFunc // that ends too
	done        chan struct{}
	grace       time.Duration   // closeGrace
	ownCopies   map[string]bool // in the archive: whether they are of this log; the keeper's own

	mu        sync.Mutex // guards below; never held across I/O. Rank: after Log.mu
	changed   sync.Cond  // preparing has changed; L is &mu
	claimed   uint64     // greatest number the leader has made or is making a file for
	spares    map[uint64]vfs.File
	preparing uint64 // number being prepared; 0 = none
	abandon   bool   // the leader wants it as it is
	released  []*segment
	reusable  []reusable
	torn      []string // set aside by recovery, until nothing from before is needed
}

// reusable is a released file that holds nothing any more.
type reusable struct {
	name      string
	sizeBytes int64
}

func (k *keeper) start(l *Log) {
	k.log = l
	k.kicks, k.done = make(chan struct{}, 1), make(chan struct{})
	archiving, stop := context.WithCancel(context.Background())
	working, windUp := context.WithCancel(archiving)
	k.windUp, k.stop, k.grace = windUp, stop, closeGrace
	go k.run(working, archiving)
	k.kick()
}

// finishAndWait lets the keeper deal with what was released, and ends it. What the
// archive does not take in time is found by the next opening.
func (k *keeper) finishAndWait() {
	k.windUp()
	grace := time.AfterFunc(k.grace, k.stop)
	<-k.done
	grace.Stop()
	k.stop()
}

func (k *keeper) closeFiles() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	var errs []error
	for _, f := range k.spares {
		errs = append(errs, f.Close())
	}
	k.spares = nil
	return errors.Join(errs...)
}

func (k *keeper) kick() {
	select {
	case k.kicks <- struct{}{}:
	default:
	}
}

func (k *keeper) run(working, archiving context.Context) {
	defer close(k.done)
	retry := time.NewTimer(time.Hour)
	retry.Stop()
	defer retry.Stop()
	for {
		select {
		case <-working.Done():
			// A failure was told by its event; the file stays for the next opening.
			_ = k.dispose(archiving)
			return
		case <-k.kicks:
		case <-retry.C:
		}
		if err := errors.Join(k.prepare(working), k.dispose(archiving)); err != nil {
			retry.Reset(retryAfter)
		}
	}
}

// claim gives the leader the prepared file of a segment, or nil when it has to
// make one. A preparation that is under way is cut short, not waited for whole.
func (k *keeper) claim(number uint64) vfs.File {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.claimed = max(k.claimed, number)
	for k.preparing == number {
		k.abandon = true
		k.changed.Wait()
	}
	f := k.spares[number]
	delete(k.spares, number)
	return f
}
