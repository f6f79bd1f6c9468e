package varve

// Metrics tells the truth: reads by where they ended, bytes as the disk saw them,
// memory as the system gave it, and the same in JSON.

import (
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/varvekv/varve/vfs"
)

func TestMetricsCountReads(t *testing.T) {
	fs := vfs.NewStrict(1)
	db := openSmall(t, smallOptions(fs))
	put(t, db, "old", 40)
	must(t, db.Flush())
	must(t, db.Compact(t.Context(), nil, nil))
	put(t, db, "new", 10)
	must(t, db.Delete(keyOf("new", 0)))

	expect(t, db, "old", 40)
	expect(t, db, "old", 40) // from the cache
	for i := range 10 {
		_, err := db.Has(keyOf("new", i))
		must(t, err)
		if ok, err := db.Has(append(keyOf("old", i), '!')); ok || err != nil {
			t.Fatal(ok, err)
		}
	}
	it := db.NewIter(nil)
	for ok := it.First(); ok; ok = it.Next() {
	}
	during := db.Metrics()
	must(t, it.Close())
	m := db.Metrics()
	r := m.Reads
	if r.Gets != 100 || r.Hits != 89 || r.Misses != 11 || r.Failures != 0 || r.FromMemtable != 10 || r.FromImmutables != 0 {
		t.Errorf("gets: %+v", r)
	}
	var fromLevels uint64
	for _, l := range m.Levels {
		fromLevels += l.Reads
	}
	if fromLevels != 80 {
		t.Errorf("levels decided %d gets, want 80", fromLevels)
	}
	if r.FilterProbes != 90 || r.FilterNegatives+r.FilterFalsePositives != 10 {
		t.Errorf("filters: %+v", r)
	}
	if r.Iterators != 1 || r.Seeks != 1 || r.Moves != 49 || during.OpenIterators != 1 || during.Reads.Iterators != 1 || m.OpenIterators != 0 {
		t.Errorf("iterators: %+v, open %d, then %d", r, during.OpenIterators, m.OpenIterators)
	}
	if r.BlockMisses == 0 || r.BlockHits < 40 || r.ReadBytes < 1000 || r.CacheHitRate() <= 0.5 || m.Cache.FilledBytes == 0 {
		t.Errorf("blocks: %+v, %+v", r, m.Cache)
	}
	closeClean(t, db, fs)
	if after := db.Metrics(); after.Reads != r || after.Cache.Inserted != m.Cache.Inserted || after.Memory.Mapped() != 0 || after.OpenTables != 0 {
		t.Errorf("after Close: %+v", after)
	}
}

// BenchmarkMetrics is what a look costs: it may come often.
func BenchmarkMetrics(b *testing.B) {
	db, err := Open("db", smallOptions(vfs.NewStrict(1)))
	if err != nil {
		b.Fatal(err)
	}
	for i := range 5000 {
		if err := db.Put(keyOf("key", i), valueOf("key", i)); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		if m := db.Metrics(); m.Operations != 5000 {
			b.Fatal(m)
		}
	}
	b.StopTimer()
	if err := db.Close(); err != nil {
		b.Fatal(err)
	}
}

