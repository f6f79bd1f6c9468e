package varve

// Work that nobody waits for: it goes on after a failure, and ends what it began.

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/varvekv/varve/internal/filename"
	"github.com/varvekv/varve/vfs"
)

// TestTransientTableErrorFailsAtMostTheWriterThatWaits: one sync of a table fails
// while the pipeline is full and a writer waits for room. The flush is tried
// again; whoever writes meanwhile waits too and is not told.
func TestTransientTableErrorFailsAtMostTheWriterThatWaits(t *testing.T) {
	fs := vfs.NewStrict(1)
	g := newGate()
	var once sync.Once
	db := openSmall(t, smallOptions(vfs.NewFault(fs, func(op vfs.Op) (err error) {
		if !op.After && op.Kind == vfs.OpSync && isTable(op) {
			once.Do(func() { g.pass(); err = errDisk })
		}
		return err
	})))
	const count = 4000
	var failed []int
	written := start(func() (last error) {
		for i := range count {
			if err := db.Put(keyOf("key", i), valueOf("key", i)); err != nil {
				failed, last = append(failed, i), err
			}
		}
		return last
	})
	await(t, "the sync of a table", g.reached)
	until(t, "the pipeline is full", func() bool {
		db.commitMu.Lock()
		defer db.commitMu.Unlock()
		v := db.view.Load()
		return len(v.imms) == immutablesMax && !db.fits(v.mem, len(valueOf("key", 0)), 1)
	})
	close(g.opened)
	if err := await(t, "the writer", written); len(failed) > 1 || err != nil && !errors.Is(err, errDisk) {
		t.Errorf("%d of %d writes failed, the last one: %v", len(failed), count, err)
	}
	must(t, db.Flush())
	if m := db.Metrics(); m.BackgroundError != nil || m.Poisoned != nil {
		t.Errorf("after the retry: %v, %v", m.BackgroundError, m.Poisoned)
	}
	for i := range count {
		want := error(nil)
		if slices.Contains(failed, i) {
			want = ErrNotFound
		}
		if _, err := db.Get(keyOf("key", i)); err != want {
			t.Fatalf("key %d: %v, want %v", i, err, want)
		}
	}
	closeClean(t, db, fs)
}

// TestCorruptTableDoesNotStopOtherCompactions: with one place for compactions,
// the most urgent one meets damage. Level 0 is merged all the same.
func TestCorruptTableDoesNotStopOtherCompactions(t *testing.T) {
	const runs = 6
	fs := vfs.NewStrict(1)
	db := openSmall(t, smallOptions(fs))
	put(t, db, "key", 200)
	must(t, db.Compact(t.Context(), nil, nil))
	db.work.beginManual() // nothing is merged for now
	for range runs {
		put(t, db, "key", 20)
		must(t, db.Flush())
	}
	if n := db.Metrics().Levels[0].Runs; n != runs {
		t.Fatalf("%d runs in level 0", n)
	}
	oldest := filesOf(t, fs, filename.Table)[0]
	closeClean(t, db, fs)
	flip(t, fs, oldest, func(p []byte) int { return len(p) / 4 })

	failures := make(chan error, 100)
	o := smallOptions(fs)
	o.Events = &Events{BackgroundError: func(err error) { failures <- err }}
	db = openSmall(t, o)
	if err := await(t, "the compaction that fails", failures); !errors.Is(err, ErrCorruption) || !strings.Contains(err.Error(), oldest) {
		t.Errorf("background error: %v, want %s to be named", err, oldest)
	}
	begin := time.Now()
	until(t, "level 0 is merged", func() bool { return db.Metrics().Levels[0].Runs < runs })
	if took := time.Since(begin); took > 3*time.Second {
		t.Errorf("level 0 was merged after %v", took)
	}
	expect(t, db, "key", 20)
	if len(failures) > 0 {
		t.Errorf("the damaged table was tried again: %v", <-failures)
	}
	err := within(t, "Compact of a range that cannot be", func() error { return db.Compact(context.Background(), nil, nil) })
	if !errors.Is(err, ErrCorruption) {
		t.Errorf("Compact over a damaged table: %v", err)
	}
	must(t, db.Close())
	nothingHeld(t, fs)
}

