package workload

import (
	"math"
	"slices"
	"sync"
	"testing"
)

// The keys of records 0 and 1 as YCSB's Java program prints them.
func TestKeysAreThoseOfYCSB(t *testing.T) {
	for n, want := range []string{"user6284781860667377211", "user8517097267634966620"} {
		if got := string(Keys{}.Append(nil, uint64(n))); got != want {
			t.Errorf("record %d: %s, want %s", n, got, want)
		}
	}
	for n := range uint64(100_000) {
		if len(Keys{}.Append(nil, n)) > MaxKeyBytes {
			t.Fatalf("record %d: key longer than %d", n, MaxKeyBytes)
		}
	}
}

// YCSB's constant for ten billion items: a hundred thousand summed, the rest by
// Euler and Maclaurin.
func TestScrambledZetaIsTheSum(t *testing.T) {
	const head = 100_000
	f := func(x float64) float64 { return math.Pow(x, -ZipfianConstant) }
	integral := func(x float64) float64 { return math.Pow(x, 1-ZipfianConstant) / (1 - ZipfianConstant) }
	got := zetaSum(0, head, 0) +
		integral(scrambledItems) - integral(head) + (f(scrambledItems)-f(head))/2
	if math.Abs(got-scrambledZeta) > 1e-6 {
		t.Errorf("zeta of %d items is %.10f, not %.10f", int64(scrambledItems), got, scrambledZeta)
	}
}

func draw(n int, next func() uint64) map[uint64]int {
	counts := map[uint64]int{}
	for range n {
		counts[next()]++
	}
	return counts
}

// near fails unless got is within five standard deviations, and a share of
// slack for the method's approximation, of the expected count.
func near(t *testing.T, what string, got, draws int, probability, slack float64) {
	t.Helper()
	want := float64(draws) * probability
	if margin := 5*math.Sqrt(want) + slack*want; math.Abs(float64(got)-want) > margin {
		t.Errorf("%s: drawn %d times, want %.0f ± %.0f", what, got, want, margin)
	}
}

func TestZipfianFollowsItsLaw(t *testing.T) {
	const items, draws = 1000, 1_000_000
	z := NewZipfian(NewRandom(1, 0), items)
	counts := draw(draws, z.Next)
	zeta := zetaSum(0, items, 0)
	near(t, "rank 0", counts[0], draws, 1/zeta, 0)
	near(t, "rank 1", counts[1], draws, math.Pow(0.5, ZipfianConstant)/zeta, 0)
	below := func(n uint64) (c int) {
		for rank, k := range counts {
			if rank < n {
				c += k
			}
		}
		return c
	}
	// Past rank 1 the method approximates: at most 5 % off, as in YCSB.
	for _, n := range []uint64{10, 100, 500} {
		near(t, "first ranks", below(n), draws, zetaSum(0, n, 0)/zeta, 0.05)
	}
	if below(items) != draws {
		t.Error("a rank out of range")
	}
}

func TestPower100(t *testing.T) {
	alpha := 1 / (1 - ZipfianConstant)
	for x := 0.01; x <= 1; x += 0.01 {
		got, want := power100(x), math.Pow(x, alpha)
		if math.Abs(got-want) > 1e-10*want {
			t.Errorf("%v: %v, want %v", x, got, want)
		}
	}
}

func TestZipfianGrowsAsIfMadeSo(t *testing.T) {
	grown, made := NewZipfian(NewRandom(1, 0), 10), NewZipfian(NewRandom(1, 0), 5000)
	for n := uint64(10); n <= 5000; n += 499 {
		grown.Grow(n)
	}
	grown.Grow(5000)
	grown.Grow(4000) // never shrinks
	for range 10_000 {
		if a, b := grown.Next(), made.Next(); a != b {
			t.Fatalf("grown %d, made %d", a, b)
		}
	}
}

