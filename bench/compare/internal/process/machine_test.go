package process

import (
	"testing"
	"time"
)

func TestOthersShare(t *testing.T) {
	before := parseProcessor("cpu  100 0 100 800 50 0 0 0 0 0")
	after := parseProcessor("cpu  250 10 140 900 100 5 15 80 7 7") // 300 ticks busy, 150 idle or waiting
	if got := after.total - before.total; got != 4500*time.Millisecond {
		t.Fatalf("total %v, want 4.5 s", got)
	}
	if got, want := othersShare(before, after, 750*time.Millisecond), 0.5; got != want {
		t.Errorf("others had %g of the machine, want %g", got, want)
	}
	if got := othersShare(before, after, time.Hour); got != 0 {
		t.Errorf("a process that used more than there was leaves %g to others", got)
	}
	if got := othersShare(processor{}, processor{}, 0); got != 0 {
		t.Errorf("a system that does not tell leaves %g", got)
	}
}

func TestStrangeProcessorLines(t *testing.T) {
	for _, line := range []string{"", "cpu", "cpu 1 2 3", "cpu0 1 2 3 4 5 6 7 8", "cpu 1 2 x 4 5 6 7 8"} {
		if p := parseProcessor(line); p != (processor{}) {
			t.Errorf("%q: %+v", line, p)
		}
	}
}
