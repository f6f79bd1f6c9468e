package epoch

import (
	"sync"
	"testing"
)

func TestPeekSeesWhatWasDoneInside(t *testing.T) {
	var d Domain
	s := d.NewSlot()
	count := 0
	s.Enter()
	count++
	if s.Peek(3, func() { t.Error("looked into a slot whose user is inside") }) {
		t.Error("peeked from inside")
	}
	s.Exit()
	seen := 0
	if !s.Peek(1, func() { seen = count }) || seen != 1 {
		t.Errorf("saw %d", seen)
	}
	if n := d.oldestLocked(); n != d.now.Load() || s.inside.Load() != 0 {
		t.Errorf("after it: oldest %d, inside %d", n, s.inside.Load())
	}
}

// TestPeekBesideItsUser: plain memory, which the race detector watches.
func TestPeekBesideItsUser(t *testing.T) {
	var d Domain
	s := d.NewSlot()
	const rounds = 20_000
	count, seen, looks := 0, 0, 0
	var wg sync.WaitGroup
	wg.Go(func() {
		for range rounds {
			s.Enter()
			count++
			s.Exit()
		}
	})
	for range rounds {
		if s.Peek(100, func() { seen, looks = count, looks+1 }) && seen > rounds {
			t.Error("more than there were")
		}
	}
	wg.Wait()
	if !s.Peek(1, func() { seen = count }) || seen != rounds {
		t.Errorf("saw %d of %d at the end (%d looks)", seen, rounds, looks)
	}
}

// TestPeekHoldsBackWhoEnters, and counts as outside meanwhile.
func TestPeekHoldsBackWhoEnters(t *testing.T) {
	var d Domain
	s := d.NewSlot()
	peeked := make(chan struct{})
	entered := make(chan struct{})
	s.Peek(1, func() {
		freed := false
		d.Retire(func() { freed = true })
		if !freed {
			t.Error("a slot that is peeked into holds memory back")
		}
		go func() {
			close(peeked)
			s.Enter()
			close(entered)
			s.Exit()
		}()
		<-peeked
		select {
		case <-entered:
			t.Error("entered beside a look")
		default:
		}
	})
	<-entered
}
