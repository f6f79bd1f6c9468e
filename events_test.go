package varve

// Events come in pairs, with what they say they are about; the Logger says the same.

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/varvekv/varve/internal/filename"
	"github.com/varvekv/varve/vfs"
)

// diary keeps what events told, in order.
type diary struct {
	mu      sync.Mutex
	flushes map[uint64]FlushInfo // begun and not ended
	merges  map[uint64]CompactionInfo
	tables  map[uint64]int64 // created and not deleted
	ended   []FlushInfo
	merged  []CompactionInfo
	errs    []string
}

func (d *diary) complain(format string, args ...any) {
	d.errs = append(d.errs, fmt.Sprintf(format, args...))
}

func (d *diary) locked(f func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f()
}

func (d *diary) events() *Events {
	d.flushes, d.merges, d.tables = map[uint64]FlushInfo{}, map[uint64]CompactionInfo{}, map[uint64]int64{}
	return &Events{
		FlushBegin: func(i FlushInfo) { d.locked(func() { d.flushes[i.Job] = i }) },
		FlushEnd: func(i FlushInfo) {
			d.locked(func() {
				b, ok := d.flushes[i.Job]
				if delete(d.flushes, i.Job); !ok || b.Entries != i.Entries || b.MemtableBytes != i.MemtableBytes || b.Bytes != 0 {
					d.complain("flush %+v began as %+v", i, b)
				}
				d.ended = append(d.ended, i)
			})
		},
		CompactionBegin: func(i CompactionInfo) { d.locked(func() { d.merges[i.Job] = i }) },
		CompactionEnd: func(i CompactionInfo) {
			d.locked(func() {
				b, ok := d.merges[i.Job]
				if delete(d.merges, i.Job); !ok || b.Reason != i.Reason || b.TablesIn != i.TablesIn || b.TablesOut != 0 {
					d.complain("compaction %+v began as %+v", i, b)
				}
				d.merged = append(d.merged, i)
			})
		},
		TableCreated: func(i TableInfo) { d.locked(func() { d.tables[i.Number] = i.Bytes }) },
		TableDeleted: func(i TableInfo) {
			d.locked(func() {
				if d.tables[i.Number] != i.Bytes || i.Level != -1 {
					d.complain("deleted %+v, created with %d bytes", i, d.tables[i.Number])
				}
				delete(d.tables, i.Number)
			})
		},
	}
}

func TestEventsComeInPairs(t *testing.T) {
	fs := vfs.NewStrict(1)
	var failOnce sync.Once
	var d diary
	o := smallOptions(vfs.NewFault(fs, func(op vfs.Op) (err error) {
		if !op.After && op.Kind == vfs.OpSync && isTable(op) {
			failOnce.Do(func() { err = errDisk })
		}
		return err
	}))
	o.Events = d.events()
	db := openSmall(t, o)
	put(t, db, "key", 100)
	if err := db.Flush(); !errors.Is(err, errDisk) {
		t.Fatal(err)
	}
	put(t, db, "key", 100)
	must(t, db.Flush())
	must(t, db.Compact(t.Context(), nil, nil))
	quiet(t, db)
	m := db.Metrics()
	closeClean(t, db, fs)

	if len(d.errs) > 0 || len(d.flushes) > 0 || len(d.merges) > 0 {
		t.Errorf("%v; not ended: %v, %v", d.errs, d.flushes, d.merges)
	}
	var flushed, merged int64
	failed := 0
	for _, i := range d.ended {
		flushed += i.Bytes
		if i.Err != nil {
			failed++
		}
	}
	for _, i := range d.merged {
		merged += i.BytesOut
	}
	if failed != 1 || m.FlushFails != 1 || uint64(flushed) != m.FlushedBytes || uint64(merged) != m.CompactedOut || merged == 0 {
		t.Errorf("%d failed flushes; flushed %d, merged %d; %s", failed, flushed, merged, m)
	}
	if files := filesOf(t, fs, filename.Table); len(files) != len(d.tables) {
		t.Errorf("left: %v, told: %v", files, d.tables)
	}
}

// TestLogSyncMayCommit: it is told when the sync is over for everybody, so that a
// Synced write out of it does not wait for itself.
func TestLogSyncMayCommit(t *testing.T) {
	fs := vfs.NewStrict(1)
	o := smallOptions(fs)
	var db *DB
	var isCalled atomic.Bool
	told := make(chan LogSyncInfo, 1000)
	wrote := make(chan error, 1)
	o.Events = &Events{LogSync: func(i LogSyncInfo) {
		told <- i
		if !isCalled.Swap(true) { // what it syncs is told too
			wrote <- db.With(Synced).Put([]byte("from the callback"), nil)
		}
	}}
	db = openSmall(t, o)
	must(t, within(t, "Put", func() error { return db.With(Synced).Put([]byte("k"), []byte("v")) }))
	must(t, await(t, "the callback's Put", wrote))
	if i := await(t, "LogSync", told); i.Bytes <= 0 || i.Duration < 0 {
		t.Errorf("%+v", i)
	}
	closeClean(t, db, fs)
}

