package sstable

// The measurements behind docs/adr/0003-tables.md.

import (
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/bits-and-blooms/bloom/v3"

	"github.com/varvekv/varve/internal/codec"
	"github.com/varvekv/varve/internal/hash"
)

// BenchmarkFilterLayout compares a cache line per key with bits spread over the
// whole filter, the library's layout: with its own hashing, and with ours.
func BenchmarkFilterLayout(b *testing.B) {
	for _, n := range []int{100_000, 10_000_000} {
		const bitsPerKey, probes = 10, 7
		hashes := make([]uint64, n)
		for i := range hashes {
			hashes[i] = hash.Sum(benchKey(nil, i)[:12+i%8])
		}
		data, err := appendFilter(nil, hashes, bitsPerKey)
		if err != nil {
			b.Fatal(err)
		}
		lines, err := parseFilter(data)
		if err != nil {
			b.Fatal(err)
		}
		whole := bloom.New(uint(n*bitsPerKey), probes)
		key := make([]byte, 8)
		for i := range n {
			binary.LittleEndian.PutUint64(key, uint64(i))
			whole.Add(key)
		}
		run := func(name string, absent bool, test func(i int) bool) {
			b.Run(fmt.Sprintf("%s/%d/absent=%v", name, n, absent), func(b *testing.B) {
				defer reportCPU(b)()
				i, hits := 0, 0
				for b.Loop() {
					k := i * 7919 % n
					if absent {
						k += n
					}
					if test(k) {
						hits++
					}
					i++
				}
				b.ReportMetric(float64(hits)/float64(b.N), "hits/op")
			})
		}
		for _, absent := range []bool{false, true} {
			run("line", absent, func(i int) bool {
				if i < n {
					return lines.mayContain(hashes[i])
				}
				return lines.mayContain(hash.Sum(key[:8]) ^ uint64(i)*0x9e3779b97f4a7c15)
			})
			run("library", absent, func(i int) bool {
				binary.LittleEndian.PutUint64(key, uint64(i))
				return whole.Test(key)
			})
			run("librarySpreadOurHash", absent, func(i int) bool { return spreadTest(whole, uint64(i)*0x9e3779b97f4a7c15, probes) })
		}
	}
}

// spreadTest probes the library's bits by double hashing of one 64-bit hash.
func spreadTest(f *bloom.BloomFilter, h uint64, probes int) bool {
	words, m := f.BitSet().Bytes(), uint64(f.Cap())
	step := mixBits(h, 0) | 1
	for range probes {
		at := h % m
		if words[at/64]>>(at%64)&1 == 0 {
			return false
		}
		h += step
	}
	return true
}

// BenchmarkBlockBytes is a Get and a scan step over block sizes and codecs, with
// the file's length for each entry.
func BenchmarkBlockBytes(b *testing.B) {
	for _, valueBytes := range []int{100, 1000} {
		keys := benchKeys(40_000_000 / (valueBytes + 24))
		for _, typ := range []codec.Type{codec.None, codec.S2, codec.Zstd} {
			for _, size := range []int{2048, 4096, 8192, 16384, 32768} {
				f := osFile(b)
				p := writeBench(b, f, WriterOptions{Compression: typ, BlockBytes: size}, keys, valueBytes)
				name := fmt.Sprintf("%d/%v/%d/", valueBytes, typ, size)
				d := newDesk(b, 0)
				r := openAgain(b, d, f)
				b.Run(name+"get", func(b *testing.B) {
					benchGet(b, d, r, keys)
					b.ReportMetric(float64(p.FileBytes)/float64(p.KeyBytes+p.ValueBytes), "file/raw")
				})
				b.Run(name+"scan", func(b *testing.B) { benchScan(b, r, AccessScan, true) })
				f.Close()
			}
		}
	}
}

// BenchmarkEntryHash is what the conservation sum costs for each entry.
func BenchmarkEntryHash(b *testing.B) {
	for _, n := range []int{100, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			k, v := benchKey(nil, 1), make([]byte, n)
			defer reportCPU(b)()
			sum := uint64(0)
			for b.Loop() {
				sum += hash.Entry(k, sum, v)
			}
		})
	}
}

// BenchmarkFilterBuild is what a key costs at Finish.
func BenchmarkFilterBuild(b *testing.B) {
	hashes := make([]uint64, 500_000)
	for i := range hashes {
		hashes[i] = hash.Sum(benchKey(nil, i))
	}
	dst := make([]byte, 0, 1<<20)
	defer reportCPU(b)()
	i := 0
	for b.Loop() {
		if i%len(hashes) == 0 {
			dst, _ = appendFilter(dst[:0], hashes, 10)
		}
		i++
	}
}
