package measure

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// timer is a timerfd: its reader waits in Go's network poller.
type timer struct {
	file   *os.File
	handle int
	buffer [8]byte
}

func newTimer() (Sleeper, error) {
	handle, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("make a timer: %w", err)
	}
	return &timer{file: os.NewFile(uintptr(handle), "timer"), handle: handle}, nil
}

// Sleep returns too early only if the system refuses: the caller looks at the clock.
func (t *timer) Sleep(d time.Duration) {
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(d))}
	if err := unix.TimerfdSettime(t.handle, 0, &spec, nil); err != nil {
		return
	}
	_, _ = t.file.Read(t.buffer[:]) // what it says is how often it fired: once
}

func (t *timer) Close() error { return t.file.Close() }
