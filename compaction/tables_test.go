package compaction

import (
	"context"
	"errors"
	"fmt"
	"math/rand"
	"sync/atomic"
	"testing"

	"github.com/varvekv/varve/internal/filename"
	"github.com/varvekv/varve/internal/ikey"
	"github.com/varvekv/varve/iterator"
	"github.com/varvekv/varve/manifest"
	"github.com/varvekv/varve/sstable"
	"github.com/varvekv/varve/vfs"
)

// files is a directory of real tables, and an Env over it.
type files struct {
	dir    vfs.Dir
	number atomic.Uint64
}

func openFiles(t testing.TB, fs vfs.FS, path string) *files {
	dir, err := fs.OpenDir(path, true)
	if err != nil {
		t.Fatal(err)
	}
	return &files{dir: dir}
}

func (f *files) env(r Readers) *Env {
	tables := &tables{
		Dir:      f.dir,
		Number:   func() (uint64, error) { return f.number.Add(1), nil },
		Identity: func() uint64 { return f.number.Load()<<32 | 7 },
	}
	return &Env{Open: f.open, Create: tables.Create, SyncDir: f.dir.Sync, Readers: r}
}

// owner closes its reader with itself.
type owner struct {
	iterator.Cursor
	r *sstable.Reader
}

func (o *owner) Close() error { return errors.Join(o.Cursor.Close(), o.r.Close()) }

func (f *files) open(s *manifest.Slice) (iterator.Cursor, error) {
	file, err := f.dir.Open(filename.Make(filename.Table, s.File))
	if err != nil {
		return nil, err
	}
	r, err := sstable.Open(file, sstable.ReaderOptions{Identity: s.Identity, FileBytes: s.FileBytes})
	if err != nil {
		return nil, err
	}
	return &owner{r.NewCursor(sstable.CursorOptions{Access: sstable.AccessBulk}), r}, nil
}

// randomRun is n entries with keys of 16 bytes, dealt at random.
func randomRun(r *rand.Rand, n int, seq uint64, value []byte) []iterator.Entry {
	es := make([]iterator.Entry, n)
	for i := range es {
		user := []byte(fmt.Sprintf("%016d", r.Int63n(1e15)))
		es[i] = iterator.Entry{Key: ikey.Make(user, seq+uint64(i), ikey.KindPut), Value: value}
	}
	return sorted(es)
}

