package tests

import (
	"testing"
)

// TestEveryCutIsNoticed cuts the manifest and each log of a closed database at
// every byte, and zeroes them from there on: what other files prove is never
// silently missing (I8).
func TestEveryCutIsNoticed(t *testing.T) {
	guard(t)
	rng, _ := seeded(t)
	s := newSmallSpecimen(t, rng)
	step := budget(0, 29, 3, 1)
	cases, verdicts := 0, [5]int{}
	for _, name := range s.files {
		original := s.read(name)
		end := logicalEnd(original)
		for at := rng.IntN(step); at < end && kindOf(name) != "table"; at += step {
			for _, how := range []string{"truncation", "zero tail"} {
				c := s.copied()
				data := append([]byte(nil), original[:at]...)
				if how == "zero tail" {
					data = append(data, make([]byte, len(original)-at)...)
				}
				c.write(name, data)
				v := damage{how: how, name: name, offset: at, last: len(original) - 1}.mustHold(t, s, c)
				verdicts[v]++
				cases++
			}
		}
	}
	t.Logf("%d cases: %d refused, %d found, %d torn tail, %d unnoticed and all there", cases, verdicts[refused], verdicts[found], verdicts[torn], verdicts[whole])
}

// TestEveryBitIsNoticed flips one bit in every byte of every file of a closed
// database: an error that names the file, or all is there (I8, I13).
func TestEveryBitIsNoticed(t *testing.T) {
	guard(t)
	rng, _ := seeded(t)
	s := newSmallSpecimen(t, rng)
	step := budget(0, 29, 3, 1)
	cases, verdicts := 0, [5]int{}
	for _, name := range s.files {
		original := s.read(name)
		end := logicalEnd(original)
		for at := rng.IntN(step); at < end; at += step {
			c := s.copied()
			data := append([]byte(nil), original...)
			data[at] ^= 1 << rng.IntN(8)
			c.write(name, data)
			v := damage{how: "flipped bit", name: name, offset: at, last: at}.mustHold(t, s, c)
			verdicts[v]++
			cases++
		}
	}
	t.Logf("%d cases: %d refused, %d found, %d torn tail, %d unnoticed and all there", cases, verdicts[refused], verdicts[found], verdicts[torn], verdicts[whole])
}
