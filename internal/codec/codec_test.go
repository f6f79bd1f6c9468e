package codec

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand"
	"testing"

	"github.com/varvekv/varve/internal/invariants"
)

// halfCompressible is n bytes of which every second run of 16 repeats.
func halfCompressible(n int, seed int64) []byte {
	r := rand.New(rand.NewSource(seed))
	b := make([]byte, n)
	r.Read(b)
	for i := 0; i+32 <= n; i += 32 {
		copy(b[i+16:i+32], "abcdefghabcdefgh")
	}
	return b
}

func TestRoundTrip(t *testing.T) {
	for _, typ := range []Type{None, S2, Zstd} {
		for _, n := range []int{0, 1, 7, 100, 4096, 70_000, 1 << 20} {
			src := halfCompressible(n, int64(n))
			stored, as := Encode([]byte("head"), src, typ)
			payload := stored[4:]
			if as == None {
				payload = src
			} else if as != typ || string(stored[:4]) != "head" || len(payload) > n-n/minSaving {
				t.Fatalf("%v %d: stored as %v in %d bytes", typ, n, as, len(payload))
			}
			got, err := Decode([]byte("front"), payload, as, n)
			if err != nil || string(got[:5]) != "front" || !bytes.Equal(got[5:], src) {
				t.Fatalf("%v %d: %v", typ, n, err)
			}
		}
	}
}

func TestIncompressibleIsStoredRaw(t *testing.T) {
	src := make([]byte, 4096)
	rand.New(rand.NewSource(1)).Read(src)
	for _, typ := range []Type{S2, Zstd} {
		if out, as := Encode(nil, src, typ); as != None || len(out) != 0 {
			t.Fatalf("%v: stored as %v, %d bytes", typ, as, len(out))
		}
	}
}

func TestLongInputIsStoredRaw(t *testing.T) {
	if out, as := Encode(nil, make([]byte, MaxLen+1), S2); as != None || len(out) != 0 {
		t.Fatalf("stored as %v", as)
	}
}

func TestDecodeRefusesWrongLengths(t *testing.T) {
	src := halfCompressible(4096, 3)
	for _, typ := range []Type{None, S2, Zstd} {
		stored, as := Encode(nil, src, typ)
		if as == None {
			stored = src
		}
		for _, n := range []int{-1, 0, 4095, 4097, MaxLen, MaxLen + 1, 1 << 40} {
			got, err := Decode([]byte("x"), stored, as, n)
			if !errors.Is(err, ErrCorrupt) || string(got) != "x" {
				t.Fatalf("%v length %d: %v", typ, n, err)
			}
		}
	}
	if _, err := Decode(nil, src, Invalid, 4096); !errors.Is(err, ErrCorrupt) {
		t.Fatal(err)
	}
	if _, err := Decode(nil, src, Zstd+1, 4096); !errors.Is(err, ErrCorrupt) {
		t.Fatal(err)
	}
}

// Nine bytes whose header asks for 3 GiB must not allocate them.
func TestDecodeBombIsRefusedBeforeAllocating(t *testing.T) {
	bomb := []byte{0xff, 0xff, 0xff, 0xff, 0x0b, 0, 0, 0, 0}
	if n := testing.AllocsPerRun(10, func() {
		if _, err := Decode(nil, bomb, S2, 4096); err == nil {
			t.Fatal("accepted")
		}
	}); n > 10 {
		t.Fatalf("%v allocations", n)
	}
}

func TestSteadyStateAllocatesNothing(t *testing.T) {
	if invariants.Enabled {
		t.Skip("sync.Pool drops at random under the race detector")
	}
	src := halfCompressible(4096, 5)
	for _, typ := range []Type{S2, Zstd} {
		enc := make([]byte, 0, 16<<10)
		dec := make([]byte, 0, 16<<10)
		stored, _ := Encode(enc, src, typ)
		n := testing.AllocsPerRun(100, func() {
			Encode(enc, src, typ)
			Decode(dec, stored, typ, len(src))
		})
		if n > 0.5 { // a pool may lose its coder to the collector
			t.Errorf("%v: %v allocations", typ, n)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, typ := range []Type{S2, Zstd} {
		stored, as := Encode(nil, halfCompressible(512, 9), typ)
		f.Add(stored, uint8(as), uint32(512))
	}
	f.Fuzz(func(t *testing.T, src []byte, typ uint8, n uint32) {
		got, err := Decode(nil, src, Type(typ), int(n%(1<<20)))
		if err == nil && len(got) != int(n%(1<<20)) {
			t.Fatalf("%d bytes, %d expected", len(got), n)
		}
	})
}

// tableLike is a block as a table has it: values of which half repeats, then
// keys, then columns.
func tableLike(n int) []byte {
	r := rand.New(rand.NewSource(11))
	var values, keys []byte
	for len(values)+len(keys) < n {
		v := make([]byte, 100)
		r.Read(v[:50])
		copy(v[50:], bytes.Repeat([]byte("abcdefgh"), 7))
		values = append(values, v...)
		keys = fmt.Appendf(keys, "%016d", r.Uint64()>>12)
	}
	return append(values, keys...)[:n]
}

func BenchmarkCodec(b *testing.B) {
	for _, typ := range []Type{S2, Zstd} {
		for _, n := range []int{4096, 32 << 10} {
			src := tableLike(n)
			stored, _ := Encode(nil, src, typ)
			dst := make([]byte, 0, 2*n+1024)
			run := func(what string, f func()) {
				b.Run(fmt.Sprintf("%s/%v/%d", what, typ, n), func(b *testing.B) {
					b.SetBytes(int64(n))
					b.ReportAllocs()
					defer reportCPU(b)()
					for b.Loop() {
						f()
					}
					b.ReportMetric(float64(len(stored))/float64(n), "ratio")
				})
			}
			run("encode", func() { Encode(dst, src, typ) })
			run("decode", func() { Decode(dst, stored, typ, n) })
		}
	}
}
