//go:build !linux

package measure

import "time"

type timer struct{}

func newTimer() (Sleeper, error) { return timer{}, nil }

func (timer) Sleep(d time.Duration) { time.Sleep(d) }
func (timer) Close() error          { return nil }
