package workload

import (
	"math"
	"slices"
	"testing"
)

func chooserOf(m Mix, s *Sequence) Chooser { return m.NewChoosers(s, 0, []*Random{NewRandom(1, 0)})[0] }

func grow(s *Sequence, n int) {
	for range n {
		s.Acknowledge(s.Next())
	}
}

func TestHotspotFollowsItsShares(t *testing.T) {
	const draws = 1_000_000
	s := NewSequence(1000)
	c := chooserOf(Mix{Distribution: Hotspot, Hot: DefaultHot}, s)
	grow(s, 500) // which it does not look at, as YCSB's does not
	counts := draw(draws, c.Next)
	if len(counts) != 1000 {
		t.Fatalf("%d of 1000 records", len(counts))
	}
	for n, drawn := range counts {
		if n < 200 {
			near(t, "a hot record", drawn, draws, 0.8/200, 0)
		} else {
			near(t, "a cold record", drawn, draws, 0.2/800, 0)
		}
	}
}

func TestHotspotWithoutHotOrColdRecords(t *testing.T) {
	for _, hot := range []Hot{{0, 1}, {1, 0}, {0.0001, 0.5}} { // the last is less than one record
		counts := draw(100_000, chooserOf(Mix{Distribution: Hotspot, Hot: hot}, NewSequence(100)).Next)
		for n, drawn := range counts {
			if n >= 100 {
				t.Fatalf("record %d does not exist", n)
			}
			near(t, "a record", drawn, 100_000, 0.01, 0)
		}
	}
}

// The newest quarter of the records gets 90 % of the operations, and a little
// more: what falls before the first record is drawn again.
func TestExponentialFollowsItsLaw(t *testing.T) {
	const items, draws = 10_000, 1_000_000
	recent := Recent{Records: 0.25, Operations: 0.9}
	s := NewSequence(items)
	c := chooserOf(Mix{Distribution: Exponential, Recent: recent}, s)
	counts := draw(draws, c.Next)
	gamma := -math.Log(1-recent.Operations) / (recent.Records * items)
	all := 1 - math.Exp(-gamma*items)
	newest := func(n uint64) (drawn int) {
		for record, k := range counts {
			if record >= items {
				t.Fatalf("record %d does not exist", record)
			}
			if record >= items-n {
				drawn += k
			}
		}
		return drawn
	}
	for _, n := range []uint64{1, 100, 2500, 5000} {
		near(t, "the newest", newest(n), draws, (1-math.Exp(-gamma*float64(n)))/all, 0.002)
	}
	near(t, "the newest quarter", newest(items/4), draws, recent.Operations/all, 0.002)

	grow(s, 5000)
	counts = draw(draws, c.Next)
	if counts[items+4999] == 0 || counts[items+4999] < counts[items] {
		t.Errorf("the newest record is drawn %d times, one of 5000 before %d", counts[items+4999], counts[items])
	}
}

func TestSequentialGoesRound(t *testing.T) {
	m := Mix{Distribution: Sequential}
	s := NewSequence(5)
	both := m.NewChoosers(s, 0, []*Random{NewRandom(1, 0), NewRandom(1, 1)})
	grow(s, 3)
	var got []uint64
	for i := range 12 {
		got = append(got, both[i%2].Next())
	}
	if !slices.Equal(got, []uint64{0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1}) {
		t.Errorf("%v", got)
	}
}

func TestDistributionsHaveYCSBsNames(t *testing.T) {
	for _, name := range []string{"zipfian", "latest", "uniform", "hotspot", "exponential", "sequential"} {
		if d, ok := ParseDistribution(name); !ok || d.String() != name {
			t.Errorf("%s: %v, %v", name, d, ok)
		}
	}
	if _, ok := ParseDistribution("gaussian"); ok {
		t.Error("an unknown distribution")
	}
}

func TestZipfianScanLengths(t *testing.T) {
	const draws, least, most = 1_000_000, 10, 109
	m := Mix{MinScan: least, MaxScan: most, ScanLengths: ZipfianLengths}
	counts := draw(draws, func() func() uint64 {
		l := m.NewScanLengths([]*Random{NewRandom(1, 1)})[0]
		return func() uint64 { return uint64(l.Next()) }
	}())
	zeta := zetaSum(0, most-least+1, 0)
	near(t, "the shortest", counts[least], draws, 1/zeta, 0)
	near(t, "one longer", counts[least+1], draws, math.Pow(0.5, ZipfianConstant)/zeta, 0)
	for n := range counts {
		if n < least || n > most {
			t.Fatalf("a scan of %d", n)
		}
	}
	if counts[most] == 0 || counts[most] > counts[least]/20 {
		t.Errorf("the longest is drawn %d times", counts[most])
	}
}

func TestUniformScanLengthsHaveTheirBounds(t *testing.T) {
	m := Mix{MinScan: 3, MaxScan: 5}
	l := m.NewScanLengths([]*Random{NewRandom(1, 1)})[0]
	counts := draw(300_000, func() uint64 { return uint64(l.Next()) })
	if len(counts) != 3 {
		t.Fatalf("%v", counts)
	}
	for n := uint64(3); n <= 5; n++ {
		near(t, "a length", counts[n], 300_000, 1.0/3, 0)
	}
}

func TestKeysMayBeOrderedAndPadded(t *testing.T) {
	for digits, want := range []string{"user42", "user42", "user42", "user042"} {
		if got := string(Keys{Ordered: true, Digits: digits}.Append(nil, 42)); got != want {
			t.Errorf("%d digits: %s, want %s", digits, got, want)
		}
	}
	hashed := Keys{Digits: 25}
	if got := string(hashed.Append([]byte("x"), 0)); got != "xuser0000006284781860667377211" {
		t.Error(got)
	}
	if got := string((Keys{Ordered: true, Digits: 3}).Append(nil, 0)); got != "user000" {
		t.Error(got)
	}
	var last []byte
	for n := range uint64(2000) {
		key := Keys{Ordered: true, Digits: 4}.Append(nil, n)
		if slices.Compare(last, key) >= 0 {
			t.Fatalf("%s behind %s", key, last)
		}
		last = key
	}
}