// TestBackgroundErrorsSayWhatFailed: the task, and the cause below it.
func TestBackgroundErrorsSayWhatFailed(t *testing.T) {
	fs := vfs.NewStrict(1)
	o := smallOptions(vfs.NewFault(fs, func(op vfs.Op) error {
		if op.Kind == vfs.OpCreate && isTable(op) {
			return errDisk
		}
		return nil
	}))
	told := make(chan error, 100)
	o.Events = &Events{BackgroundError: func(err error) { told <- err }}
	db := openSmall(t, o)
	put(t, db, "key", 1)
	if err := db.Flush(); !errors.Is(err, errDisk) {
		t.Fatal(err)
	}
	err := await(t, "BackgroundError", told)
	var task *TaskError
	if !errors.As(err, &task) || task.Task != "flush" || !errors.Is(err, errDisk) || !strings.HasPrefix(err.Error(), "varve: flush: ") {
		t.Errorf("told %#v: %v", err, err)
	}
	must(t, within(t, "Close", db.Close))
	nothingHeld(t, fs)
}

// TestStallsAreToldAndCounted: pacing by flushes, and who waits for a full pipeline.
func TestStallsAreToldAndCounted(t *testing.T) {
	fs := vfs.NewStrict(1)
	g := newGate()
	o := smallOptions(vfs.NewFault(fs, func(op vfs.Op) error {
		if !op.After && op.Kind == vfs.OpSync && isTable(op) {
			g.pass()
		}
		return nil
	}))
	begun, ended := make(chan StallReason, 1000), make(chan StallReason, 1000)
	o.Events = &Events{
		StallBegin: func(r StallReason) { begun <- r },
		StallEnd:   func(r StallReason, took time.Duration) { ended <- r },
	}
	db := openSmall(t, o)
	written := start(func() error {
		for i := range 2000 {
			if err := db.Put(keyOf("key", i), valueOf("key", i)); err != nil {
				return err
			}
		}
		return nil
	})
	if r := await(t, "StallBegin", begun); r != StallMemtables {
		t.Errorf("stalled by %v", r)
	}
	close(g.opened)
	must(t, await(t, "the writer", written))
	if r := await(t, "StallEnd", ended); r != StallMemtables {
		t.Errorf("stall by %v ended", r)
	}
	m := db.Metrics()
	if by := m.StallsBy.Memtables; by.Waits+by.Paced == 0 || by.Time == 0 || m.Stalls < by.Waits || m.StallTime < by.Time {
		t.Errorf("%+v of %d waits, %v", by, m.Stalls, m.StallTime)
	}
	closeClean(t, db, fs)
}

// TestLoggerIsTold: each message that docs/observability.md lists, with its level
// and its attributes.
func TestLoggerIsTold(t *testing.T) {
	fs := vfs.NewStrict(1)
	var mu sync.Mutex
	var out bytes.Buffer
	o := smallOptions(fs)
	o.Logger = slog.New(slog.NewJSONHandler(writerFunc(func(p []byte) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		return out.Write(p)
	}), &slog.HandlerOptions{Level: slog.LevelDebug}))
	o.Archive.Dir = "archive"
	db := openSmall(t, o)
	for range 3 {
		put(t, db, "key", 100)
		must(t, db.Flush())
	}
	must(t, db.Compact(t.Context(), nil, nil))
	quiet(t, db)
	db.tellStallBegin(StallLog)
	db.tellStallEnd(StallLog, time.Second)
	db.backgroundError("test", errDisk)
	closeClean(t, db, fs)

	want := map[string]string{
		"varve: opened":           "INFO dir created verdict operations segments dropped_bytes file offset reason manifest_torn orphans took",
		"varve: flushed":          "INFO job entries memtable_bytes tables bytes took",
		"varve: compacted":        "INFO job reason from_level to_level move tables_in tables_out bytes_in bytes_out entries_in entries_out took",
		"varve: rotated":          "DEBUG segment memtable_bytes",
		"varve: table deleted":    "DEBUG table bytes",
		"varve: archived":         "DEBUG segment file bytes took",
		"varve: stall begins":     "WARN reason",
		"varve: stall ends":       "WARN reason took",
		"varve: background error": "ERROR task err",
	}
	for line := range strings.Lines(out.String()) {
		var record map[string]any
		must(t, json.Unmarshal([]byte(line), &record))
		attributes, ok := want[record["msg"].(string)]
		if !ok {
			continue
		}
		delete(want, record["msg"].(string))
		names := strings.Fields(attributes)
		if record["level"] != names[0] || len(record) != len(names)+2 {
			t.Errorf("%s: want %s", line, attributes)
		}
		for _, name := range names[1:] {
			if _, ok := record[name]; !ok {
				t.Errorf("%s: no %s", line, name)
			}
		}
	}
	if len(want) > 0 {
		t.Errorf("not logged: %v", want)
	}
}

type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