func (f *files) flush(t testing.TB, env *Env, es []iterator.Entry) *Result {
	m := Memtable{Run: f.number.Add(1), Want: sumOf(es)}
	res, err := Flush(context.Background(), iterator.NewSlice(es), m, env)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func TestTablesGoThroughFlushAndCompaction(t *testing.T) {
	f := openFiles(t, vfs.NewStrict(1), "db")
	env := f.env(Readers{Horizon: 1 << 40})
	env.TableBytes, env.Parallel = 64<<10, 2
	v := new(manifest.Version)
	r := rand.New(rand.NewSource(1))
	for i := range 4 {
		res := f.flush(t, env, randomRun(r, 3000, uint64(1+i*3000), []byte("0123456789")))
		var err error
		if v, err = v.Apply(res.Edit); err != nil {
			t.Fatal(err)
		}
	}
	plan := Pick(v, State{Shape: Shape{MemtableBytes: 64 << 10}})
	if plan == nil {
		t.Fatalf("nothing picked\n%s", v)
	}
	res := mustRun(t, plan, env)
	v, err := v.Apply(res.Edit)
	if err != nil {
		t.Fatal(err)
	}
	if res.Out.Entries != 12000 || len(v.Levels[0].Runs) != 0 || v.SliceCount() < 3 {
		t.Fatalf("%+v\n%s", res, v)
	}
	checkTables(t, f, v)
}

// checkTables reads every table whole and holds it against its slice.
func checkTables(t *testing.T, f *files, v *manifest.Version) {
	t.Helper()
	for s := range v.All() {
		c, err := f.open(s)
		if err != nil {
			t.Fatal(err)
		}
		p, err := c.(*owner).r.Check(context.Background())
		if err != nil || p.EntrySum != s.EntrySum || p.Entries != s.Entries || s.SeqMax != 0 || s.Tombstones != 0 {
			t.Fatalf("%s: %v, %+v", s, err, p)
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFailedTablesAreRemoved(t *testing.T) {
	es := randomRun(rand.New(rand.NewSource(1)), 3000, 1, []byte("0123456789"))
	failed := 0
	for n := range 200 {
		strict := vfs.NewStrict(1)
		var count atomic.Int64
		fs := vfs.NewFault(strict, func(op vfs.Op) error {
			if op.After || op.Kind == vfs.OpRemove || op.Kind == vfs.OpOpenDir {
				return nil
			}
			if count.Add(1)-1 == int64(n) {
				return errTest
			}
			return nil
		})
		f := openFiles(t, fs, "db")
		env := f.env(Readers{Horizon: 1 << 40})
		env.TableBytes = 32 << 10
		_, err := Flush(context.Background(), iterator.NewSlice(es), Memtable{Run: 1, Want: sumOf(es)}, env)
		names, listErr := f.dir.List()
		if listErr != nil && !errors.Is(listErr, errTest) {
			t.Fatal(listErr)
		}
		if err == nil {
			break
		}
		failed++
		if !errors.Is(err, errTest) || len(names) != 0 {
			t.Fatalf("call %d failed: %v; left %v", n, err, names)
		}
	}
	if failed < 10 {
		t.Fatalf("only %d calls failed", failed)
	}
}

func BenchmarkFlush(b *testing.B) {
	f := openFiles(b, vfs.OS, b.TempDir())
	env := f.env(Readers{Horizon: 1 << 40})
	es := randomRun(rand.New(rand.NewSource(1)), 1<<18, 1, make([]byte, 100))
	var entries, bytes int64
	for b.Loop() {
		res := f.flush(b, env, es)
		entries, bytes = entries+int64(res.Out.Entries), bytes+res.WrittenBytes
	}
	report(b, entries, bytes)
}

func BenchmarkCompaction(b *testing.B) {
	for _, parallel := range []int{1, 2} {
		b.Run(fmt.Sprintf("parts=%d", parallel), func(b *testing.B) {
			f := openFiles(b, vfs.OS, b.TempDir())
			env := f.env(Readers{Horizon: 1 << 40})
			r := rand.New(rand.NewSource(1))
			var inputs []*manifest.Slice
			env.TableBytes = 8 << 20
			for i := range 4 {
				inputs = append(f.flush(b, env, randomRun(r, 1<<17, uint64(1+i<<17), make([]byte, 100))).Edit.Added, inputs...)
			}
			env.Parallel = parallel
			var entries, bytes int64
			for b.Loop() {
				res, err := Run(context.Background(), merging(6, inputs), env)
				if err != nil {
					b.Fatal(err)
				}
				entries, bytes = entries+int64(res.Out.Entries), bytes+res.WrittenBytes
				for _, s := range res.Edit.Added {
					if err := f.dir.Remove(fileName(s)); err != nil {
						b.Fatal(err)
					}
				}
			}
			report(b, entries, bytes)
		})
	}
}

func report(b *testing.B, entries, bytes int64) {
	b.ReportMetric(float64(entries)/b.Elapsed().Seconds(), "entries/s")
	b.ReportMetric(float64(bytes)/b.Elapsed().Seconds()/1e6, "MB/s")
}

// BenchmarkMergeLoop is the loop alone: outputs that keep nothing.
func BenchmarkMergeLoop(b *testing.B) {
	d := newDisk()
	r := rand.New(rand.NewSource(1))
	var inputs []*manifest.Slice
	for i := range 4 {
		inputs = append(inputs, d.put(0, uint64(9-i), randomRun(r, 1<<16, uint64(1+i<<16), make([]byte, 100))))
	}
	env := d.env(Readers{Horizon: 1 << 40})
	env.Create = func(TableSpec) (Output, error) { return &sink{}, nil }
	var entries int64
	for b.Loop() {
		res, err := Run(context.Background(), merging(0, inputs), env)
		if err != nil {
			b.Fatal(err)
		}
		entries += int64(res.Out.Entries)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(entries), "ns/entry")
}

// sink is an output that only counts.
type sink struct {
	sum          Sum
	lower, upper []byte
}

func (s *sink) Add(k ikey.Key, value []byte) error {
	if s.lower == nil {
		s.lower = append([]byte{}, k.User...)
	}
	s.upper = append(s.upper[:0], k.User...)
	s.sum.count(k, value)
	return nil
}
func (s *sink) EstimatedBytes() int64 { return 0 }
func (s *sink) Abort() error          { return nil }
func (s *sink) Finish() (*manifest.Slice, error) {
	return &manifest.Slice{ID: 1, File: 1, Lower: s.lower, Upper: s.upper, Entries: s.sum.Entries, EntrySum: s.sum.Hash, FileBytes: 1}, nil
}
