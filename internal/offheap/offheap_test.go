package offheap

import (
	"bytes"
	"math"
	"runtime/debug"
	"sync"
	"testing"
	"unsafe"

	"github.com/varvekv/varve/internal/invariants"
)

// alloc fails the test on an error and on bytes left mapped at its end.
func alloc(t testing.TB, n int) []byte {
	t.Helper()
	b, err := Alloc(n)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func free(t testing.TB, b []byte) {
	t.Helper()
	if err := Free(b); err != nil {
		t.Fatal(err)
	}
}

func noLeak(t *testing.T) {
	t.Helper()
	before := Live()
	t.Cleanup(func() {
		if after := Live(); after != before {
			t.Errorf("%d bytes left mapped", after-before)
		}
	})
}

func TestAllocIsZeroedAlignedAndCounted(t *testing.T) {
	noLeak(t)
	before := Live()
	for _, n := range []int{1, 100, pageBytes, pageBytes + 1, 3 << 20} {
		b := alloc(t, n)
		if len(b) != n || cap(b) != n || uintptr(unsafe.Pointer(&b[0]))%uintptr(pageBytes) != 0 {
			t.Fatalf("len %d cap %d at %p", len(b), cap(b), &b[0])
		}
		if !bytes.Equal(b, make([]byte, n)) {
			t.Fatal("not zeroed")
		}
		if got := Live() - before; got != wholePages(n) || got%int64(pageBytes) != 0 || got < int64(n) {
			t.Fatalf("%d live for %d", got, n)
		}
		b[0], b[n-1] = 1, 2
		free(t, b[:0]) // the length does not matter
		if Live() != before {
			t.Fatalf("%d live after Free", Live()-before)
		}
	}
}

func TestAllocOddSizes(t *testing.T) {
	noLeak(t)
	if b, err := Alloc(0); b != nil || err != nil {
		t.Fatal(b, err)
	}
	free(t, nil)
	for _, n := range []int{-1, math.MaxInt - pageBytes} {
		if _, err := Alloc(n); err == nil {
			t.Fatalf("mapped %d bytes", n)
		}
	}
}

func TestFreeRefusesForeignSlices(t *testing.T) {
	noLeak(t)
	b := alloc(t, 2*pageBytes)
	for name, bad := range map[string][]byte{"heap": make([]byte, pageBytes), "moved": b[pageBytes:], "cut": b[:pageBytes:pageBytes]} {
		if Free(bad) == nil {
			t.Fatalf("freed %s", name)
		}
	}
	b[0] = 1
	free(t, b)
	if Free(b) == nil {
		t.Fatal("freed twice")
	}
}

func TestFreedMemoryFaults(t *testing.T) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	b := alloc(t, pageBytes)
	free(t, b)
	defer func() {
		if recover() == nil {
			t.Fatal("read freed memory")
		}
	}()
	t.Log(b[0])
}

func TestTouchKeepsContentsUnderWriters(t *testing.T) {
	noLeak(t)
	b := alloc(t, 256*pageBytes)
	defer free(t, b)
	Touch(nil)
	Touch(b[:1])
	var wg sync.WaitGroup
	wg.Add(1)
	go func() {
		defer wg.Done()
		for range 5 {
			Touch(b)
			Touch(b[3:]) // not aligned: walked page by page
		}
	}()
	for i := range b {
		b[i] = byte(i * 7)
	}
	wg.Wait()
	for i := range b {
		if b[i] != byte(i*7) {
			t.Fatalf("byte %d changed", i)
		}
	}
	Huge(b)
	Huge(nil)
}

// TestTouchLosesNoStore hammers the very word that the walk touches.
func TestTouchLosesNoStore(t *testing.T) {
	b := alloc(t, pageBytes)
	defer free(t, b)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Add(1)
	go func() {
		defer wg.Done()
		for {
			select {
			case <-stop:
				return
			default:
				for range 100 {
					Touch(b[3:])
				}
			}
		}
	}()
	for i := range 200_000 {
		b[5] = byte(i)
		if spin(b) != byte(i) {
			t.Fatalf("store %d was lost", i)
		}
	}
	close(stop)
	wg.Wait()
}

//go:noinline
func spin(b []byte) byte { return b[5] }

func TestPoolKeepsUpToItsBound(t *testing.T) {
	noLeak(t)
	p := NewPool(1<<16, 2)
	var out [][]byte
	for range 3 {
		b, err := p.Get()
		if err != nil || len(b) != 1<<16 {
			t.Fatal(len(b), err)
		}
		out = append(out, b)
	}
	for _, b := range out {
		if err := p.Put(b[:5]); err != nil {
			t.Fatal(err)
		}
	}
	want := 2
	if invariants.Enabled {
		want = 0
	}
	if p.Idle() != want {
		t.Fatalf("%d idle", p.Idle())
	}
	if p.Put(make([]byte, 7)) == nil {
		t.Fatal("took a foreign buffer")
	}
	for range 2 {
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
	}
	b, err := p.Get() // still works, for those who come late
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Put(b); err != nil || p.Idle() != 0 {
		t.Fatal("a closed pool kept a buffer", err)
	}
	if err := p.Fill(2); err != nil || p.Idle() != 0 {
		t.Fatal("a closed pool was filled", err)
	}
}

func TestPoolFillsAhead(t *testing.T) {
	noLeak(t)
	p := NewPool(1<<16, 3)
	if err := p.Fill(9); err != nil || p.Idle() != 3 {
		t.Fatal(p.Idle(), err)
	}
	b, err := p.Get()
	if err != nil || p.Idle() != 2 {
		t.Fatal(p.Idle(), err)
	}
	if err := p.Put(b); err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestPoolConcurrentUse(t *testing.T) {
	noLeak(t)
	p := NewPool(pageBytes, 2)
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for range 50 {
				b, err := p.Get()
				if err != nil {
					t.Error(err)
					return
				}
				b[0] = byte(g)
				if b[0] != byte(g) {
					t.Error("two owners")
				}
				if err := p.Put(b); err != nil {
					t.Error(err)
				}
			}
		}()
	}
	wg.Wait()
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
}

const arenaBytes = 64 << 20

func BenchmarkAllocTouchFree64M(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		m := alloc(b, arenaBytes)
		Touch(m)
		free(b, m)
	}
}

func BenchmarkAllocHugeTouchFree64M(b *testing.B) {
	for b.Loop() {
		m := alloc(b, arenaBytes)
		Huge(m)
		Touch(m)
		free(b, m)
	}
}

func BenchmarkAllocWriteFree64M(b *testing.B) {
	for b.Loop() {
		m := alloc(b, arenaBytes)
		for i := 0; i < len(m); i += pageBytes {
			m[i] = 1
		}
		free(b, m)
	}
}

func BenchmarkPoolGetPut(b *testing.B) {
	p := NewPool(1<<20, 2)
	defer func() { _ = p.Close() }()
	b.ReportAllocs()
	for b.Loop() {
		m, err := p.Get()
		if err != nil {
			b.Fatal(err)
		}
		if err := p.Put(m); err != nil {
			b.Fatal(err)
		}
	}
}
