package plot

// panel is a rectangle of the sheet with a scale on two sides.
type panel struct {
	x, y, width, height float64
	across, up          scale
}

func (p *panel) atX(v float64) float64 { return p.x + p.width*p.across.share(v) }

func (p *panel) atY(v float64) float64 { return p.y + p.height*(1-p.up.share(v)) }

func (p *panel) at(x, y float64) point { return point{p.atX(x), p.atY(y)} }

// levels draws a thin line and a label for each tick of the side.
func (p *panel) levels(s *sheet) {
	for _, t := range p.up.ticks {
		y := p.atY(t.value)
		s.line(stroke{colour: grid, width: 1}, point{p.x, y}, point{p.x + p.width, y})
		s.text(regular(smallSize), muted, point{p.x - 7, y + 4}, right, t.label)
	}
	bottom := p.y + p.height
	s.line(stroke{colour: axis, width: 1}, point{p.x, bottom}, point{p.x + p.width, bottom})
}

// columns draws a thin line for each tick of the bottom, labelled if asked.
func (p *panel) columns(s *sheet) {
	for _, t := range p.across.ticks {
		x := p.atX(t.value)
		s.line(stroke{colour: grid, width: 1}, point{x, p.y}, point{x, p.y + p.height})
	}
}

// columnLabels writes the ticks of the bottom, and what they count.
func (p *panel) columnLabels(s *sheet, what string) {
	y := p.y + p.height + 16
	for _, t := range p.across.ticks {
		s.text(regular(smallSize), muted, point{p.atX(t.value), y}, middle, t.label)
	}
	if what == "" {
		return
	}
	if len(p.across.ticks) > 0 {
		y += 17
	}
	s.text(regular(smallSize), muted, point{p.x + p.width, y}, right, what)
}

// labelsWidth is the room that the labels of a side need.
func (s *scale) labelsWidth() float64 {
	w := 0.0
	for _, t := range s.ticks {
		w = max(w, textWidth(regular(smallSize), t.label))
	}
	return w + 10
}
