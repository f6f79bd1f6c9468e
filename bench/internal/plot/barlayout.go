package plot

import (
	"image/color"
	"math"
)

const (
	barGap     = 2  // between the bars of a group
	groupGap   = 13 // between groups
	groupWidth = 220
)

// thickness of a bar: its value must be readable beside it.
func (b *Bars) thickness() float64 {
	if len(b.Series) < 3 {
		return 16
	}
	return 12
}

func (b *Bars) groupHeight() float64 {
	n := float64(len(b.Series))
	return n*b.thickness() + (n-1)*barGap
}

func (b *Bars) keys() []key {
	if len(b.Series) == 1 {
		return nil // the title says whose they are
	}
	var keys []key
	for i, c := range b.colours() {
		keys = append(keys, key{b.Series[i].Name, c, block})
	}
	return keys
}

func (b *Bars) colours() []color.NRGBA {
	var names []string
	for _, s := range b.Series {
		names = append(names, s.Name)
	}
	return coloursOf(names)
}

// axisNotes is what a reader of each Scale must know.
var axisNotes = [...]string{Linear: "", Logarithmic: "logarithmic scale", PerGroup: "lengths compare within a group only"}

// axisHeight is the room for ticks and note below the bars.
func (b *Bars) axisHeight() float64 {
	if b.Scale == Logarithmic {
		return 41 // ticks, and a note below them
	}
	return 24
}

func (b *Bars) panel(top float64) *panel {
	var values []string
	for _, s := range b.Series {
		for _, v := range s.Values {
			values = append(values, number(v.Value))
		}
	}
	x := margin + min(widest(regular(textSize), b.Groups), groupWidth) + 10
	groups := float64(len(b.Groups))
	return &panel{
		x: x, y: top, width: sheetWidth - margin - widest(bold(smallSize), values) - 6 - x,
		height: groups*b.groupHeight() + (groups-1)*groupGap + 8,
		across: b.scale(),
	}
}

func (b *Bars) scale() scale {
	switch b.Scale {
	case Logarithmic:
		return logarithmic(b.shortest()/1.5, b.longest(), plain) // so that the shortest bar is seen
	case PerGroup:
		s := linear(1, 1)
		s.ticks = nil
		return s
	}
	return linear(b.longest(), 6)
}

func (b *Bars) shortest() float64 {
	least := math.Inf(1)
	for _, s := range b.Series {
		for _, v := range s.Values {
			if v.missing() {
				continue
			}
			least = min(least, v.Value)
			if v.ranges() {
				least = min(least, v.Min)
			}
		}
	}
	return least
}

func (b *Bars) draw(s *sheet, p *panel) {
	colours := b.colours()
	y := p.y + 4
	for g, name := range b.Groups {
		b.drawGroupName(s, point{p.x - 10, y + b.groupHeight()/2}, name)
		whole := b.whole(g)
		for i, series := range b.Series {
			v := series.Values[g]
			b.drawBar(s, p, y, Bar{v.Value / whole, v.Min / whole, v.Max / whole}, colours[i])
			b.drawValue(s, p, y, v, whole, i)
			y += b.thickness() + barGap
		}
		y += groupGap - barGap
	}
	s.line(stroke{colour: axis, width: 1}, point{p.x, p.y}, point{p.x, p.y + p.height})
}

// whole is the value that is as wide as the figure allows.
func (b *Bars) whole(group int) float64 {
	if b.Scale != PerGroup {
		return 1 // the panel's scale knows
	}
	most := 0.0
	for _, s := range b.Series {
		most = max(most, s.Values[group].end())
	}
	if most == 0 {
		return 1
	}
	return most
}

// drawGroupName writes the name, in two lines where one is too long.
func (b *Bars) drawGroupName(s *sheet, at point, name string) {
	lines := wrap(regular(textSize), name, groupWidth)
	at.y += 4 - float64(len(lines)-1)*7
	for _, line := range lines {
		s.text(regular(textSize), ink, at, right, line)
		at.y += 14
	}
}

// whiskers are drawn on a light ground: a dark bar would hide a dark line.
var whiskers = []stroke{{colour: faint(paper, 0x90), width: 3}, {colour: ink, width: 1}}

func (b *Bars) drawBar(s *sheet, p *panel, y float64, v Bar, c color.NRGBA) {
	if v.missing() {
		return
	}
	s.rectangle(p.x, y, p.atX(v.Value)-p.x, b.thickness(), c)
	if !v.ranges() || v.Min == v.Max {
		return
	}
	from, to, mid := p.atX(v.Min), p.atX(v.Max), y+b.thickness()/2
	for _, look := range whiskers {
		s.line(look, point{from, mid}, point{to, mid})
		s.line(look, point{from, mid - 2.5}, point{from, mid + 2.5})
		s.line(look, point{to, mid - 2.5}, point{to, mid + 2.5})
	}
}

// drawValue writes the value behind its bar; the first series is what the others
// are compared with, and stands out.
func (b *Bars) drawValue(s *sheet, p *panel, y float64, v Bar, whole float64, series int) {
	at := point{p.x + 5, y + b.thickness()/2 + 4}
	if v.missing() {
		s.text(regular(smallSize), muted, at, left, "–")
		return
	}
	at.x = p.atX(v.end()/whole) + 5
	f := regular(smallSize)
	if series == 0 {
		f = bold(smallSize)
	}
	s.text(f, ink, at, left, number(v.Value))
}
