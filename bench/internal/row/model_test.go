package row

import (
	"errors"
	"testing"

	"github.com/varvekv/varve/bench/internal/value"
)

func TestModelFindsTheNext(t *testing.T) {
	m := newModel(300, 100)
	for _, n := range []uint64{0, 63, 64, 200, 299} {
		m.add(n)
		m.add(n)
	}
	m.remove(64)
	m.remove(65)
	if m.count != 4 {
		t.Fatalf("count %d", m.count)
	}
	for from, want := range map[uint64]uint64{0: 0, 1: 63, 63: 63, 64: 200, 201: 299, 299: 299} {
		if n, ok := m.next(from); !ok || n != want {
			t.Errorf("next(%d) = %d, %v, want %d", from, n, ok, want)
		}
	}
	if _, ok := m.next(300); ok {
		t.Error("something behind the end")
	}
}

func TestModelKnowsVersions(t *testing.T) {
	m := newModel(10, 100)
	old := m.appendValue(nil, 7)
	for range 300 {
		m.renew(7)
		if m.versions[7] == 0 {
			t.Fatal("it looks as if it were just loaded")
		}
		if err := m.verify(m.appendValue(nil, 7), 7); err != nil {
			t.Fatal(err)
		}
		if err := m.verify(old, 7); !errors.Is(err, value.ErrWrong) {
			t.Fatalf("a stale value: %v", err)
		}
		old = m.appendValue(old[:0], 7)
	}
	if err := m.verify(m.appendValue(nil, 6), 7); !errors.Is(err, value.ErrWrong) {
		t.Errorf("the value of another: %v", err)
	}
}

func TestKeysAscendWithRecords(t *testing.T) {
	if k := string(appendKey([]byte("x"), 42)); k != "x0000000000000042" {
		t.Fatal(k)
	}
	if k := appendKey(nil, 1e16-1); string(k) != "9999999999999999" {
		t.Fatalf("%s", k)
	}
}
