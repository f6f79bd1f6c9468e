package tree

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/varvekv/varve/cmd/varve/internal/console"
	"github.com/varvekv/varve/cmd/varve/internal/quote"
)

// Draw prints the tree over the width of the console: each run as a line of bars
// over all keys, below each level its tables.
func (t *Tree) Draw(c *console.Console, all bool) {
	t.drawHead(c)
	if len(t.Levels) == 0 {
		c.Printf("\nno tables yet\n")
		return
	}
	k := t.keyAxis(max(c.Width-labelWidth-1, 20))
	c.Printf("\n%*s%s\n", labelWidth, "", c.Paint(console.Dim, k.text()))
	for i := range t.Levels {
		l := &t.Levels[i]
		for r := range l.Runs {
			c.Printf("%s%s\n", label(l, r), k.draw(c, &l.Runs[r]))
		}
	}
	c.Printf("%*s%s\n", labelWidth, "", c.Paint(console.Dim, "tombstones: █ under 10 %  ▓ under 25 %  ▒ under 50 %  ░ more"))
	for i := range t.Levels {
		t.drawLevel(c, &t.Levels[i], all)
	}
}

func (t *Tree) drawHead(c *console.Console) {
	c.Printf("%s\n", c.Paint(console.Bold, t.Dir))
	c.Printf("tables  %s, %s, sequences up to %s, %s at edit %d (read without the lock)\n",
		console.Plural(t.Tables, "table", "tables"), console.Bytes(t.Bytes), console.Count(t.LastSeq), t.Manifest, t.Edit)
	l := &t.Log
	c.Printf("log     %s, %s on disk; waiting for tables: %s, %s\n", console.Plural(l.Segments, "segment", "segments"),
		console.Bytes(l.FileBytes), console.Plural(l.WaitingOps, "operation", "operations"), console.Bytes(l.WaitingBytes))
	if t.Torn != "" {
		c.Printf("%s\n", c.Paint(console.Yellow, "the manifest ends in the remains of an edit: "+t.Torn))
	}
	if l.Damage != "" {
		c.Printf("%s\n", c.Paint(console.Yellow, "in the log: "+l.Damage))
	}
}

// labelWidth is the column in front of the bars.
const labelWidth = 24

func label(l *Level, run int) string {
	name := ""
	if run == 0 {
		name = fmt.Sprintf("L%d", l.Level)
	}
	r := &l.Runs[run]
	return fmt.Sprintf("%-3s %-9s %9s ", name, fmt.Sprintf("run %d", r.ID), console.Bytes(r.Bytes))
}

// axis lays all keys on a line, by their rank among the bounds of tables.
type axis struct {
	bounds [][]byte // sorted, without duplicates
	width  int      // columns
}

func (t *Tree) keyAxis(width int) axis {
	var bounds [][]byte
	for s := range t.state.Version.All() {
		bounds = append(bounds, s.Lower, s.Upper)
	}
	slices.SortFunc(bounds, bytes.Compare)
	return axis{slices.CompactFunc(bounds, bytes.Equal), width}
}

func (a axis) text() string {
	lower, upper := short(a.bounds[0], a.width/3), short(a.bounds[len(a.bounds)-1], a.width/3)
	line := a.width - len([]rune(lower)) - len([]rune(upper)) - 2
	return lower + " " + strings.Repeat("─", max(line, 1)) + " " + upper
}

// column is where a bound lies.
func (a axis) column(bound []byte) int {
	i, _ := slices.BinarySearchFunc(a.bounds, bound, bytes.Compare)
	return i * (a.width - 1) / max(len(a.bounds)-1, 1)
}

// cell is one column of a run.
type cell struct {
	entries, tombstones uint64
	ends                bool // the last column of a table, which leaves a gap
}

// draw is a run as bars: a table fills the columns from its lower to its upper
// bound, with a gap behind it where there is room.
func (a axis) draw(c *console.Console, r *Run) string {
	cells := make([]cell, a.width)
	for i := range r.Tables {
		t := &r.Tables[i]
		from, to := a.column(t.slice.Lower), a.column(t.slice.Upper)
		for at := from; at <= to; at++ {
			cells[at].entries += max(t.Entries, 1)
			cells[at].tombstones += t.Tombstones
		}
		cells[to].ends = to > from
	}
	var b strings.Builder
	for at, x := range cells {
		isFollowed := at+1 < len(cells) && cells[at+1].entries > 0
		switch {
		case x.entries == 0:
			b.WriteByte(' ')
		case x.ends && isFollowed:
			b.WriteString(c.Paint(shade(x), "▌"))
		default:
			b.WriteString(c.Paint(shade(x), glyph(x)))
		}
	}
	return strings.TrimRight(b.String(), " ")
}

func glyph(x cell) string {
	switch share := float64(x.tombstones) / float64(x.entries); {
	case share < 0.1:
		return "█"
	case share < 0.25:
		return "▓"
	case share < 0.5:
		return "▒"
	}
	return "░"
}

func shade(x cell) console.Style {
	switch share := float64(x.tombstones) / float64(x.entries); {
	case share < 0.1:
		return console.Cyan
	case share < 0.5:
		return console.Yellow
	}
	return console.Red
}

// short is a key in at most width columns.
func short(raw []byte, width int) string {
	text := []rune(`"` + quote.Escaped.String(raw[:min(len(raw), width)]) + `"`)
	if len(text) > width || len(raw) > width {
		text = append(text[:min(len(text), max(width-1, 1))], '…')
	}
	return string(text)
}
