package manifest

import (
	"fmt"
	"testing"

	"github.com/varvekv/varve/vfs"
)

// bigVersion has count slices: 8 flushes in level 0, the rest over levels 1 to 5.
func bigVersion(b testing.TB, count int) *Version {
	e := new(Edit)
	for i := range count {
		id := uint64(i + 1)
		level, run := 1+i%5, uint64(1)
		if i < 8 {
			level, run = 0, id
		}
		e.Added = append(e.Added, newSlice(id, level, run, fmt.Sprintf("user%016d", i*10), fmt.Sprintf("user%016d", i*10+40)))
	}
	v, err := new(Version).Apply(e)
	if err != nil {
		b.Fatal(err)
	}
	return v
}

// compactionEdit replaces n slices of level 1 and as many of level 2 by as many
// in level 2, and adds them under new ids.
func compactionEdit(v *Version, n int) (there, back *Edit) {
	there, back = new(Edit), new(Edit)
	one, two := v.Levels[1].Runs[0].Slices[100:100+n], v.Levels[2].Runs[0].Slices[100:100+n]
	for i := range n {
		there.Removed = append(there.Removed, one[i].ID, two[i].ID)
		back.Added = append(back.Added, one[i], two[i])
		s := *two[i]
		s.ID += 1 << 20
		there.Added = append(there.Added, &s)
		back.Removed = append(back.Removed, s.ID)
	}
	return there, back
}

func BenchmarkVersionApply(b *testing.B) {
	for _, edited := range []int{1, 10} {
		b.Run(fmt.Sprintf("slices=2000/compacted=%d", edited), func(b *testing.B) {
			v := bigVersion(b, 2000)
			there, _ := compactionEdit(v, edited)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := v.Apply(there); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// Over a file system in memory: what an Apply costs beside the sync.
func BenchmarkStoreApply(b *testing.B) {
	s := bigStore(b, openDir(b, vfs.NewStrict(1)), 2000)
	there, back := compactionEdit(s.Version(), 10)
	for _, x := range there.Added {
		x.ID -= 1<<20 - 2000
		s.RaiseNextFile(x.ID + 1)
	}
	for i := range back.Removed {
		back.Removed[i] -= 1<<20 - 2000
	}
	b.ReportAllocs()
	for b.Loop() {
		for _, e := range []*Edit{there, back} {
			if _, err := s.Apply(e); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(2*b.N), "ns/edit")
}

func bigStore(b testing.TB, d vfs.Dir, count int) *Store {
	o := testOptions()
	o.Initial = &Edit{LastSeq: 1 << 40}
	for s := range bigVersion(b, count).All() {
		o.Initial.Added = append(o.Initial.Added, s)
	}
	s, _, err := Create(d, o)
	if err != nil {
		b.Fatal(err)
	}
	return s
}

// A manifest of 2,000 slices and 1,000 edits behind them.
func BenchmarkOpen(b *testing.B) {
	d := openDir(b, vfs.NewStrict(1))
	s := bigStore(b, d, 2000)
	for range 1000 {
		n := mustNumber(b, s)
		mustApply(b, s, &Edit{Added: []*Slice{newSlice(n, 0, n, "a", "b")}, LastSeq: 1 << 41})
		mustApply(b, s, &Edit{Removed: []uint64{n}})
	}
	mustClose(b, s)
	b.ReportAllocs()
	for b.Loop() {
		s, _, err := Open(d, testOptions())
		if err != nil {
			b.Fatal(err)
		}
		mustClose(b, s)
	}
}

func BenchmarkFind(b *testing.B) {
	v := bigVersion(b, 2000)
	run := &v.Levels[3].Runs[0]
	keys := make([][]byte, 1024)
	for i := range keys {
		keys[i] = fmt.Appendf(nil, "user%016d", i*7919%20000)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		run.Find(keys[i%len(keys)])
	}
}

// Durable edits on the real file system.
func BenchmarkApplySynced(b *testing.B) {
	d, err := vfs.OS.OpenDir(b.TempDir(), true)
	if err != nil {
		b.Fatal(err)
	}
	defer d.Close()
	s := mustCreate(b, d)
	defer mustClose(b, s)
	for b.Loop() {
		mustApply(b, s, &Edit{DurableLSN: 1})
	}
}
