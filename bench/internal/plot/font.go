package plot

import (
	"fmt"
	"strings"
	"sync"

	"codeberg.org/go-fonts/liberation/liberationsansbold"
	"codeberg.org/go-fonts/liberation/liberationsansregular"
	xfont "golang.org/x/image/font"
	"golang.org/x/image/font/opentype"
	"gonum.org/v1/plot/font"
)

// Texts are measured with Liberation Sans, whose letters are as wide as those of
// Arial and Helvetica, and shown in whichever of them the reader has: a font inside
// the SVG would be ten times as long as the figure.
const fontFamilies = "Helvetica,Arial,'Liberation Sans',sans-serif"

// fonts are parsed when the first figure is drawn: programs that could plot
// mostly do not.
var fonts = sync.OnceValue(func() (f struct{ regular, bold *opentype.Font }) {
	f.regular, f.bold = parse(liberationsansregular.TTF), parse(liberationsansbold.TTF)
	return f
})

func parse(ttf []byte) *opentype.Font {
	f, err := opentype.Parse(ttf)
	if err != nil {
		panic(fmt.Sprintf("plot: a built-in font: %v", err)) // bug: it is part of the program
	}
	return f
}

func regular(size float64) font.Face {
	return font.Face{
		Font: font.Font{Typeface: "Liberation", Variant: "Sans", Size: font.Length(size)},
		Face: fonts().regular,
	}
}

func bold(size float64) font.Face {
	return font.Face{
		Font: font.Font{Typeface: "Liberation", Variant: "Sans", Weight: xfont.WeightBold, Size: font.Length(size)},
		Face: fonts().bold,
	}
}

func textWidth(f font.Face, s string) float64 { return f.Width(s).Points() }

// widest is the width of the widest of the texts.
func widest(f font.Face, texts []string) float64 {
	w := 0.0
	for _, t := range texts {
		w = max(w, textWidth(f, t))
	}
	return w
}

// wrap breaks a text between words so that no line is wider, unless one word is.
func wrap(f font.Face, s string, width float64) []string {
	var lines []string
	for _, word := range strings.Fields(s) {
		if n := len(lines); n > 0 && textWidth(f, lines[n-1]+" "+word) <= width {
			lines[n-1] += " " + word
			continue
		}
		lines = append(lines, word)
	}
	return lines
}
