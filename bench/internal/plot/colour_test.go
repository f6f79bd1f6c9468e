package plot

import (
	"image/color"
	"maps"
	"math"
	"slices"
	"testing"
)

func TestEnginesKeepTheirColours(t *testing.T) {
	alone, together := coloursOf([]string{"varve"}), coloursOf([]string{"Pebble", "lmdb", "varve"})
	if alone[0] != together[2] || together[0] != engines["pebble"] {
		t.Errorf("%v and %v", alone, together)
	}
	variants := coloursOf([]string{"pebble, defaults", "pebble", "read", "update"})
	if variants[0] == variants[1] || variants[0] != lighter(variants[1]) || variants[2] != others[0] || variants[3] != others[1] {
		t.Errorf("%v", variants)
	}
}

// sights are how colours look without one kind of cone (Machado, Oliveira and
// Fernandes 2009, severity 1), on linear RGB.
var sights = map[string][3][3]float64{
	"all colours": {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}},
	"no red":      {{0.152286, 1.052583, -0.204868}, {0.114503, 0.786281, 0.099216}, {-0.003882, -0.048116, 1.051998}},
	"no green":    {{0.367322, 0.860646, -0.227968}, {0.280085, 0.672501, 0.047413}, {-0.011820, 0.042940, 0.968881}},
	"no blue":     {{1.255528, -0.076749, -0.178779}, {-0.078411, 0.930809, 0.147602}, {0.004733, 0.691367, 0.303900}},
}

func TestColoursDifferForColourBlindReaders(t *testing.T) {
	const apart = 20 // CIE76; 2.3 is just noticeable side by side
	names := slices.Sorted(maps.Keys(engines))
	for sight, m := range sights {
		for i, a := range names {
			for _, b := range names[i+1:] {
				if d := distance(lab(engines[a], m), lab(engines[b], m)); d < apart {
					t.Errorf("%s and %s are %.1f apart to a reader who sees %s", a, b, d, sight)
				}
			}
		}
	}
}

func distance(a, b [3]float64) float64 {
	return math.Sqrt((a[0]-b[0])*(a[0]-b[0]) + (a[1]-b[1])*(a[1]-b[1]) + (a[2]-b[2])*(a[2]-b[2]))
}

// lab is CIE L*a*b* of a colour as a sight sees it.
func lab(c color.NRGBA, sight [3][3]float64) [3]float64 {
	linear := [3]float64{light(c.R), light(c.G), light(c.B)}
	seen := product(sight, linear)
	xyz := product([3][3]float64{{0.4124, 0.3576, 0.1805}, {0.2126, 0.7152, 0.0722}, {0.0193, 0.1192, 0.9505}}, seen)
	x, y, z := cube(xyz[0]/0.9505), cube(xyz[1]), cube(xyz[2]/1.089)
	return [3]float64{116*y - 16, 500 * (x - y), 200 * (y - z)}
}

func light(v uint8) float64 {
	s := float64(v) / 255
	if s <= 0.04045 {
		return s / 12.92
	}
	return math.Pow((s+0.055)/1.055, 2.4)
}

func product(m [3][3]float64, v [3]float64) (p [3]float64) {
	for i, row := range m {
		p[i] = min(max(row[0]*v[0]+row[1]*v[1]+row[2]*v[2], 0), 1)
	}
	return p
}

func cube(v float64) float64 {
	if v > 0.008856 {
		return math.Cbrt(v)
	}
	return 7.787*v + 16.0/116
}
