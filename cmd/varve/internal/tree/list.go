package tree

import (
	"fmt"
	"strings"
	"time"

	"github.com/varvekv/varve/cmd/varve/internal/console"
)

// tablesShown is how many tables of a run are listed where not all are asked for.
const tablesShown = 8

// columns of the list of tables; keysWidth is what the others leave for the last
// one, at least keysWidthMin.
var columns = []console.Column{
	{Name: "table", Left: true}, {Name: "size"}, {Name: "", Left: true}, {Name: "entries"}, {Name: "deleted"},
	{Name: "over older"}, {Name: "over below"}, {Name: "written"}, {Name: "keys", Left: true},
}

const (
	otherColumns = 86
	keysWidthMin = 24
)

// drawLevel lists the tables of a level.
func (t *Tree) drawLevel(c *console.Console, l *Level, all bool) {
	c.Printf("\n%s  %s in %s, %s, %s, %s deleted, written %s ago\n", c.Paint(console.Bold, fmt.Sprintf("L%d", l.Level)),
		console.Plural(l.Tables, "table", "tables"), console.Plural(len(l.Runs), "run", "runs"), console.Bytes(l.Bytes),
		console.Plural(l.Entries, "entry", "entries"), share(l.Tombstones, l.Entries), t.age(l.oldest, l.youngest))
	biggest := int64(1)
	for i := range l.Runs {
		for j := range l.Runs[i].Tables {
			biggest = max(biggest, l.Runs[i].Tables[j].Bytes)
		}
	}
	var rows [][]string
	hidden := 0
	for i := range l.Runs {
		r := &l.Runs[i]
		for j := range r.Tables {
			if j >= tablesShown && !all && len(r.Tables) > tablesShown+1 {
				hidden += len(r.Tables) - j
				break
			}
			rows = append(rows, t.row(c, &r.Tables[j], biggest))
		}
	}
	c.Table(columns, rows)
	if hidden > 0 {
		c.Printf("… and %s; --tables lists them\n", console.Plural(hidden, "more", "more"))
	}
}

func (t *Tree) row(c *console.Console, x *Table, biggest int64) []string {
	const barWidth = 8
	room := max(c.Width-otherColumns, keysWidthMin)
	return []string{
		x.Name, console.Bytes(x.Bytes), c.Paint(console.Cyan, strings.Repeat("█", int(max(x.Bytes*barWidth/biggest, 1)))),
		console.Count(x.Entries), share(x.Tombstones, x.Entries), overText(x.Overlap.OlderTables, x.Overlap.OlderBytes),
		overText(x.Overlap.Tables, x.Overlap.Bytes), t.age(x.slice.TimeMin, x.slice.TimeMax),
		short(x.slice.Lower, room/2-2) + " – " + short(x.slice.Upper, room/2-1),
	}
}

// overText is how many tables one shares keys with, and their size.
func overText(tables int, size int64) string {
	if tables == 0 {
		return "-"
	}
	return fmt.Sprintf("%s, %s", console.Count(tables), console.Bytes(size))
}

func share(tombstones, entries uint64) string {
	if entries == 0 {
		return "-"
	}
	return fmt.Sprintf("%.3g%%", 100*float64(tombstones)/float64(entries))
}

// age is how long ago writes between two times were.
func (t *Tree) age(oldest, youngest int64) string {
	if oldest == 0 || youngest == 0 {
		return "?"
	}
	old, young := ago(t.read.Sub(time.Unix(0, oldest))), ago(t.read.Sub(time.Unix(0, youngest)))
	if old == young {
		return old
	}
	return old + "–" + young
}

// ago is a time span in its greatest unit.
func ago(d time.Duration) string {
	d = max(d, 0)
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%dm", d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", d/time.Hour)
	}
	return fmt.Sprintf("%dd", d/(24*time.Hour))
}
