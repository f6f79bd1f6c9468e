// Package quiet waits until an engine's background work rests, for engines that
// do not tell when it does.
package quiet

import (
	"context"
	"time"
)

// Work rests when no poll saw any for so long: as long as varve's own adapter
// waits, so that nobody reads from a tree that others were given time to finish.
const (
	poll  = 25 * time.Millisecond
	polls = 60
)

// Wait polls until work rests or ctx ends. progress is any number that changes
// while work is done; busy tells that some is going on or due.
func Wait(ctx context.Context, look func() (progress int64, busy bool)) {
	tick := time.NewTicker(poll)
	defer tick.Stop()
	last, _ := look()
	for seen := 0; seen < polls; seen++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if now, busy := look(); busy || now != last {
			last, seen = now, -1
		}
	}
}
