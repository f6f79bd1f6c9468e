package memtable

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand"
	"slices"
	"testing"

	"github.com/varvekv/varve/internal/hash"
	"github.com/varvekv/varve/internal/ikey"
	"github.com/varvekv/varve/internal/offheap"
)

const benchKeys = 500_000

var benchValue = make([]byte, 100)

// ycsbKeys are n keys of the YCSB shape: "user" and 19 digits.
func ycsbKeys(n int) [][]byte {
	r := rand.New(rand.NewSource(1))
	keys := make([][]byte, n)
	for i := range keys {
		keys[i] = fmt.Appendf(nil, "user%019d", r.Uint64()>>1)
	}
	return keys
}

// binaryKeys are n keys of 16 random bytes.
func binaryKeys(n int) [][]byte {
	r := rand.New(rand.NewSource(2))
	keys := make([][]byte, n)
	for i := range keys {
		keys[i] = make([]byte, 16)
		r.Read(keys[i])
	}
	return keys
}

// sequentialKeys are n ascending keys of 24 bytes.
func sequentialKeys(n int) [][]byte {
	keys := make([][]byte, n)
	for i := range keys {
		keys[i] = make([]byte, 24)
		binary.BigEndian.PutUint64(keys[i][16:], uint64(i))
	}
	return keys
}

// descendingKeys are the same from the end.
func descendingKeys(n int) [][]byte {
	keys := sequentialKeys(n)
	for i := range n / 2 {
		keys[i], keys[n-1-i] = keys[n-1-i], keys[i]
	}
	return keys
}

// flatKeys are keys of one length laid behind each other: a slice of slices
// would add its own cache misses, and work for the collector, to every figure.
type flatKeys struct {
	bytes  []byte
	length int
}

func flatten(keys [][]byte) flatKeys {
	return flatKeys{bytes.Join(keys, nil), len(keys[0])}
}

// shuffled are the same keys in random order.
func shuffled(keys [][]byte) flatKeys {
	keys = slices.Clone(keys)
	rand.New(rand.NewSource(4)).Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
	return flatten(keys)
}

func (f flatKeys) at(i int) []byte { return f.bytes[i*f.length : (i+1)*f.length] }

// addAll adds benchKeys keys with ascending sequences above seq.
func addAll(b *testing.B, t *Table, keys flatKeys, seq int) {
	for i := range benchKeys {
		if err := t.Add(keys.at(i), ikey.MakeTrailer(uint64(seq+i+1), ikey.KindPut), benchValue); err != nil {
			b.Fatal(err)
		}
	}
}

// addAllPrefetched is addAll in batches of 16 keys, as a database commits them.
func addAllPrefetched(b *testing.B, t *Table, keys flatKeys, seq int) {
	const batch = 16
	for i := range benchKeys {
		if i%batch == 0 {
			for j := i; j < min(i+batch, benchKeys); j++ {
				t.Prefetch(hash.Sum(keys.at(j)))
			}
		}
		if err := t.Add(keys.at(i), ikey.MakeTrailer(uint64(seq+i+1), ikey.KindPut), benchValue); err != nil {
			b.Fatal(err)
		}
	}
}

// addAllInBulk is what a replay does.
func addAllInBulk(b *testing.B, t *Table, keys flatKeys, seq int) {
	t.BeginBulk()
	addAll(b, t, keys, seq)
	t.EndBulk()
}

func touchedPool(b *testing.B, bytes int) *offheap.Pool {
	pool := offheap.NewPool(bytes, 1)
	b.Cleanup(func() { pool.Close() })
	if err := pool.Fill(1); err != nil {
		b.Fatal(err)
	}
	return pool
}

func filled(b *testing.B, keys [][]byte) *Table {
	b.Helper()
	t, err := New(Options{ArenaBytes: 128 << 20})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { t.Free() })
	addAll(b, t, flatten(keys), 0)
	return t
}

