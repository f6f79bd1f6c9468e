package wal

import (
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/varvekv/varve/vfs"
)

// TestPowerCutAtEveryCallTwoDeep cuts the power before each file system call of a
// scripted life, and again before each call of the recovery that follows.
func TestPowerCutAtEveryCallTwoDeep(t *testing.T) {
	first, second := 0, 0
	pick := rand.New(rand.NewPCG(5, 6))
	fs := vfs.NewStrict(1)
	m := &model{}
	var images []crash
	var mu sync.Mutex // guards images and pick: the background calls too
	fs.SetHook(func(op vfs.Op) {
		m.mu.Lock()
		c := crash{synced: m.synced, released: m.released}
		m.mu.Unlock()
		mu.Lock()
		defer mu.Unlock()
		for range 3 {
			c.fs = fs.CrashImage(pick)
			images = append(images, c)
		}
	})
	l, _ := mustOpen(t, fs, Options{SegmentBytes: 16 << 10})
	r := rand.New(rand.NewPCG(9, 9))
	for i := range 14 {
		m.append(t, r, 1+i%3, 40+i*30, l.AppendBatch)
		if i%2 == 0 {
			if err := l.Sync(); err != nil {
				t.Fatal(err)
			}
			m.ack()
		}
		switch i {
		case 4, 9:
			l.Cut()
		case 11:
			m.mu.Lock()
			m.released = m.records[3].LSN
			m.mu.Unlock()
			if err := l.Release(m.released); err != nil {
				t.Fatal(err)
			}
		}
	}
	mustClose(t, l)
	fs.SetHook(nil)
	m.released = max(m.released, m.records[3].LSN) // images may be of any moment
	for i, c := range images {
		first++
		c.released = m.released
		var deeper []crash
		c.fs.SetHook(func(op vfs.Op) {
			mu.Lock()
			defer mu.Unlock()
			if op.Kind.Changes() {
				deeper = append(deeper, crash{c.fs.CrashImage(pick), c.synced, c.released})
			}
		})
		l, _, _, err := m.check(c)
		if err != nil {
			t.Fatalf("image %d: %v", i, err)
		}
		mustClose(t, l)
		c.fs.SetHook(nil)
		for j, d := range deeper {
			second++
			l, _, _, err := m.check(d)
			if err != nil {
				t.Fatalf("image %d, recovery call %d: %v", i, j, err)
			}
			mustClose(t, l)
		}
	}
	t.Logf("%d cuts, %d of them in a recovery", first+second, second)
}
