package sstable

import (
	"encoding/binary"
	"fmt"
	"math/rand"
	"testing"

	"github.com/varvekv/varve/internal/codec"
	"github.com/varvekv/varve/internal/hash"
	"github.com/varvekv/varve/internal/ikey"
	"github.com/varvekv/varve/vfs"
)

// benchKey is a key like YCSB's: a word and a hashed number in digits.
func benchKey(dst []byte, i int) []byte {
	h := uint64(i+1) * 0x9e3779b97f4a7c15
	return fmt.Appendf(dst[:0], "user%020d", h)
}

// benchKeys is n sorted keys.
func benchKeys(n int) [][]byte {
	keys := make([][]byte, n)
	for i := range keys {
		keys[i] = benchKey(nil, i)
	}
	sortKeys(keys)
	return keys
}

// benchValue fills v: the first half is random, the other one repeats.
func benchValue(v []byte, i int) {
	x := uint64(i) + 1
	half := v[:len(v)/2]
	for len(half) > 0 {
		x = (x ^ x>>31) * 0x9e3779b97f4a7c15
		var word [8]byte
		binary.LittleEndian.PutUint64(word[:], x^x>>29)
		half = half[copy(half, word[:]):]
	}
	for j := len(v) / 2; j < len(v); j++ {
		v[j] = "abcdefgh"[j%8]
	}
}

func writeBench(b testing.TB, f vfs.File, o WriterOptions, keys [][]byte, valueBytes int) Properties {
	o.Identity = testIdentity
	w := NewWriter(f, o)
	v := make([]byte, valueBytes)
	for i, k := range keys {
		benchValue(v, i)
		if err := w.Add(ikey.Make(k, uint64(i), ikey.KindPut), v); err != nil {
			b.Fatal(err)
		}
	}
	p, err := w.Finish()
	if err != nil {
		b.Fatal(err)
	}
	return p
}

func osFile(b testing.TB) vfs.File {
	d, err := vfs.OS.OpenDir(b.TempDir(), true)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { d.Close() })
	f, err := d.Create("000001.sst")
	if err != nil {
		b.Fatal(err)
	}
	return f
}

// nullFile takes writes and forgets them.
type nullFile struct{ memFile }

func (f *nullFile) WriteAt(p []byte, off int64) (int, error) { return len(p), nil }

func BenchmarkWriter(b *testing.B) {
	keys := benchKeys(100_000)
	for _, size := range []int{100, 1000} {
		for _, typ := range []codec.Type{codec.None, codec.S2, codec.Zstd} {
			b.Run(fmt.Sprintf("%v/%d", typ, size), func(b *testing.B) {
				b.ReportAllocs()
				values := make([][]byte, 1000)
				for i := range values {
					values[i] = make([]byte, size)
					benchValue(values[i], i)
				}
				w := NewWriter(&nullFile{}, WriterOptions{Identity: 1, Compression: typ})
				defer reportCPU(b)()
				i := 0
				for b.Loop() {
					if i == len(keys) {
						if _, err := w.Finish(); err != nil {
							b.Fatal(err)
						}
						w = NewWriter(&nullFile{}, WriterOptions{Identity: 1, Compression: typ})
						i = 0
					}
					if err := w.Add(ikey.Make(keys[i], uint64(i), ikey.KindPut), values[i%1000]); err != nil {
						b.Fatal(err)
					}
					i++
				}
				w.Close()
			})
		}
	}
}

const benchEntries = 500_000

func BenchmarkGet(b *testing.B) {
	keys := benchKeys(benchEntries)
	for _, typ := range []codec.Type{codec.None, codec.S2, codec.Zstd} {
		f := osFile(b)
		writeBench(b, f, WriterOptions{Compression: typ}, keys, 100)
		for _, c := range []struct {
			name  string
			bytes int64
			keys  int
		}{{"hot", 256 << 20, 1000}, {"cached", 256 << 20, benchEntries}, {"smallCache", 8 << 20, benchEntries}, {"uncached", 0, benchEntries}} {
			b.Run(fmt.Sprintf("%s/%v", c.name, typ), func(b *testing.B) {
				d := newDesk(b, c.bytes)
				benchGet(b, d, openAgain(b, d, f), keys[:c.keys])
			})
		}
		f.Close()
	}
}

