package iterator

import (
	"fmt"
	"math/rand"
	"testing"

	"github.com/varvekv/varve/internal/ikey"
)

// benchParts deals 1 << 16 keys of 16 bytes out to n cursors in streaks.
func benchParts(n, streak int, seq uint64) []Cursor {
	r := rand.New(rand.NewSource(1))
	parts := make([][]Entry, n)
	to := 0
	for i := range 1 << 16 {
		if i%streak == 0 {
			to = r.Intn(n)
		}
		e := Entry{ikey.Make([]byte(fmt.Sprintf("%016d", i*7)), seq, ikey.KindPut), []byte("value")}
		parts[to] = append(parts[to], e)
	}
	var out []Cursor
	for _, p := range parts {
		out = append(out, NewSlice(p))
	}
	return out
}

func BenchmarkMerge(b *testing.B) {
	for _, c := range []struct{ n, streak int }{{1, 1}, {4, 1}, {4, 200}, {8, 1}, {20, 1}} {
		b.Run(fmt.Sprintf("children=%d/streak=%d", c.n, c.streak), func(b *testing.B) {
			b.ReportAllocs()
			m := NewMerge(benchParts(c.n, c.streak, 9)...)
			ok := m.First()
			for b.Loop() {
				if !ok {
					ok = m.First()
				} else {
					ok = m.Next()
				}
			}
		})
	}
}

func BenchmarkMergeBackwards(b *testing.B) {
	m := NewMerge(benchParts(4, 1, 9)...)
	ok := m.Last()
	for b.Loop() {
		if !ok {
			ok = m.Last()
		} else {
			ok = m.Prev()
		}
	}
}

func BenchmarkVisible(b *testing.B) {
	for _, seq := range []uint64{0, 9} {
		for _, back := range []bool{false, true} {
			b.Run(fmt.Sprintf("seq=%d/back=%v", seq, back), func(b *testing.B) {
				b.ReportAllocs()
				v := NewVisible(NewBound(NewMerge(benchParts(4, 1, seq)...), nil, []byte("x")), 10)
				ok := move(v, back, true)
				for b.Loop() {
					ok = move(v, back, !ok)
				}
			})
		}
	}
}

func BenchmarkMergeSeek(b *testing.B) {
	b.ReportAllocs()
	m := NewMerge(benchParts(4, 1, 9)...)
	key := []byte(fmt.Sprintf("%016d", 7*(1<<15)))
	for b.Loop() {
		m.SeekGE(ikey.First(key))
	}
}