// In YCSB's scrambled zipfian the hottest item takes 1/zeta of ten billion
// items, 3.8 %, whatever the number of records; and it is the hash of rank 0.
func TestScrambledZipfianHeat(t *testing.T) {
	const items, draws = 500_000, 1_000_000
	s := NewScrambledZipfian(NewRandom(1, 0), items)
	counts := draw(draws, s.Next)
	near(t, "hottest", counts[Hash(0)%items], draws, 1/scrambledZeta, 0.01)
	near(t, "second", counts[Hash(1)%items], draws, math.Pow(0.5, ZipfianConstant)/scrambledZeta, 0.01)
	distinct, low := len(counts), 0
	for item, n := range counts {
		if item >= items {
			t.Fatalf("item %d out of range", item)
		}
		if item < items/2 {
			low += n
		}
	}
	// The tail is long: many distinct items, and hash scatters them over both halves.
	if distinct < items/4 {
		t.Errorf("only %d distinct items", distinct)
	}
	if share := float64(low) / draws; share < 0.4 || share > 0.6 {
		t.Errorf("lower half of the items takes %.2f", share)
	}
}

func TestZipfianChooserPicksWhatExists(t *testing.T) {
	s := NewSequence(100)
	c := (&Mix{Distribution: ScrambledZipf}).NewChoosers(s, 1000, []*Random{NewRandom(1, 0)})[0]
	before := draw(200_000, c.Next)
	for range 900 {
		s.Acknowledge(s.Next())
	}
	after := draw(1_000_000, c.Next)
	for n := range before {
		if n >= 100 {
			t.Fatalf("record %d did not exist", n)
		}
	}
	if len(after) <= 100 {
		t.Error("new records are never picked")
	}
	// The hottest of the first hundred stays the hottest of them.
	hottest := func(m map[uint64]int) (best uint64) {
		for n := range uint64(100) {
			if m[n] > m[best] {
				best = n
			}
		}
		return best
	}
	if a, b := hottest(before), hottest(after); a != b {
		t.Errorf("growth moved the heat from record %d to %d", a, b)
	}
}

func TestLatestPrefersTheNewest(t *testing.T) {
	s := NewSequence(1000)
	c := (&Mix{Distribution: Latest}).NewChoosers(s, 0, []*Random{NewRandom(1, 0)})[0]
	const draws = 200_000
	counts := draw(draws, c.Next)
	near(t, "newest", counts[999], draws, 1/zetaSum(0, 1000, 0), 0)
	for range 500 {
		s.Acknowledge(s.Next())
	}
	counts = draw(draws, c.Next)
	near(t, "newest after growth", counts[1499], draws, 1/zetaSum(0, 1500, 0), 0)
	for n := range counts {
		if n >= 1500 {
			t.Fatalf("record %d does not exist", n)
		}
	}
}

func TestUniformIsFlat(t *testing.T) {
	c := (&Mix{Distribution: Uniform}).NewChoosers(NewSequence(50), 0, []*Random{NewRandom(1, 0)})[0]
	counts := draw(500_000, c.Next)
	if len(counts) != 50 {
		t.Fatalf("%d of 50 records", len(counts))
	}
	for _, n := range counts {
		near(t, "a record", n, 500_000, 1.0/50, 0)
	}
}

func TestMixesHaveYCSBsShares(t *testing.T) {
	want := map[string][Kinds]float64{
		"A": {Read: .5, Update: .5}, "B": {Read: .95, Update: .05}, "C": {Read: 1},
		"D": {Read: .95, Insert: .05}, "E": {Scan: .95, Insert: .05}, "F": {Read: .5, ReadModifyWrite: .5},
	}
	order := ""
	for _, m := range Core() {
		order += m.Name
		r, counts := NewRandom(7, 0), [Kinds]int{}
		const draws = 200_000
		for range draws {
			counts[m.Next(r)]++
		}
		for k, share := range want[m.Name] {
			if share == 0 && counts[k] > 0 {
				t.Errorf("%s: has %v", m.Name, Kind(k))
			}
			near(t, m.Name+" "+Kind(k).String(), counts[k], draws, share, 0)
		}
		if d := m.Distribution; (d == Latest) != (m.Name == "D") {
			t.Errorf("%s: distribution %v", m.Name, d)
		}
	}
	if order != "ABCFDE" {
		t.Errorf("order %s", order)
	}
}