// TestReadsAreCountedWhoeverMadeThem: by readers that run at once, and by those
// that the collector took since.
func TestReadsAreCountedWhoeverMadeThem(t *testing.T) {
	fs := vfs.NewStrict(1)
	db := openSmall(t, smallOptions(fs))
	put(t, db, "key", 10)
	const readers, each = 4, 5000
	var wg sync.WaitGroup
	for range readers {
		wg.Go(func() {
			for i := range each {
				if _, err := db.Get(keyOf("key", i%10)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	last := uint64(0)
	for range 100 {
		n := db.Metrics().Reads.Gets
		if n < last || n > readers*each {
			t.Errorf("%d gets after %d", n, last)
		}
		last = n
	}
	wg.Wait()
	for range 3 { // a pool keeps what it holds for two collections
		if r := db.Metrics().Reads; r.Gets != readers*each || r.Hits != r.Gets || r.FromMemtable != r.Gets {
			t.Errorf("%+v", r)
		}
		runtime.GC()
	}
	until(t, "readers are counted for good", func() bool {
		runtime.GC()
		db.tallies.mu.Lock()
		defer db.tallies.mu.Unlock()
		return db.tallies.gone.gets == readers*each
	})
	closeClean(t, db, fs)
}

// TestMetricsBytesAreWhatTheDiskSaw: every byte that went to tables and log is
// counted, none twice.
func TestMetricsBytesAreWhatTheDiskSaw(t *testing.T) {
	var tables, logs, tableReads atomic.Uint64
	fs := vfs.NewStrict(1)
	o := smallOptions(vfs.NewFault(fs, func(op vfs.Op) error {
		switch {
		case !op.After:
		case op.Kind == vfs.OpWrite && isTable(op):
			tables.Add(uint64(op.Length))
		case op.Kind == vfs.OpWrite && isLog(op):
			logs.Add(uint64(op.Length))
		case op.Kind == vfs.OpRead && isTable(op):
			tableReads.Add(uint64(op.Length))
		}
		return nil
	}))
	db := openSmall(t, o)
	opened := logs.Load() // what Open wrote is no commit's
	for i := range 20 {
		put(t, db.With(Synced), "key", 50)
		if i%4 == 0 {
			must(t, db.Flush())
		}
	}
	must(t, db.Compact(t.Context(), nil, nil))
	quiet(t, db)
	m := db.Metrics()
	if got := m.FlushedBytes + m.CompactedOut; got != tables.Load() || m.CompactedOut == 0 {
		t.Errorf("tables: counted %d, written %d", got, tables.Load())
	}
	var levels uint64
	for _, l := range m.Levels {
		levels += l.BytesWritten
	}
	if levels != tables.Load() {
		t.Errorf("levels: counted %d, written %d", levels, tables.Load())
	}
	if got := m.Log.WrittenBytes + m.Log.PreparedBytes; got != logs.Load()-opened {
		t.Errorf("log: counted %d, written %d", got, logs.Load()-opened)
	}
	if m.Log.Groups == 0 || m.Log.GroupCommits < 1000 || m.FlushTime <= 0 || m.FlushMax > m.FlushTime || m.CompactionMax == 0 {
		t.Errorf("groups %d, commits %d, flush %v of %v, compaction %v", m.Log.Groups, m.Log.GroupCommits, m.FlushMax, m.FlushTime, m.CompactionMax)
	}

	expect(t, db, "key", 1) // opens the table
	beforeReads, before := tableReads.Load(), db.Metrics().Reads.ReadBytes
	expect(t, db, "key", 50)
	if got, want := db.Metrics().Reads.ReadBytes-before, tableReads.Load()-beforeReads; got != want || want == 0 {
		t.Errorf("reads: counted %d, read %d", got, want)
	}
	closeClean(t, db, fs)
}

// quiet waits until background work rests.
func quiet(t *testing.T, db *DB) {
	t.Helper()
	until(t, "the background rests", func() bool {
		m := db.Metrics()
		return m.FlushQueue == 0 && m.RunningCompactions == 0 && m.ObsoleteTables == 0 && m.Log.ReleasedSegments == 0
	})
}

// TestMetricsMemoryAddsUp: what is said to be mapped is what is mapped, but for
// the rounding of each table to pages.
func TestMetricsMemoryAddsUp(t *testing.T) {
	fs := vfs.NewStrict(1)
	o := smallOptions(fs)
	o.CacheBytes = 4 << 20
	db := openSmall(t, o)
	for range 3 {
		put(t, db, "key", 2000)
		must(t, db.Flush())
		expect(t, db, "key", 2000)
		quiet(t, db)
		until(t, "memory adds up", func() bool {
			m := db.Metrics()
			left := m.Memory.OffHeap - m.Memory.Mapped()
			return left >= 0 && left <= int64(m.OpenTables*os.Getpagesize())
		})
	}
	m := db.Metrics().Memory
	if m.Memtable > m.Memtables || m.Cache == 0 || m.Tables == 0 || m.LogBuffers == 0 || m.GoHeap == 0 || m.GoTotal < m.GoHeap {
		t.Errorf("%+v", m)
	}
	closeClean(t, db, fs)
}

// TestMetricsInJSON: every field is in it under a name in snake case, durations
// say that they are nanoseconds, and what is read back is what was written.
func TestMetricsInJSON(t *testing.T) {
	var m Metrics
	n := int64(0)
	fill(reflect.ValueOf(&m).Elem(), &n)
	m.StallReason = StallLevel0
	m.BackgroundError, m.Poisoned = errors.New("background"), errors.New("poison")
	data, err := json.Marshal(m)
	must(t, err)
	var back Metrics
	must(t, json.Unmarshal(data, &back))
	if back.BackgroundError.Error() != "background" || back.Poisoned.Error() != "poison" {
		t.Errorf("errors came back as %v, %v", back.BackgroundError, back.Poisoned)
	}
	back.BackgroundError, back.Poisoned = m.BackgroundError, m.Poisoned
	if !reflect.DeepEqual(back, m) {
		t.Errorf("came back as %+v", back)
	}
	namesOf(t, "Metrics", reflect.TypeFor[Metrics]())

	data, err = json.Marshal(Metrics{})
	must(t, err)
	if !strings.Contains(string(data), `"background_error":"","poisoned":""`) {
		t.Errorf("%s", data)
	}
}

// fill sets every number and text below v to another value.
func fill(v reflect.Value, n *int64) {
	*n++
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), n)
		}
	case reflect.Array:
		for i := range v.Len() {
			fill(v.Index(i), n)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(1), n)
	case reflect.String:
		v.SetString(strings.Repeat("x", int(*n)%7))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(*n)
	case reflect.Uint8:
		v.SetUint(uint64(*n % 5))
	case reflect.Uint32, reflect.Uint64:
		v.SetUint(uint64(*n))
	}
}

var snakeCase = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)

