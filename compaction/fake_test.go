package compaction

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/varvekv/varve/internal/hash"
	"github.com/varvekv/varve/internal/ikey"
	"github.com/varvekv/varve/iterator"
	"github.com/varvekv/varve/manifest"
)

var errTest = errors.New("test fault")

// disk is tables in memory, and an Env over them.
type disk struct {
	mu      sync.Mutex
	tables  map[uint64][]iterator.Entry
	next    uint64
	open    int // cursors
	unsaved int // outputs neither finished nor aborted
	// faults, all optional
	onOpen   func(s *manifest.Slice, c iterator.Cursor) (iterator.Cursor, error)
	onCreate func() error
	onAdd    func(o *fakeOutput) error
	onFinish func(s *manifest.Slice) error
}

func newDisk() *disk { return &disk{tables: map[uint64][]iterator.Entry{}, next: 1} }

func (d *disk) env(r Readers) *Env {
	return &Env{Open: d.openSlice, Create: d.create, Readers: r}
}

type fakeCursor struct {
	iterator.Cursor
	d    *disk
	once sync.Once
}

func (c *fakeCursor) Close() error {
	c.once.Do(func() {
		c.d.mu.Lock()
		c.d.open--
		c.d.mu.Unlock()
	})
	return c.Cursor.Close()
}

func (d *disk) openSlice(s *manifest.Slice) (iterator.Cursor, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	es, ok := d.tables[s.File]
	if !ok {
		return nil, fmt.Errorf("table %d is missing", s.File)
	}
	var c iterator.Cursor = iterator.NewSlice(es)
	if d.onOpen != nil {
		var err error
		if c, err = d.onOpen(s, c); err != nil {
			return nil, err
		}
	}
	d.open++
	return &fakeCursor{Cursor: c, d: d}, nil
}

func (d *disk) number() uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.next++
	return d.next - 1
}

type fakeOutput struct {
	d     *disk
	file  uint64
	es    []iterator.Entry
	bytes int64
	done  bool
}

func (d *disk) create(TableSpec) (Output, error) {
	if d.onCreate != nil {
		if err := d.onCreate(); err != nil {
			return nil, err
		}
	}
	n := d.number()
	d.mu.Lock()
	d.unsaved++
	d.mu.Unlock()
	return &fakeOutput{d: d, file: n}, nil
}

func (o *fakeOutput) Add(k ikey.Key, value []byte) error {
	if o.d.onAdd != nil {
		if err := o.d.onAdd(o); err != nil {
			return err
		}
	}
	if n := len(o.es); n > 0 && ikey.Compare(o.es[n-1].Key, k) >= 0 {
		return fmt.Errorf("%s after %s", k, o.es[n-1].Key)
	}
	o.es = append(o.es, iterator.Entry{Key: k.Clone(), Value: bytes.Clone(value)})
	o.bytes += int64(len(k.User) + len(value) + 8)
	return nil
}

func (o *fakeOutput) EstimatedBytes() int64 { return o.bytes }

func (o *fakeOutput) Finish() (*manifest.Slice, error) {
	s := describe(o.file, o.es)
	s.FileBytes = o.bytes
	if o.d.onFinish != nil {
		if err := o.d.onFinish(s); err != nil {
			return nil, err
		}
	}
	o.d.mu.Lock()
	defer o.d.mu.Unlock()
	o.d.tables[o.file] = o.es
	o.d.unsaved--
	o.done = true
	return s, nil
}

func (o *fakeOutput) Abort() error {
	o.d.mu.Lock()
	defer o.d.mu.Unlock()
	delete(o.d.tables, o.file)
	if !o.done {
		o.d.unsaved--
		o.done = true
	}
	return nil
}

// describe is the slice of a table that holds es.
func describe(file uint64, es []iterator.Entry) *manifest.Slice {
	s := &manifest.Slice{ID: file, File: file, Identity: file, SeqMin: ikey.MaxSeq}
	s.Lower, s.Upper = es[0].Key.User, es[len(es)-1].Key.User
	for _, e := range es {
		seq := e.Key.Trailer.Seq()
		s.SeqMin, s.SeqMax = min(s.SeqMin, seq), max(s.SeqMax, seq)
		s.Entries++
		if e.Key.Trailer.Kind() == ikey.KindDelete {
			s.Tombstones++
		}
		s.EntrySum += hash.Entry(e.Key.User, uint64(e.Key.Trailer), e.Value)
		s.FileBytes += int64(len(e.Key.User) + len(e.Value) + 8)
	}
	return s
}

// put stores a table and returns its slice.
func (d *disk) put(level int, run uint64, es []iterator.Entry) *manifest.Slice {
	n := d.number()
	d.tables[n] = es
	s := describe(n, es)
	s.Level, s.Run = level, run
	return s
}

// rest fails the test when something was left behind.
func (d *disk) rest(t *testing.T, tables int) {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.open != 0 || d.unsaved != 0 || tables >= 0 && len(d.tables) != tables {
		t.Fatalf("left behind: %d cursors, %d open outputs, %d tables, want %d", d.open, d.unsaved, len(d.tables), tables)
	}
}

// put and del make entries in tests; versions sort them.
func put(user string, seq uint64, value string) iterator.Entry {
	return iterator.Entry{Key: ikey.Make([]byte(user), seq, ikey.KindPut), Value: []byte(value)}
}

func del(user string, seq uint64) iterator.Entry {
	return iterator.Entry{Key: ikey.Make([]byte(user), seq, ikey.KindDelete)}
}

func sorted(es []iterator.Entry) []iterator.Entry {
	slices.SortFunc(es, func(a, b iterator.Entry) int { return ikey.Compare(a.Key, b.Key) })
	return es
}

func sumOf(es []iterator.Entry) Sum {
	var s Sum
	for _, e := range es {
		s.count(e.Key, e.Value)
	}
	return s
}

// list is every version in a set of slices, as text.
func (d *disk) list(added []*manifest.Slice) string {
	var b strings.Builder
	for _, s := range added {
		for _, e := range d.tables[s.File] {
			fmt.Fprintf(&b, "%s#%d", e.Key.User, e.Key.Trailer.Seq())
			if e.Key.Trailer.Kind() == ikey.KindDelete {
				b.WriteString("x")
			}
			b.WriteString(" ")
		}
		b.WriteString("| ")
	}
	return strings.TrimSuffix(b.String(), " | ")
}

// merging is a plan over slices, newest first, with what is older.
func merging(level int, inputs []*manifest.Slice, older ...[]*manifest.Slice) *Plan {
	p := &Plan{Reason: ReasonManual, Level: level, Run: 1, Older: older}
	p.take(inputs)
	p.Lower, p.Upper = bounds(inputs)
	return p
}

func mustRun(t *testing.T, p *Plan, env *Env) *Result {
	t.Helper()
	res, err := Run(context.Background(), p, env)
	if err != nil {
		t.Fatal(err)
	}
	return res
}
