package varve

// Metrics as a table for people to read.

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"
)

// String is a table for people to read; lines about what did not happen are left out.
func (m Metrics) String() string {
	var b strings.Builder
	m.levelTable(&b)
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("writes: %d operations, %s; write amplification %.2f; last sequence %d, durable %d",
		m.Operations, sizeText(m.UserBytes), m.WriteAmplification(), m.LastSeq, m.DurableSeq)
	m.readLines(line)
	m.logLines(line)
	line("work: %d flushes (%s, %v, longest %v), %d compactions (%s in, %s out, %v, longest %v), %d moves, %d rotations",
		m.Flushes, sizeText(m.FlushedBytes), brief(m.FlushTime), brief(m.FlushMax),
		m.Compactions, sizeText(m.CompactedIn), sizeText(m.CompactedOut), brief(m.CompactionTime), brief(m.CompactionMax), m.Moves, m.Rotations)
	line("now: %d memtables wait for their flush, %d compactions run, %d tables open, %d iterators, %d snapshots, %d obsolete tables (%s)",
		m.FlushQueue, m.RunningCompactions, m.OpenTables, m.OpenIterators, m.Snapshots, m.ObsoleteTables, bytesText(m.ObsoleteBytes))
	line("stalls: %d waits, %d paced, %v in all, now %v", m.Stalls, m.Paced, brief(m.StallTime), m.StallReason)
	m.stallLines(line)
	m.memoryLines(line)
	if n := m.FlushFails + m.CompactionFails + m.Corruptions; n > 0 || m.Quarantined > 0 {
		line("failures: %d flushes, %d compactions, %d corruptions, %d plans set aside", m.FlushFails, m.CompactionFails, m.Corruptions, m.Quarantined)
	}
	if m.Poisoned != nil {
		line("poisoned: %v", m.Poisoned)
	}
	if m.BackgroundError != nil {
		line("background error: %v", m.BackgroundError)
	}
	return b.String()
}

func (m *Metrics) levelTable(b *strings.Builder) {
	w := tabwriter.NewWriter(b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "level\truns\ttables\tbytes\tentries\ttombstones\tin\tread\twritten\tw-amp\tmoved\tgets\t")
	for i, l := range m.Levels {
		if l.Tables == 0 && l.BytesWritten+l.BytesMoved == 0 {
			continue
		}
		fmt.Fprintf(w, "%d\t%d\t%d\t%s\t%d\t%d\t%s\t%s\t%s\t%.2f\t%s\t%d\t\n", i, l.Runs, l.Tables, bytesText(l.Bytes), l.Entries, l.Tombstones,
			sizeText(l.BytesIn), sizeText(l.BytesRead), sizeText(l.BytesWritten), l.WriteAmplification(), sizeText(l.BytesMoved), l.Reads)
	}
	w.Flush() //nolint:errcheck // into memory
}

func (m *Metrics) readLines(line func(string, ...any)) {
	r := &m.Reads
	line("reads: %d gets (%d hits, %d misses; memtable %d, immutables %d), %d iterators (%d seeks, %d moves)",
		r.Gets, r.Hits, r.Misses, r.FromMemtable, r.FromImmutables, r.Iterators, r.Seeks, r.Moves)
	line("blocks: %d cached, %d read (%s), hit rate %.1f %%; filters: %d asked, %d saved a block, %d false positives (%.2f %%)",
		r.BlockHits, r.BlockMisses, sizeText(r.ReadBytes), 100*r.CacheHitRate(),
		r.FilterProbes, r.FilterNegatives, r.FilterFalsePositives, 100*r.FalsePositiveRate())
	c := &m.Cache
	line("cache: %s of %s mapped, %s filled, %s pinned; %d inserted, %d evicted, %d rescued, %d refused",
		bytesText(c.MappedBytes), bytesText(c.CapacityBytes), bytesText(c.FilledBytes), bytesText(c.PinnedBytes), c.Inserted, c.Evicted, c.Rescued, c.Refused)
}

func (m *Metrics) logLines(line func(string, ...any)) {
	l := &m.Log
	line("log: %s in %d writes, %s ahead; %d syncs (%v, longest %v), %.1f commits a group, at most %d; segments: %d live, %d spare, %d released",
		sizeText(l.WrittenBytes), l.Writes, sizeText(l.PreparedBytes), l.Syncs, brief(l.SyncTime), brief(l.SyncMax),
		ratio(l.GroupCommits, l.Groups), l.GroupMax, l.LiveSegments, l.SpareSegments, l.ReleasedSegments)
	if l.Archived+l.ArchiveFails > 0 {
		line("archive: %d segments (%s, %v), %d failures, %d dropped", l.Archived, sizeText(l.ArchivedBytes), brief(l.ArchiveTime), l.ArchiveFails, l.ArchiveDropped)
	}
}

func (m *Metrics) stallLines(line func(string, ...any)) {
	by := [stallReasons]StallMetrics{StallMemtables: m.StallsBy.Memtables, StallLevel0: m.StallsBy.Level0, StallLog: m.StallsBy.Log}
	for reason, s := range by {
		if s.Waits+s.Paced > 0 {
			line("  %v: %d waits, %d paced, %v", StallReason(reason), s.Waits, s.Paced, brief(s.Time))
		}
	}
}

func (m *Metrics) memoryLines(line func(string, ...any)) {
	y := &m.Memory
	line("memory: memtable %s, immutables %s (%s mapped), cache %s, indexes and filters %s, idle arenas %s; %s mapped by this database, %s by all; log buffers %s; Go heap %s of %s",
		bytesText(y.Memtable), bytesText(y.Immutables), bytesText(y.Memtables), bytesText(y.Cache), bytesText(y.Tables), bytesText(y.Idle),
		bytesText(y.Mapped()), bytesText(y.OffHeap), bytesText(y.LogBuffers), bytesText(y.GoHeap), bytesText(y.GoTotal))
}

// brief is a duration to four digits or so.
func brief(d time.Duration) time.Duration {
	switch {
	case d > time.Second:
		return d.Round(time.Millisecond)
	case d > time.Millisecond:
		return d.Round(time.Microsecond)
	}
	return d
}

func sizeText(n uint64) string { return bytesText(int64(n)) }

// bytesText is a size for people to read.
func bytesText(n int64) string {
	const unit = 1024
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	f, i := float64(n)/unit, 0
	for ; f >= unit && i < 4; i++ {
		f /= unit
	}
	return fmt.Sprintf("%.1f %ciB", f, "KMGTP"[i])
}