func namesOf(t *testing.T, path string, typ reflect.Type) {
	t.Helper()
	switch typ.Kind() {
	case reflect.Array, reflect.Slice:
		namesOf(t, path, typ.Elem())
		return
	case reflect.Struct:
	default:
		return
	}
	for i := range typ.NumField() {
		f := typ.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Type.Kind() == reflect.Interface {
			continue // an error: metricsJSON has its text
		}
		if !snakeCase.MatchString(name) {
			t.Errorf("%s.%s is %q in JSON", path, f.Name, name)
		}
		if f.Type.String() == "time.Duration" && !strings.HasSuffix(name, "_ns") {
			t.Errorf("%s.%s is %q in JSON, and in nanoseconds", path, f.Name, name)
		}
		namesOf(t, path+"."+f.Name, f.Type)
	}
}

// TestMetricsOfAReadOnlyDatabase: what recovery proved durable is, and can be
// waited for; what it did not prove cannot.
func TestMetricsOfAReadOnlyDatabase(t *testing.T) {
	fs := vfs.NewStrict(1)
	db := openSmall(t, smallOptions(fs))
	put(t, db, "key", 7)
	must(t, db.Close())

	o := smallOptions(fs)
	o.ReadOnly = true
	db = openSmall(t, o)
	if m := db.Metrics(); m.DurableSeq != 7 || m.LastSeq != 7 || db.DurableSeq() != 7 {
		t.Errorf("durable %d of %d", m.DurableSeq, m.LastSeq)
	}
	must(t, db.WaitDurable(t.Context(), 7))
	if err := db.WaitDurable(t.Context(), 8); err == nil {
		t.Error("waited for what nobody has written")
	}
	must(t, db.Close())

	db = openSmall(t, smallOptions(fs))
	put(t, db.With(Synced), "key", 2)
	put(t, db.With(Written), "key", 3)
	image := fs.CrashImageKept()
	must(t, db.Close())
	o.FS = image
	db = openSmall(t, o)
	defer db.Close()
	if seq := db.DurableSeq(); seq < 8 || seq > db.Metrics().LastSeq {
		t.Errorf("durable %d of %d, of which recovery proved 8 at least", seq, db.Metrics().LastSeq)
	}
	if err := db.WaitDurable(t.Context(), 12); !errors.Is(err, ErrReadOnly) {
		t.Errorf("waited for what is not proven: %v", err)
	}
}