// BenchmarkInsert500k fills fresh tables over a touched pool; ns/op is per table,
// ns/insert is what counts.
func BenchmarkInsert500k(b *testing.B) {
	for _, c := range []struct {
		name string
		keys [][]byte
		add  func(*testing.B, *Table, flatKeys, int)
	}{
		{"ycsb", ycsbKeys(benchKeys), addAll},
		{"ycsb/prefetched", ycsbKeys(benchKeys), addAllPrefetched},
		{"ycsb/bulk", ycsbKeys(benchKeys), addAllInBulk},
		{"binary16", binaryKeys(benchKeys), addAll},
		{"binary16/bulk", binaryKeys(benchKeys), addAllInBulk},
		{"sequential24", sequentialKeys(benchKeys), addAll},
		{"sequential24/prefetched", sequentialKeys(benchKeys), addAllPrefetched},
		{"descending24", descendingKeys(benchKeys), addAll},
	} {
		b.Run(c.name, func(b *testing.B) {
			pool, keys := touchedPool(b, 128<<20), flatten(c.keys)
			b.ReportAllocs()
			for b.Loop() {
				t, err := New(Options{Pool: pool})
				if err != nil {
					b.Fatal(err)
				}
				c.add(b, t, keys, 0)
				if err := t.Free(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchKeys, "ns/insert")
		})
	}
}

// BenchmarkOverwrite500k adds as many versions again to a table of 500 k keys:
// one to every key in random order (cold), or all of them to 1000 keys (hot).
func BenchmarkOverwrite500k(b *testing.B) {
	keys := ycsbKeys(benchKeys)
	pool, first := touchedPool(b, 256<<20), flatten(keys)
	hot := flatKeys{bytes.Repeat(flatten(keys[:1000]).bytes, benchKeys/1000), first.length}
	b.Run("cold", func(b *testing.B) { benchOverwrite(b, pool, first, shuffled(keys), addAll) })
	b.Run("cold/prefetched", func(b *testing.B) { benchOverwrite(b, pool, first, shuffled(keys), addAllPrefetched) })
	b.Run("hot", func(b *testing.B) { benchOverwrite(b, pool, first, hot, addAll) })
}

func benchOverwrite(b *testing.B, pool *offheap.Pool, first, second flatKeys, add func(*testing.B, *Table, flatKeys, int)) {
	b.ReportAllocs()
	rounds := 0
	for b.Loop() {
		b.StopTimer()
		t, err := New(Options{Pool: pool})
		if err != nil {
			b.Fatal(err)
		}
		addAll(b, t, first, 0)
		b.StartTimer()
		add(b, t, second, benchKeys)
		b.StopTimer()
		t.Free()
		rounds++
		b.StartTimer()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(rounds)/benchKeys, "ns/overwrite")
}

// BenchmarkGet asks for random keys of a table that no cache holds; the hash is
// computed inside, as a database's Get does.
func BenchmarkGet(b *testing.B) {
	keys := ycsbKeys(2 * benchKeys)
	t := filled(b, keys[:benchKeys])
	for _, c := range []struct {
		name string
		from int
	}{{"hit", 0}, {"miss", benchKeys}} {
		ask := shuffled(keys[c.from : c.from+benchKeys])
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			i, found := 0, 0
			for b.Loop() {
				k := ask.at(i)
				if _, _, ok := t.Get(k, hash.Sum(k), ikey.MaxSeq); ok {
					found++
				}
				if i++; i == benchKeys {
					i = 0
				}
			}
			if (found > 0) != (c.name == "hit") {
				b.Fatalf("%d found", found)
			}
		})
	}
}

// BenchmarkScan500k walks a whole table; "values" also reads every value's last
// byte. "live" tables still have their lock.
func BenchmarkScan500k(b *testing.B) {
	for _, shape := range []struct {
		name string
		keys [][]byte
	}{{"ycsb", ycsbKeys(benchKeys)}, {"sequential24", sequentialKeys(benchKeys)}} {
		t := filled(b, shape.keys)
		for _, state := range []string{"live", "frozen"} {
			if state == "frozen" {
				t.Freeze()
			}
			for _, way := range []string{"forward", "values", "reverse"} {
				b.Run(shape.name+"/"+state+"/"+way, func(b *testing.B) { benchScan(b, t, way) })
			}
		}
	}
}

func benchScan(b *testing.B, t *Table, way string) {
	var c Cursor
	c.Init(t)
	b.ReportAllocs()
	sum := 0
	for b.Loop() {
		n := 0
		start, move := c.First, c.Next
		if way == "reverse" {
			start, move = c.Last, c.Prev
		}
		for ok := start(); ok; ok = move() {
			sum += int(c.Key().User[0])
			v := c.Value()
			sum += len(v)
			if way == "values" {
				sum += int(v[len(v)-1])
			}
			n++
		}
		if n != benchKeys {
			b.Fatalf("%d entries", n)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchKeys, "ns/entry")
}

// BenchmarkSeek positions at random keys and moves once.
func BenchmarkSeek(b *testing.B) {
	keys := ycsbKeys(benchKeys)
	t := filled(b, keys)
	ask := shuffled(keys)
	var c Cursor
	c.Init(t)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if !c.SeekGE(ikey.First(ask.at(i))) {
			b.Fatal("not found")
		}
		c.Next()
		if i++; i == benchKeys {
			i = 0
		}
	}
}

// BenchmarkEntrySum500k is the conservation sum of a table, once per flush.
func BenchmarkEntrySum500k(b *testing.B) {
	t := filled(b, ycsbKeys(benchKeys))
	b.ReportAllocs()
	for b.Loop() {
		t.EntrySum()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchKeys, "ns/entry")
}

// BenchmarkEntryHash is what a conservation sum inside Add would cost.
func BenchmarkEntryHash(b *testing.B) {
	key := ycsbKeys(1)[0]
	var sum uint64
	i := uint64(0)
	for b.Loop() {
		i++
		sum += hash.Entry(key, i, benchValue)
	}
	_ = sum
}
