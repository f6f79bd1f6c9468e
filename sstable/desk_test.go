package sstable

import (
	"errors"
	"fmt"
	"io"
	"math/rand"
	"sort"
	"sync"
	"testing"

	"github.com/varvekv/varve/internal/cache"
	"github.com/varvekv/varve/internal/epoch"
	"github.com/varvekv/varve/internal/ikey"
	"github.com/varvekv/varve/vfs"
)

// memFile is a vfs.File in memory.
type memFile struct {
	mu     sync.RWMutex
	name   string
	data   []byte
	reads  int
	closed int
	fail   func(op string, offset int64) error // nil = never
}

func (f *memFile) Name() string { return f.name }

func (f *memFile) ReadAt(p []byte, off int64) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.reads++
	if f.fail != nil {
		if err := f.fail("read", off); err != nil {
			return 0, err
		}
	}
	if off >= int64(len(f.data)) {
		return 0, io.EOF
	}
	n := copy(p, f.data[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (f *memFile) WriteAt(p []byte, off int64) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fail != nil {
		if err := f.fail("write", off); err != nil {
			return 0, err
		}
	}
	if end := int(off) + len(p); end > len(f.data) {
		if end > cap(f.data) {
			bigger := make([]byte, end, 2*end)
			copy(bigger, f.data)
			f.data = bigger
		}
		f.data = f.data[:end]
	}
	return copy(f.data[off:], p), nil
}

func (f *memFile) Sync() error     { return nil }
func (f *memFile) SyncData() error { return nil }
func (f *memFile) StartWriteback(off, n int64) error {
	if f.fail != nil {
		return f.fail("writeback", off)
	}
	return nil
}
func (f *memFile) Truncate(n int64) error { f.data = f.data[:n]; return nil }
func (f *memFile) Size() (int64, error) {
	if f.fail != nil {
		if err := f.fail("size", 0); err != nil {
			return 0, err
		}
	}
	return int64(len(f.data)), nil
}
func (f *memFile) Close() error { f.closed++; return nil }

var _ vfs.File = (*memFile)(nil)

var errInjected = errors.New("injected")

const testIdentity = 0x1122334455667788

// entry is one version, as tests write them.
type entry struct {
	k ikey.Key
	v []byte
}

// shape says what random entries look like.
type shape struct {
	n                  int
	maxVersions        int
	keyPrefix          string
	minValue, maxValue int
	zeroSeq            bool
	fixedKey           bool
}

// makeEntries is sorted and free of duplicates.
func makeEntries(seed int64, s shape) []entry {
	r := rand.New(rand.NewSource(seed))
	var out []entry
	seen := map[string]bool{}
	for len(out) < s.n {
		key := s.keyPrefix + fmt.Sprintf("%012d", r.Int63n(1e12))
		if !s.fixedKey {
			key = key[:len(key)-r.Intn(8)]
			if r.Intn(10) == 0 {
				key += "\x00"
			}
		}
		if seen[key] {
			continue
		}
		seen[key] = true
		seqs := map[uint64]bool{}
		for range 1 + r.Intn(max(s.maxVersions, 1)) {
			seq := uint64(r.Intn(1 << 20))
			kind := ikey.KindPut
			if s.zeroSeq {
				seq = 0
			} else if r.Intn(5) == 0 {
				kind = ikey.KindDelete
			}
			if seqs[seq] {
				continue
			}
			seqs[seq] = true
			var v []byte
			if kind == ikey.KindPut {
				v = make([]byte, s.minValue+r.Intn(s.maxValue-s.minValue+1))
				r.Read(v[len(v)/2:])
			}
			out = append(out, entry{ikey.Make([]byte(key), seq, kind), v})
		}
	}
	sort.Slice(out, func(i, j int) bool { return ikey.Compare(out[i].k, out[j].k) < 0 })
	return out
}

func writeTable(t testing.TB, o WriterOptions, entries []entry) (*memFile, Properties) {
	t.Helper()
	f := &memFile{name: "000001.sst"}
	if o.Identity == 0 {
		o.Identity = testIdentity
	}
	w := NewWriter(f, o)
	for _, e := range entries {
		if err := w.Add(e.k, e.v); err != nil {
			t.Fatal(err)
		}
	}
	p, err := w.Finish()
	if err != nil {
		t.Fatal(err)
	}
	if p.FileBytes != int64(len(f.data)) {
		t.Fatalf("FileBytes %d, file has %d", p.FileBytes, len(f.data))
	}
	return f, p
}

// desk is a domain, a cache and a slot for one test.
type desk struct {
	dom   *epoch.Domain
	cache *cache.Cache
	slot  *epoch.Slot
}

func newDesk(t testing.TB, cacheBytes int64) *desk {
	t.Helper()
	d := &desk{dom: new(epoch.Domain)}
	d.slot = d.dom.NewSlot()
	if cacheBytes > 0 {
		c, err := cache.New(cacheBytes, d.dom)
		if err != nil {
			t.Fatal(err)
		}
		d.cache = c
		t.Cleanup(func() { c.Close() })
	}
	return d
}

func (d *desk) open(t testing.TB, f vfs.File) *Reader {
	t.Helper()
	r, err := Open(f, ReaderOptions{Cache: d.cache})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func sortKeys(keys [][]byte) {
	sort.Slice(keys, func(i, j int) bool { return string(keys[i]) < string(keys[j]) })
}
