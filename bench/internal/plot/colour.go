package plot

import (
	"image/color"
	"strings"
)

// Neutral colours: the frame takes no part in the comparison.
var (
	paper  = rgb(0xffffff)
	border = rgb(0xd0d7de)
	grid   = rgb(0xe7eaee)
	lane   = rgb(0xf4f6f8)
	axis   = rgb(0x8c959f)
	muted  = rgb(0x59636e)
	ink    = rgb(0x1f2328)
)

// engines is the colour of each engine. varve's is the only strong warm one. Any
// two are apart for readers of every kind of sight; the test says how far.
var engines = map[string]color.NRGBA{
	"varve":     rgb(0xc2410c),
	"pebble":    rgb(0x024b72),
	"rocksdb":   rgb(0x6ec6f7),
	"badger":    rgb(0x897cb5),
	"goleveldb": rgb(0xbabcc9),
	"bbolt":     rgb(0x27806e),
	"lmdb":      rgb(0x8ac99a),
}

// others colours what is no engine, by its place among such; the first four are
// the ones that make the best lines.
var others = []color.NRGBA{
	engines["pebble"], engines["varve"], engines["bbolt"], engines["badger"],
	engines["rocksdb"], engines["lmdb"], engines["goleveldb"],
}

// coloursOf gives every name its colour: an engine its own, an engine with a word
// behind it ("pebble, defaults") a lighter one of the same hue.
func coloursOf(names []string) []color.NRGBA {
	var colours []color.NRGBA
	strangers := 0
	for _, name := range names {
		engine := strings.ToLower(name)
		if end := strings.IndexAny(engine, " ,(/"); end >= 0 {
			engine = engine[:end]
		}
		c, known := engines[engine]
		switch {
		case !known:
			c = others[strangers%len(others)]
			strangers++
		case len(engine) < len(name):
			c = lighter(c)
		}
		colours = append(colours, c)
	}
	return colours
}

func lighter(c color.NRGBA) color.NRGBA {
	half := func(v uint8) uint8 { return uint8((int(v) + 0xff) / 2) }
	return color.NRGBA{R: half(c.R), G: half(c.G), B: half(c.B), A: c.A}
}

func rgb(hex uint32) color.NRGBA {
	return color.NRGBA{R: uint8(hex >> 16), G: uint8(hex >> 8), B: uint8(hex), A: 0xff}
}

// faint is a colour that lets what is behind it through.
func faint(c color.NRGBA, alpha uint8) color.NRGBA {
	c.A = alpha
	return c
}
