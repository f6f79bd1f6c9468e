package command

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/varvekv/varve/bench/internal/driver"
	"github.com/varvekv/varve/bench/internal/measure"
	"github.com/varvekv/varve/bench/internal/report"
)

// A bar moves in thousandths. Where nobody watches (a file, a pipe) it is drawn
// rarely, so that a log stays short.
const (
	barSteps      = 1000
	drawTerminal  = 100 * time.Millisecond
	drawElsewhere = 5 * time.Second
)

func newProgress(w io.Writer, phase string, clock measure.Clock) driver.Progress {
	every := drawElsewhere
	if isTerminal(w) {
		every = drawTerminal
	}
	bar := progressbar.NewOptions64(barSteps,
		progressbar.OptionSetWriter(w),
		progressbar.OptionSetWidth(30),
		progressbar.OptionThrottle(every),
		progressbar.OptionSetPredictTime(false),
		progressbar.OptionSetElapsedTime(true),
		progressbar.OptionOnCompletion(func() { fmt.Fprintln(w) }),
	)
	start := clock()
	return func(share float64, units int64) {
		rate := int64(0)
		if elapsed := time.Duration(clock() - start); elapsed > 0 {
			rate = int64(float64(units) / elapsed.Seconds())
		}
		bar.Describe(fmt.Sprintf("%-22s %10s ops/s", phase, report.Count(rate)))
		// It fails when stderr does: no reason to stop measuring.
		_ = bar.Set64(int64(share * barSteps))
	}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
