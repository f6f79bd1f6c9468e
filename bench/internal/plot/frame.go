package plot

import "image/color"

// frame is what stands around every figure: its title and legend above, its
// caption below. It is laid out before the sheet is made, whose height it shares.
type frame struct {
	title   []string
	legend  [][]key
	caption []string
}

// key is one entry of a legend.
type key struct {
	name   string
	colour color.NRGBA
	mark   mark
}

// mark is what a key shows beside its name.
type mark uint8

const (
	block mark = iota // a bar
	solid             // a line
	dashes
	band // a stretch of the background
)

const (
	margin        = 20
	titleSize     = 15
	textSize      = 12
	smallSize     = 11
	titleLine     = 20 // from one line of the title to the next
	legendLine    = 20
	captionLine   = 15
	swatchWidth   = 18
	keyGap        = 16 // between one key and the next
	contentsWidth = sheetWidth - 2*margin
)

func newFrame(title string, keys []key, caption string) frame {
	return frame{
		title:   wrap(bold(titleSize), title, contentsWidth),
		legend:  flow(keys),
		caption: wrap(regular(smallSize), caption, contentsWidth),
	}
}

// flow breaks the keys into lines.
func flow(keys []key) [][]key {
	var lines [][]key
	x := 0.0
	for _, k := range keys {
		if len(lines) == 0 || x+keyWidth(k) > contentsWidth {
			lines, x = append(lines, nil), 0
		}
		last := len(lines) - 1
		lines[last] = append(lines[last], k)
		x += keyWidth(k) + keyGap
	}
	return lines
}

func keyWidth(k key) float64 { return swatchWidth + 6 + textWidth(regular(textSize), k.name) }

// top is where the figure's own drawing begins.
func (f *frame) top() float64 {
	return float64(14 + titleLine*len(f.title) + legendLine*len(f.legend) + 14)
}

// height is the sheet's, when the figure's own drawing takes so much.
func (f *frame) height(drawing float64) float64 {
	h := f.top() + drawing + 14
	if len(f.caption) > 0 {
		h += float64(captionLine*len(f.caption)) + 6
	}
	return h
}

func (f *frame) draw(s *sheet) {
	y := 14.0
	for _, line := range f.title {
		y += titleLine
		s.text(bold(titleSize), ink, point{margin, y - 4}, left, line)
	}
	for _, keys := range f.legend {
		y += legendLine
		x := float64(margin)
		for _, k := range keys {
			drawKey(s, x, y, k)
			x += keyWidth(k) + keyGap
		}
	}
	y = s.height - 16 - float64(captionLine*(len(f.caption)-1))
	for i, line := range f.caption {
		s.text(regular(smallSize), muted, point{margin, y + float64(captionLine*i)}, left, line)
	}
}

func drawKey(s *sheet, x, y float64, k key) {
	centre := y - 4
	switch k.mark {
	case block:
		s.rectangle(x, centre-5, swatchWidth, 10, k.colour)
	case band:
		s.rectangle(x, centre-6, swatchWidth, 12, k.colour)
	default:
		s.line(stroke{k.colour, 2, k.mark == dashes}, point{x, centre}, point{x + swatchWidth, centre})
	}
	s.text(regular(textSize), ink, point{x + swatchWidth + 6, y}, left, k.name)
}