// TestReadOnlyClosesEvictedTables: there is little else to do in the background
// of a read-only database, but this.
func TestReadOnlyClosesEvictedTables(t *testing.T) {
	const openMax, tables = 3, 8
	fs := vfs.NewStrict(1)
	db := openSmall(t, smallOptions(fs))
	db.work.beginManual()
	for i := range tables {
		put(t, db, string(rune('a'+i)), 20)
		must(t, db.Flush())
	}
	closeClean(t, db, fs)
	for _, readOnly := range []bool{false, true} {
		o := smallOptions(fs)
		o.ReadOnly = readOnly
		db := openSmall(t, o)
		db.work.beginManual()
		db.tables.mu.Lock()
		db.tables.openMax = openMax
		db.tables.mu.Unlock()
		for i := range tables {
			expect(t, db, string(rune('a'+i)), 20)
		}
		until(t, "the tables over the limit are closed", func() bool {
			n := 0
			for _, h := range fs.Handles() {
				if strings.Contains(h, ".sst") {
					n++
				}
			}
			return n <= openMax
		})
		closeClean(t, db, fs)
	}
}

// TestBufferedDataOfAnIdleDatabaseIsWritten: nobody commits, syncs or closes, and
// still a killed process loses next to nothing.
func TestBufferedDataOfAnIdleDatabaseIsWritten(t *testing.T) {
	fs := vfs.NewStrict(1)
	db := openSmall(t, smallOptions(fs))
	put(t, db, "key", 3)
	begin := time.Now()
	until(t, "what was put is written", func() bool { return db.log.Written() >= db.log.End() })
	if took := time.Since(begin); took > time.Second {
		t.Errorf("written after %v", took)
	}
	img := fs.CrashImageKept() // what the operating system holds
	closeClean(t, db, fs)
	db = openSmall(t, smallOptions(img))
	expect(t, db, "key", 3)
	closeClean(t, db, img)
}

// TestCheckBesideFlushes: in the middle of a Check, all that it reads is released,
// merged and deleted.
func TestCheckBesideFlushes(t *testing.T) {
	for _, c := range []struct {
		name string
		at   func(op vfs.Op) bool
	}{
		{"as a table is read", func(op vfs.Op) bool { return op.Kind == vfs.OpRead && isTable(op) }},
		{"before the log is written out", func(op vfs.Op) bool { return op.Kind == vfs.OpWrite && isLog(op) }},
		{"after the log was written out", func(op vfs.Op) bool { return op.After && op.Kind == vfs.OpWrite && isLog(op) }},
		{"as the log is read", func(op vfs.Op) bool { return op.Kind == vfs.OpRead && isLog(op) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			fs := vfs.NewStrict(1)
			g := newGate()
			var isArmed atomic.Bool
			db := openSmall(t, smallOptions(vfs.NewFault(fs, func(op vfs.Op) error {
				if isArmed.Load() && c.at(op) {
					g.pass()
				}
				return nil
			})))
			put(t, db, "key", 20)
			must(t, db.Flush())
			expect(t, db, "key", 20) // opens the table: who opens one holds up others
			put(t, db, "key", 20)
			isArmed.Store(true)
			checked := start(func() error { return db.Check(t.Context()) })
			await(t, "the moment", g.reached)
			isArmed.Store(false)
			must(t, within(t, "Flush beside a Check", db.Flush))
			must(t, within(t, "Compact beside a Check", func() error { return db.Compact(t.Context(), nil, nil) }))
			close(g.opened)
			if err := await(t, "Check", checked); err != nil {
				t.Errorf("check beside flushes: %v", err)
			}
			expect(t, db, "key", 20)
			closeClean(t, db, fs)
		})
	}
}

// TestClockThatStepsBack: NTP may do so at any time.
func TestClockThatStepsBackDoesNotPoison(t *testing.T) {
	var back atomic.Int64
	honest := systemClock
	systemClock.wall = func() time.Time { return time.Now().Add(-time.Duration(back.Load())) }
	t.Cleanup(func() { systemClock = honest })
	fs := vfs.NewStrict(1)
	db := openSmall(t, smallOptions(fs))
	for i := range 4 {
		prefix := string(rune('a' + i))
		put(t, db.With(Synced), prefix, 20)
		back.Add(int64(time.Hour))
		must(t, db.Flush())
	}
	must(t, db.Compact(t.Context(), nil, nil))
	closeClean(t, db, fs)
	back.Add(int64(time.Hour))
	db = openSmall(t, smallOptions(fs))
	for i := range 4 {
		expect(t, db, string(rune('a'+i)), 20)
	}
	closeClean(t, db, fs)
}
