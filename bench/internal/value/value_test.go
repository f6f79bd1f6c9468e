package value

import (
	"bytes"
	"compress/flate"
	"errors"
	"testing"
)

func TestValuesVerify(t *testing.T) {
	for _, size := range []int{MinBytes, 21, 22, 29, 36, 37, 100, 1000, 4096} {
		s := MakeStamp(3, 9)
		v := Append([]byte("kept"), 42, s, size)
		if len(v) != 4+size || string(v[:4]) != "kept" {
			t.Fatalf("size %d: %d bytes appended", size, len(v)-4)
		}
		got, err := Verify(v[4:], 42, size)
		if err != nil || got != s {
			t.Fatalf("size %d: stamp %x, %v", size, got, err)
		}
	}
}

func TestValuesAreFunctionsOfRecordAndStamp(t *testing.T) {
	a := Append(nil, 1, 2, 100)
	if !bytes.Equal(a, Append(make([]byte, 0, 500), 1, 2, 100)) {
		t.Error("the same record and stamp differ")
	}
	for _, b := range [][]byte{Append(nil, 2, 2, 100), Append(nil, 1, 3, 100)} {
		if bytes.Equal(a[headerBytes:], b[headerBytes:]) {
			t.Error("another record or stamp has the same body")
		}
	}
}

func TestEveryFlippedBitIsFound(t *testing.T) {
	for _, size := range []int{MinBytes, 100} {
		v := Append(nil, 42, 7, size)
		for i := range 8 * size {
			v[i/8] ^= 1 << (i % 8)
			if _, err := Verify(v, 42, size); !errors.Is(err, ErrWrong) {
				t.Fatalf("size %d, bit %d: %v", size, i, err)
			}
			v[i/8] ^= 1 << (i % 8)
		}
	}
}

func TestForeignValuesAreFound(t *testing.T) {
	v := Append(nil, 42, 7, 100)
	zeros := make([]byte, 100)
	swapped := append(append(append([]byte{}, v[:headerBytes]...), v[60:]...), v[headerBytes:60]...)
	for name, check := range map[string]func() error{
		"other record": func() error { _, err := Verify(v, 43, 100); return err },
		"short":        func() error { _, err := Verify(v[:99], 42, 100); return err },
		"long":         func() error { _, err := Verify(append(v[:100:100], 0), 42, 100); return err },
		"empty":        func() error { _, err := Verify(nil, 42, 100); return err },
		"tiny":         func() error { _, err := Verify(v[:5], 42, 5); return err },
		"zeros":        func() error { _, err := Verify(zeros, 0, 100); return err },
		// With both halves alike a swap of them is no change: of another cut it is.
		"moved": func() error { _, err := Verify(append(swapped[:99:99], swapped[0]), 42, 100); return err },
	} {
		if err := check(); !errors.Is(err, ErrWrong) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestHalfCompressesAway(t *testing.T) {
	var out bytes.Buffer
	w, _ := flate.NewWriter(&out, flate.BestSpeed)
	const values, size = 32, 1000
	for n := range uint64(values) {
		w.Write(Append(nil, n, Loaded, size))
	}
	w.Close()
	if share := float64(out.Len()) / (values * size); share < 0.45 || share > 0.65 {
		t.Errorf("compresses to %.2f", share)
	}
}

func BenchmarkAppend(b *testing.B) {
	v, n := []byte(nil), uint64(0)
	b.SetBytes(1000)
	b.ReportAllocs()
	for b.Loop() {
		n++
		v = Append(v[:0], n, Stamp(n), 1000)
	}
}

func BenchmarkVerify(b *testing.B) {
	v := Append(nil, 1, 1, 1000)
	b.SetBytes(1000)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Verify(v, 1, 1000); err != nil {
			b.Fatal(err)
		}
	}
}
