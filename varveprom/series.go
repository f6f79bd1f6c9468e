package varveprom

import "strconv"

// What is told of writes, reads and levels. The rest is in series_work.go.

var writeSeries = []series{
	{"operations_total", "Committed Puts and Deletes.", nil, func(t *taking) { count(t, t.m.Operations) }},
	{"user_bytes_total", "Keys and values of committed operations, as encoded for the log.", nil, func(t *taking) { count(t, t.m.UserBytes) }},
	{"last_sequence", "Sequence of the newest readable operation.", nil, func(t *taking) { gauge(t, t.m.LastSeq) }},
	{"durable_sequence", "Sequence up to which every operation survives a power cut.", nil, func(t *taking) { gauge(t, t.m.DurableSeq) }},
	{"rotations_total", "Memtables that became immutable.", nil, func(t *taking) { count(t, t.m.Rotations) }},
	{"stall_waits_total", "Writers that waited for room.", []string{"reason"}, func(t *taking) {
		by := &t.m.StallsBy
		count(t, by.Memtables.Waits, "memtables")
		count(t, by.Level0.Waits, "level0")
		count(t, by.Log.Waits, "log")
	}},
	{"stall_paced_total", "Writers that were slowed down.", []string{"reason"}, func(t *taking) {
		by := &t.m.StallsBy
		count(t, by.Memtables.Paced, "memtables")
		count(t, by.Level0.Paced, "level0")
		count(t, by.Log.Paced, "log")
	}},
	{"stall_seconds_total", "Time that writers were held back, of all of them.", []string{"reason"}, func(t *taking) {
		by := &t.m.StallsBy
		count(t, by.Memtables.Time.Seconds(), "memtables")
		count(t, by.Level0.Time.Seconds(), "level0")
		count(t, by.Log.Time.Seconds(), "log")
	}},
	{"stalled", "1 for the reason why writers are held back now.", []string{"reason"}, func(t *taking) {
		for _, reason := range []string{"memtables", "level0", "log"} {
			flag(t, t.m.StallReason.String() == reason, reason)
		}
	}},
}

var readSeries = []series{
	{"gets_total", "Point reads by what they found.", []string{"result"}, func(t *taking) {
		count(t, t.m.Reads.Hits, "hit")
		count(t, t.m.Reads.Misses, "miss")
		count(t, t.m.Reads.Failures, "failure")
	}},
	{"memtable_reads_total", "Point reads that a version in memory decided.", []string{"kind"}, func(t *taking) {
		count(t, t.m.Reads.FromMemtable, "active")
		count(t, t.m.Reads.FromImmutables, "immutable")
	}},
	{"iterators_total", "Iterators opened, by scans too.", nil, func(t *taking) { count(t, t.m.Reads.Iterators) }},
	{"iterator_seeks_total", "Seeks of closed iterators.", nil, func(t *taking) { count(t, t.m.Reads.Seeks) }},
	{"iterator_moves_total", "Next and Prev of closed iterators.", nil, func(t *taking) { count(t, t.m.Reads.Moves) }},
	{"blocks_total", "Data blocks that reads took, by where from.", []string{"source"}, func(t *taking) {
		count(t, t.m.Reads.BlockHits, "cache")
		count(t, t.m.Reads.BlockMisses, "disk")
	}},
	{"block_read_bytes_total", "Bytes of data blocks read from disk, as stored.", nil, func(t *taking) { count(t, t.m.Reads.ReadBytes) }},
	{"filter_probes_total", "Filters that point reads asked.", nil, func(t *taking) { count(t, t.m.Reads.FilterProbes) }},
	{"filter_negatives_total", "Filters that saved reading a block.", nil, func(t *taking) { count(t, t.m.Reads.FilterNegatives) }},
	{"filter_false_positives_total", "Filters that let a read pass to nothing.", nil, func(t *taking) { count(t, t.m.Reads.FilterFalsePositives) }},
	{"cache_bytes", "Memory of the block cache.", []string{"kind"}, func(t *taking) {
		c := &t.m.Cache
		gauge(t, c.CapacityBytes, "capacity")
		gauge(t, c.MappedBytes, "mapped")
		gauge(t, c.FilledBytes, "filled")
		gauge(t, c.PinnedBytes, "pinned")
		gauge(t, c.ChargedBytes, "charged")
	}},
	{"cache_blocks_total", "What became of blocks in the cache.", []string{"kind"}, func(t *taking) {
		c := &t.m.Cache
		count(t, c.Inserted, "inserted")
		count(t, c.Refused, "refused")
		count(t, c.Evicted, "evicted")
		count(t, c.Rescued, "rescued")
	}},
}

// byLevel sends a sample for every level, used or not, so that no series comes and goes.
func byLevel(send func(t *taking, i int, level string)) func(t *taking) {
	return func(t *taking) {
		for i := range t.m.Levels {
			send(t, i, strconv.Itoa(i))
		}
	}
}

var ofLevel = []string{"level"}

var levelSeries = []series{
	{"level_runs", "Sorted runs of a level.", ofLevel, byLevel(func(t *taking, i int, l string) { gauge(t, t.m.Levels[i].Runs, l) })},
	{"level_tables", "Tables of a level.", ofLevel, byLevel(func(t *taking, i int, l string) { gauge(t, t.m.Levels[i].Tables, l) })},
	{"level_bytes", "Size of a level's tables.", ofLevel, byLevel(func(t *taking, i int, l string) { gauge(t, t.m.Levels[i].Bytes, l) })},
	{"level_entries", "Entries of a level, deletions included.", ofLevel, byLevel(func(t *taking, i int, l string) { gauge(t, t.m.Levels[i].Entries, l) })},
	{"level_tombstones", "Deletions in a level.", ofLevel, byLevel(func(t *taking, i int, l string) { gauge(t, t.m.Levels[i].Tombstones, l) })},
	{"level_reads_total", "Point reads that a version in the level decided.", ofLevel, byLevel(func(t *taking, i int, l string) { count(t, t.m.Levels[i].Reads, l) })},
	{"level_compactions_total", "Compactions that wrote into the level.", ofLevel, byLevel(func(t *taking, i int, l string) { count(t, t.m.Levels[i].Compactions, l) })},
	{"level_in_bytes_total", "Bytes that came into the level from above, to be rewritten.", ofLevel, byLevel(func(t *taking, i int, l string) { count(t, t.m.Levels[i].BytesIn, l) })},
	{"level_read_bytes_total", "Bytes read by compactions that wrote into the level.", ofLevel, byLevel(func(t *taking, i int, l string) { count(t, t.m.Levels[i].BytesRead, l) })},
	{"level_written_bytes_total", "Bytes written into the level by flushes and compactions.", ofLevel, byLevel(func(t *taking, i int, l string) { count(t, t.m.Levels[i].BytesWritten, l) })},
	{"level_moved_bytes_total", "Bytes that came into the level without being rewritten.", ofLevel, byLevel(func(t *taking, i int, l string) { count(t, t.m.Levels[i].BytesMoved, l) })},
}
