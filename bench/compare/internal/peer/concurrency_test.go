package peer

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/varvekv/varve/bench/internal/engine"
)

const (
	group   = 50  // records that change in one batch
	changes = 200 // batches
)

// A batch is seen whole or not at all, by scans that run meanwhile: each is one
// consistent view.
func TestScansSeeWholeBatches(t *testing.T) {
	eachPeer(t, func(t *testing.T, o *opened) {
		o.load(0, group, "0:")
		done := make(chan struct{})
		var readers sync.WaitGroup
		for range 2 {
			readers.Go(func() { readGroups(t, o.engine, done) })
		}
		for n := range changes {
			o.load(0, group, fmt.Sprintf("%d:", n))
		}
		close(done)
		readers.Wait()
	})
}

func readGroups(t *testing.T, e engine.Engine, done <-chan struct{}) {
	c, err := e.NewClient()
	if err != nil {
		t.Error(err)
		return
	}
	for ended := false; !ended; {
		select {
		case <-done:
			ended = true // one more, of the last state
		default:
		}
		stamps, n := map[string]int{}, 0
		_, err := c.Scan(nil, -1, func(key, value []byte) error {
			var stamp, record int
			if _, err := fmt.Sscanf(string(value), "%d:%d", &stamp, &record); err != nil || record != n {
				return fmt.Errorf("%s=%s in place %d", key, value, n)
			}
			stamps[fmt.Sprint(stamp)]++
			n++
			return nil
		})
		if err != nil || len(stamps) != 1 || n != group {
			t.Errorf("%d records of batches %v: %v", n, stamps, err)
			break
		}
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

// Clients of one engine write, read, delete and scan beside each other, each its
// own keys.
func TestClientsSideBySide(t *testing.T) {
	for _, d := range []engine.Durability{engine.Buffered, engine.Synced} {
		for _, p := range All() {
			t.Run(p.Name+"/"+d.String(), func(t *testing.T) {
				e, err := p.Open(budgets(t.TempDir(), d), Tuned)
				if err != nil {
					t.Fatal(err)
				}
				rounds := 300
				if d == engine.Synced {
					rounds = 10
				}
				var all sync.WaitGroup
				for n := range 6 {
					all.Go(func() {
						if err := useClient(e, n, rounds); err != nil {
							t.Errorf("client %d: %v", n, err)
						}
					})
				}
				all.Wait()
				if err := e.Close(); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

func useClient(e engine.Engine, own, rounds int) (err error) {
	c, err := e.NewClient()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	var got []byte
	for n := range rounds {
		key, value := fmt.Appendf(nil, "%d/%d", own, n), fmt.Appendf(nil, "value %d of %d", n, own)
		if err := c.Put(key, value); err != nil {
			return err
		}
		if got, err = c.Get(got[:0], key); err != nil || string(got) != string(value) {
			return fmt.Errorf("%s: %q, %w", key, got, err)
		}
		seen := ""
		if _, err := c.Scan(key, 1, func(k, v []byte) error { seen = string(k) + string(v); return nil }); err != nil {
			return err
		}
		if seen != string(key)+string(value) {
			return fmt.Errorf("scan from %s: %q", key, seen)
		}
		if err := c.Delete(key); err != nil {
			return err
		}
		if _, err := c.Get(nil, key); !errors.Is(err, engine.ErrNotFound) {
			return fmt.Errorf("%s is deleted: %w", key, err)
		}
	}
	return nil
}
