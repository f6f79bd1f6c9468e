package live

import (
	"fmt"
	"strings"
	"time"

	"github.com/varvekv/varve"
	"github.com/varvekv/varve/cmd/varve/internal/console"
)

// historyMax is how many ticks the little curves show.
const historyMax = 40

// Screen draws ticks for people who watch.
type Screen struct {
	Console *console.Console
	history map[string][]float64
}

// Lines is one tick as lines of text.
func (s *Screen) Lines(t *Tick) []string {
	d := drawing{Screen: s}
	at, _ := time.Parse(time.RFC3339Nano, t.Time) // our own
	d.line("%s  %s", s.Console.Paint(console.Bold, t.Source), s.Console.Paint(console.Dim, at.Local().Format("15:04:05")))
	switch {
	case t.Process != nil:
		d.process(t.Process, t.Rates)
	case t.Dir != nil:
		d.directory(t)
	}
	return d.lines
}

// drawing is one tick under way.
type drawing struct {
	*Screen
	lines []string
}

func (d *drawing) line(format string, args ...any) {
	d.lines = append(d.lines, fmt.Sprintf(format, args...))
}

// row is a line with a heading.
func (d *drawing) row(what, format string, args ...any) {
	d.line("%s %s", d.Console.Paint(console.Cyan, fmt.Sprintf("%-11s", what)), fmt.Sprintf(format, args...))
}

func (d *drawing) process(m *varve.Metrics, r *Rates) {
	if r == nil {
		d.row("writes", "%s, %s in all", console.Plural(m.Operations, "operation", "operations"), console.Bytes(int64(m.UserBytes)))
		d.row("reads", "%s in all, cache hits %s", console.Plural(m.Reads.Gets, "get", "gets"), percent(m.Reads.CacheHitRate()))
		d.row("work", "%s (%s), %s (%s in, %s out)", console.Plural(m.Flushes, "flush", "flushes"), console.Bytes(int64(m.FlushedBytes)),
			console.Plural(m.Compactions, "compaction", "compactions"), console.Bytes(int64(m.CompactedIn)), console.Bytes(int64(m.CompactedOut)))
		d.row("stalls", "%s waited, %s paced, %s in all", console.Count(m.Stalls), console.Count(m.Paced), console.Duration(m.StallTime))
	} else {
		d.rates(m, r)
	}
	d.row("now", "%s to flush, %s, writers %s, %s unwritten, %s not durable", console.Plural(m.FlushQueue, "memtable", "memtables"),
		console.Plural(m.RunningCompactions, "compaction", "compactions"), d.stalled(m.StallReason),
		console.Bytes(m.Log.PendingBytes), console.Plural(behind(m), "operation", "operations"))
	d.row("memory", "memtables %s, waiting %s, cache %s, indexes %s, log %s; Go heap %s", console.Bytes(m.Memory.Memtable), console.Bytes(m.Memory.Immutables),
		console.Bytes(m.Memory.Cache), console.Bytes(m.Memory.Tables), console.Bytes(m.Memory.LogBuffers), console.Bytes(m.Memory.GoHeap))
	d.row("open", "%s, %s, %s, %s to remove", console.Plural(m.OpenTables, "table", "tables"),
		console.Plural(m.OpenIterators, "iterator", "iterators"), console.Plural(m.Snapshots, "snapshot", "snapshots"),
		console.Plural(m.ObsoleteTables, "table", "tables"))
	d.trouble(m)
	d.levels(m, r)
}

func behind(m *varve.Metrics) uint64 { return m.LastSeq - min(m.DurableSeq, m.LastSeq) }

func (d *drawing) rates(m *varve.Metrics, r *Rates) {
	d.row("writes", "%s", cells(rate(r.Operations), "op/s", size(r.UserBytes), "/s")+d.curve("writes", r.Operations))
	d.row("reads", "%s", cells(rate(r.Gets), "get/s", percent(r.GetHitShare), "found")+d.curve("reads", r.Gets))
	d.row("scans", "%s", cells(rate(r.Seeks), "seek/s", rate(r.Moves), "move/s"))
	d.row("blocks", "%s", cells(rate(r.BlockReads), "read/s", size(r.BlockBytes), "/s", percent(r.CacheHitShare), "cached", rate(r.FilterSaves), "saved/s by filters"))
	d.row("log", "%s", cells(rate(r.LogWrites), "write/s", size(r.LogBytes), "/s", rate(r.Syncs), "sync/s", console.Duration(time.Duration(r.SyncSeconds*1e9)), "each"))
	d.row("flush", "%s", cells(rate(r.Flushes), "/s", size(r.FlushedBytes), "/s")+d.curve("flush", r.FlushedBytes))
	d.row("compaction", "%s", cells(size(r.CompactedIn), "/s in", size(r.CompactedOut), "/s out")+d.curve("compaction", r.CompactedOut))
	stalls := cells(rate(r.Stalls), "wait/s", rate(r.Paced), "paced/s", fmt.Sprintf("%.1f", r.StalledWriters), "held at a time")
	if r.Stalls > 0 {
		stalls = d.Console.Paint(console.Yellow, stalls)
	}
	d.row("stalls", "%s", stalls)
	d.row("amplified", "%s", cells(fmt.Sprintf("%.2f", r.WriteAmplified), "times", fmt.Sprintf("%.2f", m.WriteAmplification()), "since it was opened"))
}