func TestScanLengthsAreUniform(t *testing.T) {
	m := Core()[5]
	l := m.NewScanLengths([]*Random{NewRandom(1, 1)})[0]
	counts := draw(500_000, func() uint64 { return uint64(l.Next()) })
	if len(counts) != DefaultMaxScan || counts[1] == 0 || counts[DefaultMaxScan] == 0 {
		t.Fatalf("%d lengths, shortest %d, longest %d times", len(counts), counts[1], counts[DefaultMaxScan])
	}
	for _, n := range counts {
		near(t, "a length", n, 500_000, 1.0/DefaultMaxScan, 0)
	}
}

func TestStreamsRepeatAndDiffer(t *testing.T) {
	stream := func(seed, n uint64) (s []uint64) {
		z := NewScrambledZipfian(NewRandom(seed, n), 1<<40)
		for range 100 {
			s = append(s, z.Next())
		}
		return s
	}
	if !slices.Equal(stream(1, 2), stream(1, 2)) {
		t.Error("the same seed and stream differ")
	}
	if slices.Equal(stream(1, 2), stream(1, 3)) || slices.Equal(stream(1, 2), stream(2, 2)) {
		t.Error("another seed or stream is the same")
	}
}

func TestSequenceCountsWithoutHoles(t *testing.T) {
	s := NewSequence(10)
	a, b, c := s.Next(), s.Next(), s.Next()
	s.Acknowledge(b)
	s.Acknowledge(c)
	if s.Count() != 10 {
		t.Fatalf("count %d past record %d that is not there", s.Count(), a)
	}
	s.Acknowledge(a)
	if s.Count() != 13 {
		t.Fatalf("count %d, want 13", s.Count())
	}
	s.Next() // handed out, never done
	if s.Settle() != 13 || s.Next() != 13 {
		t.Fatal("a number given up was not handed out again")
	}
}

func TestSequenceUnderConcurrency(t *testing.T) {
	s := NewSequence(0)
	const each, goroutines = 50_000, 8
	var wg sync.WaitGroup
	for range goroutines {
		wg.Go(func() {
			for range each {
				n := s.Next()
				if n < s.Count() {
					t.Errorf("record %d counted before it was acknowledged", n)
				}
				s.Acknowledge(n)
			}
		})
	}
	wg.Wait()
	if n := s.Settle(); n != each*goroutines {
		t.Fatalf("count %d, want %d", n, each*goroutines)
	}
}

func TestPermutationHitsEachOnce(t *testing.T) {
	for _, n := range []uint64{1, 2, 3, 7, 64, 1000, 65_537} {
		p, seen := NewPermutation(n, 5), make([]bool, n)
		fixed := uint64(0)
		for i := range n {
			v := p.At(i)
			if v >= n || seen[v] {
				t.Fatalf("n=%d: At(%d) = %d, out of range or twice", n, i, v)
			}
			seen[v] = true
			if v == i {
				fixed++
			}
		}
		if n >= 1000 && fixed > 20 {
			t.Errorf("n=%d: %d numbers stay in place", n, fixed)
		}
	}
}

func BenchmarkScrambledZipfian(b *testing.B) {
	z := NewScrambledZipfian(NewRandom(1, 0), 500_000)
	for b.Loop() {
		z.Next()
	}
}

func BenchmarkAppendKey(b *testing.B) {
	buf, n := make([]byte, 0, MaxKeyBytes), uint64(0)
	for b.Loop() {
		n++
		Keys{}.Append(buf, n)
	}
}
