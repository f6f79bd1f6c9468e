package process

import (
	"os"
	"strconv"
	"strings"
	"time"
)

// ticksPerSecond is the unit of /proc/stat: fixed on every Linux that Go runs on.
const ticksPerSecond = 100

// processor is how long all the machine's cores together were busy, and how long
// they were there to be used, since it was started.
type processor struct{ busy, total time.Duration }

// readProcessor is zero on systems that do not tell.
func readProcessor() processor {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return processor{}
	}
	line, _, _ := strings.Cut(string(text), "\n")
	return parseProcessor(line)
}

// parseProcessor reads "cpu user nice system idle iowait irq softirq steal ...".
// What follows is in user and nice already.
func parseProcessor(line string) (p processor) {
	const idle, iowait, steal = 4, 5, 8
	fields := strings.Fields(line)
	if len(fields) <= steal || fields[0] != "cpu" {
		return processor{}
	}
	for i, f := range fields[1 : steal+1] {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return processor{}
		}
		ticks := time.Duration(n) * time.Second / ticksPerSecond
		p.total += ticks
		if i+1 != idle && i+1 != iowait {
			p.busy += ticks
		}
	}
	return p
}

// othersShare is the share of the machine, 0 to 1, that was used between two
// readings and not by one process: by other programs, the kernel's own threads,
// and a host that gave the time to somebody else.
func othersShare(before, after processor, own time.Duration) float64 {
	total := after.total - before.total
	if total <= 0 {
		return 0
	}
	return float64(max(0, after.busy-before.busy-own)) / float64(total)
}