// cells are figures, each with its unit behind it, in columns.
func cells(parts ...string) string {
	var b strings.Builder
	for i := 0; i < len(parts); i += 2 {
		fmt.Fprintf(&b, "%11s %-8s", parts[i], parts[i+1])
	}
	return b.String()
}

func (d *drawing) stalled(r varve.StallReason) string {
	if r == varve.StallNone {
		return "free"
	}
	return d.Console.Paint(console.Yellow, "held back by "+r.String())
}

func (d *drawing) trouble(m *varve.Metrics) {
	if m.Poisoned != nil {
		d.row("poisoned", "%s", d.Console.Paint(console.Red, m.Poisoned.Error()))
	}
	if m.BackgroundError != nil {
		d.row("error", "%s", d.Console.Paint(console.Red, m.BackgroundError.Error()))
	}
	if m.Corruptions > 0 {
		d.row("corruptions", "%s", d.Console.Paint(console.Red, console.Count(m.Corruptions)))
	}
}

func (d *drawing) levels(m *varve.Metrics, r *Rates) {
	biggest := int64(1)
	for _, l := range m.Levels {
		biggest = max(biggest, l.Bytes)
	}
	d.line("%s", d.Console.Paint(console.Dim, "level runs tables       size              entries  deleted    written"))
	for i, l := range m.Levels {
		if l.Tables == 0 {
			continue
		}
		written := "-"
		if r != nil && i < len(r.LevelWriteBytes) {
			written = size(r.LevelWriteBytes[i]) + "/s"
		}
		d.line("L%-4d %4d %6d %10s %s %13s %8s %10s", i, l.Runs, l.Tables, console.Bytes(l.Bytes), d.bar(l.Bytes, biggest),
			console.Count(l.Entries), deleted(l.Tombstones, l.Entries), written)
	}
}

func (d *drawing) directory(t *Tick) {
	x := t.Dir
	d.row("tables", "%s, %s, sequences up to %s, edit %s", console.Plural(x.Tables, "table", "tables"), console.Bytes(x.Bytes), console.Count(x.LastSeq), console.Count(x.Edit))
	d.row("log", "%s, %s on disk", console.Plural(x.Log.Segments, "segment", "segments"), console.Bytes(x.Log.FileBytes))
	if c := t.Changes; c != nil {
		d.row("change", "%s edit/s, %s op/s into tables, tables %+d B, log %+d B  %s", rate(c.Edits), rate(c.Sequences), c.TableBytes, c.LogBytes, d.curve("edits", c.Edits))
	}
	biggest := int64(1)
	for _, l := range x.Levels {
		biggest = max(biggest, l.Bytes)
	}
	d.line("%s", d.Console.Paint(console.Dim, "level runs tables       size              entries  deleted"))
	for _, l := range x.Levels {
		d.line("L%-4d %4d %6d %10s %s %13s %8s", l.Level, len(l.Runs), l.Totals.Tables, console.Bytes(l.Bytes), d.bar(l.Bytes, biggest),
			console.Count(l.Entries), deleted(l.Tombstones, l.Entries))
	}
}

func (d *drawing) bar(n, of int64) string {
	const width = 12
	full := int(n * width / of)
	return d.Console.Paint(console.Cyan, strings.Repeat("█", full)) + strings.Repeat("·", width-full)
}

// curve is the last ticks of a figure, the greatest one as high as a line.
func (s *Screen) curve(name string, v float64) string {
	if s.history == nil {
		s.history = map[string][]float64{}
	}
	h := append(s.history[name], v)
	h = h[max(0, len(h)-historyMax):]
	s.history[name] = h
	top := 0.0
	for _, x := range h {
		top = max(top, x)
	}
	var b strings.Builder
	for _, x := range h {
		i := 0
		if top > 0 {
			i = int(x / top * 7)
		}
		b.WriteRune([]rune("▁▂▃▄▅▆▇█")[i])
	}
	return s.Console.Paint(console.Green, b.String())
}

func rate(v float64) string {
	if v > 0 && v < 10 {
		return fmt.Sprintf("%.1f", v)
	}
	return console.Count(int64(v + 0.5))
}

func size(v float64) string { return console.Bytes(int64(v)) }

func percent(share float64) string { return fmt.Sprintf("%.1f %%", 100*share) }

func deleted(tombstones, entries uint64) string {
	if entries == 0 {
		return "-"
	}
	return percent(float64(tombstones) / float64(entries))
}