// openAgain opens a reader whose Close leaves f open.
func openAgain(b testing.TB, d *desk, f vfs.File) *Reader { return d.open(b, keepOpen{f}) }

type keepOpen struct{ vfs.File }

func (keepOpen) Close() error { return nil }

func benchGet(b *testing.B, d *desk, r *Reader, keys [][]byte) {
	var s Scratch
	rnd := rand.New(rand.NewSource(1))
	order := make([]int32, 1<<16)
	for i := range order {
		order[i] = int32(rnd.Intn(len(keys)))
	}
	get := func(k []byte) {
		d.slot.Enter()
		_, _, ok, err := r.Get(k, hash.Sum(k), ikey.MaxSeq, &s)
		d.slot.Exit()
		if !ok || err != nil {
			b.Fatal(ok, err)
		}
	}
	if r.cache != nil {
		for _, k := range keys {
			get(k)
		}
	}
	s.BlockHits, s.BlockMisses = 0, 0
	b.ReportAllocs()
	defer reportCPU(b)()
	i := 0
	for b.Loop() {
		get(keys[order[i&(len(order)-1)]])
		i++
	}
	b.ReportMetric(float64(s.BlockHits)/float64(s.BlockHits+s.BlockMisses), "hits/op")
}

func BenchmarkGetMissing(b *testing.B) {
	keys := benchKeys(benchEntries)
	f := osFile(b)
	writeBench(b, f, WriterOptions{}, keys, 100)
	d := newDesk(b, 256<<20)
	r := d.open(b, f)
	absent := make([][]byte, 1<<16)
	for i := range absent {
		absent[i] = benchKey(nil, i+10*benchEntries)
	}
	var s Scratch
	b.ReportAllocs()
	defer reportCPU(b)()
	i := 0
	for b.Loop() {
		k := absent[i&(len(absent)-1)]
		d.slot.Enter()
		if _, _, ok, _ := r.Get(k, hash.Sum(k), ikey.MaxSeq, &s); ok {
			b.Fatal("found")
		}
		d.slot.Exit()
		i++
	}
}

func BenchmarkScan(b *testing.B) {
	keys := benchKeys(benchEntries)
	for _, typ := range []codec.Type{codec.None, codec.S2} {
		f := osFile(b)
		writeBench(b, f, WriterOptions{Compression: typ}, keys, 100)
		for _, c := range []struct {
			name   string
			bytes  int64
			access Access
		}{{"cached", 256 << 20, AccessScan}, {"uncached", 0, AccessScan}, {"bulk", 0, AccessBulk}} {
			for _, way := range []string{"forward", "reverse"} {
				b.Run(fmt.Sprintf("%s/%v/%s", c.name, typ, way), func(b *testing.B) {
					d := newDesk(b, c.bytes)
					r := openAgain(b, d, f)
					if c.bytes > 0 {
						fillCache(r, d)
					}
					benchScan(b, r, c.access, way == "forward")
				})
			}
		}
		f.Close()
	}
}

func fillCache(r *Reader, d *desk) {
	var s Scratch
	for i := range r.index.count {
		d.slot.Enter()
		r.block(i, &s)
		d.slot.Exit()
	}
}

func benchScan(b *testing.B, r *Reader, a Access, isForward bool) {
	c := r.NewCursor(CursorOptions{Access: a})
	defer c.Close()
	start, step := c.First, c.Next
	if !isForward {
		start, step = c.Last, c.Prev
	}
	start()
	b.ReportAllocs()
	defer reportCPU(b)()
	n := 0
	for b.Loop() {
		n += len(c.Key().User) + len(c.Value())
		if !step() {
			start()
		}
	}
}

func BenchmarkSeek10(b *testing.B) {
	keys := benchKeys(benchEntries)
	f := osFile(b)
	writeBench(b, f, WriterOptions{}, keys, 100)
	d := newDesk(b, 256<<20)
	r := d.open(b, f)
	fillCache(r, d)
	rnd := rand.New(rand.NewSource(1))
	b.ReportAllocs()
	defer reportCPU(b)()
	for b.Loop() {
		c := r.NewCursor(CursorOptions{})
		c.SeekGE(ikey.First(keys[rnd.Intn(len(keys))]))
		for range 10 {
			c.Next()
		}
		c.Close()
	}
}
