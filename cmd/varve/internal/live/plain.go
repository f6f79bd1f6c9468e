package live

import (
	"fmt"
	"strings"
	"time"

	"github.com/varvekv/varve/cmd/varve/internal/console"
)

// headingEvery is how many lines stand under one heading where output is a file.
const headingEvery = 20

// Plain draws ticks as lines of a table, for files and pipes.
type Plain struct{ lines int }

// Lines is one tick as a line, now and then below a heading.
func (p *Plain) Lines(t *Tick) []string {
	at, _ := time.Parse(time.RFC3339Nano, t.Time) // our own
	heading, cells := processCells(t)
	if t.Dir != nil {
		heading, cells = directoryCells(t)
	}
	var out []string
	if p.lines%headingEvery == 0 {
		out = append(out, "time      "+strings.Join(heading, " "))
	}
	p.lines++
	for i, c := range cells {
		cells[i] = fmt.Sprintf("%*s", len(heading[i]), c)
	}
	return append(out, at.UTC().Format("15:04:05  ")+strings.Join(cells, " "))
}

// processCells are the figures of a process, rates as far as there are.
func processCells(t *Tick) (heading, cells []string) {
	heading = []string{
		"    op/s", "    written", "   get/s", " cache hits", "       log", "      flush", " compaction", " stall/s", " paced/s", "    held by", "     tables", "   last seq",
	}
	m := t.Process
	if m == nil {
		return heading, nil
	}
	cells = []string{"-", "-", "-", percent(m.Reads.CacheHitRate()), "-", "-", "-", "-", "-"}
	if r := t.Rates; r != nil {
		cells = []string{
			rate(r.Operations), size(r.UserBytes), rate(r.Gets), percent(r.CacheHitShare), size(r.LogBytes),
			size(r.FlushedBytes), size(r.CompactedOut), rate(r.Stalls), rate(r.Paced),
		}
	}
	tables := int64(0)
	for _, l := range m.Levels {
		tables += l.Bytes
	}
	return heading, append(cells, m.StallReason.String(), console.Bytes(tables), console.Count(m.LastSeq))
}

func directoryCells(t *Tick) (heading, cells []string) {
	heading = []string{"tables", "       size", "segments", "        log", "      edit", "   last seq", "  edit/s", "    op/s"}
	x := t.Dir
	cells = []string{
		console.Count(x.Tables), console.Bytes(x.Bytes), console.Count(x.Log.Segments), console.Bytes(x.Log.FileBytes),
		console.Count(x.Edit), console.Count(x.LastSeq), "-", "-",
	}
	if c := t.Changes; c != nil {
		cells[6], cells[7] = rate(c.Edits), rate(c.Sequences)
	}
	return heading, cells
}
