package varveprom

import (
	"math"

	"github.com/varvekv/varve/wal"
)

// What is told of the log, of background work, and of what the database holds.

var logSeries = []series{
	{"log_written_bytes_total", "Bytes written to log segments, in whole blocks.", nil, func(t *taking) { count(t, t.m.Log.WrittenBytes) }},
	{"log_prepared_bytes_total", "Bytes written ahead into files of later log segments.", nil, func(t *taking) { count(t, t.m.Log.PreparedBytes) }},
	{"log_writes_total", "Writes to log segments.", nil, func(t *taking) { count(t, t.m.Log.Writes) }},
	{"log_pending_bytes", "Bytes appended to the log and not yet handed to the system.", nil, func(t *taking) { gauge(t, t.m.Log.PendingBytes) }},
	{"log_end_bytes", "Position behind the log's last append.", nil, func(t *taking) { gauge(t, t.m.Log.End) }},
	{"log_durable_bytes", "Position up to which the log is on stable storage.", nil, func(t *taking) { gauge(t, t.m.Log.Durable) }},
	{"log_start_bytes", "Oldest position of the log that is still needed.", nil, func(t *taking) { gauge(t, t.m.Log.Start) }},
	{"log_sync_duration_seconds", "Syncs of the log by duration.", nil, func(t *taking) {
		histogram(t, t.m.Log.SyncHistogram[:], func(i int) float64 { return math.Ldexp(1e-6, i) }, t.m.Log.SyncTime.Seconds())
	}},
	{"log_sync_max_seconds", "The longest sync of the log.", nil, func(t *taking) { gauge(t, t.m.Log.SyncMax.Seconds()) }},
	{"log_group_commits", "Syncs made for synced commits, by how many shared one.", nil, func(t *taking) {
		histogram(t, t.m.Log.GroupHistogram[:], func(i int) float64 { return math.Ldexp(2, i) - 1 }, float64(t.m.Log.GroupCommits))
	}},
	{"log_segments", "Log segments by what they are there for.", []string{"kind"}, func(t *taking) {
		gauge(t, t.m.Log.LiveSegments, "live")
		gauge(t, t.m.Log.SpareSegments, "spare")
		gauge(t, t.m.Log.ReleasedSegments, "released")
	}},
	{"log_begun_segments_total", "Log segments begun.", nil, func(t *taking) { count(t, t.m.Log.Segments) }},
	{"log_recycled_segments_total", "Files of log segments that became another one.", nil, func(t *taking) { count(t, t.m.Log.Recycled) }},
	{"archive_segments_total", "Log segments archived.", nil, func(t *taking) { count(t, t.m.Log.Archived) }},
	{"archive_bytes_total", "Bytes of archived log segments, uncompressed.", nil, func(t *taking) { count(t, t.m.Log.ArchivedBytes) }},
	{"archive_seconds_total", "Time that archiving took.", nil, func(t *taking) { count(t, t.m.Log.ArchiveTime.Seconds()) }},
	{"archive_failures_total", "Failures to archive a log segment; each is tried again.", nil, func(t *taking) { count(t, t.m.Log.ArchiveFails) }},
	{"archive_dropped_total", "Log segments that went unarchived.", nil, func(t *taking) { count(t, t.m.Log.ArchiveDropped) }},
}

var workSeries = []series{
	{"flushes_total", "Flushes by result; a failed one is tried again.", []string{"result"}, func(t *taking) {
		count(t, t.m.Flushes, "ok")
		count(t, t.m.FlushFails, "failed")
	}},
	{"flushed_bytes_total", "Bytes of tables written by flushes.", nil, func(t *taking) { count(t, t.m.FlushedBytes) }},
	{"flush_seconds_total", "Time that flushes took.", nil, func(t *taking) { count(t, t.m.FlushTime.Seconds()) }},
	{"flush_max_seconds", "The longest flush.", nil, func(t *taking) { gauge(t, t.m.FlushMax.Seconds()) }},
	{"flush_queue", "Memtables that wait for their flush, or are in it.", nil, func(t *taking) { gauge(t, t.m.FlushQueue) }},
	{"compactions_total", "Compactions by result.", []string{"result"}, func(t *taking) {
		count(t, t.m.Compactions, "ok")
		count(t, t.m.CompactionFails, "failed")
	}},
	{"compaction_read_bytes_total", "Bytes of tables read by compactions.", nil, func(t *taking) { count(t, t.m.CompactedIn) }},
	{"compaction_written_bytes_total", "Bytes of tables written by compactions.", nil, func(t *taking) { count(t, t.m.CompactedOut) }},
	{"compaction_seconds_total", "Time that compactions took; parallel ones add up.", nil, func(t *taking) { count(t, t.m.CompactionTime.Seconds()) }},
	{"compaction_max_seconds", "The longest compaction.", nil, func(t *taking) { gauge(t, t.m.CompactionMax.Seconds()) }},
	{"compactions_running", "Compactions that run now.", nil, func(t *taking) { gauge(t, t.m.RunningCompactions) }},
	{"quarantined_plans", "Compactions that damaged tables prevent.", nil, func(t *taking) { gauge(t, t.m.Quarantined) }},
	{"moved_tables_total", "Tables that changed level without being rewritten.", nil, func(t *taking) { count(t, t.m.Moves) }},
}

var stateSeries = []series{
	{"memory_bytes", "Memory that the database holds: mapped outside Go's heap, and the log's buffers on it.", []string{"kind"}, func(t *taking) {
		y := &t.m.Memory
		gauge(t, y.Memtables, "memtables")
		gauge(t, y.Cache, "cache")
		gauge(t, y.Tables, "tables")
		gauge(t, y.Idle, "idle")
		gauge(t, y.LogBuffers, "log_buffers")
	}},
	{"memtable_used_bytes", "Memory in use by memtables.", []string{"kind"}, func(t *taking) {
		gauge(t, t.m.Memory.Memtable, "active")
		gauge(t, t.m.Memory.Immutables, "immutable")
	}},
	{"off_heap_bytes", "Memory mapped outside Go's heap by all databases of the process.", nil, func(t *taking) { gauge(t, t.m.Memory.OffHeap) }},
	{"snapshots", "Open snapshots.", nil, func(t *taking) { gauge(t, t.m.Snapshots) }},
	{"oldest_snapshot_sequence", "Sequence of the oldest open snapshot; 0 without one.", nil, func(t *taking) { gauge(t, t.m.OldestSnapshot) }},
	{"open_iterators", "Open iterators.", nil, func(t *taking) { gauge(t, t.m.OpenIterators) }},
	{"open_tables", "Open table files.", nil, func(t *taking) { gauge(t, t.m.OpenTables) }},
	{"obsolete_tables", "Table files that wait for iterators, or for their removal.", nil, func(t *taking) { gauge(t, t.m.ObsoleteTables) }},
	{"obsolete_bytes", "Size of those files.", nil, func(t *taking) { gauge(t, t.m.ObsoleteBytes) }},
	{"corruptions_total", "Reads that found damage.", nil, func(t *taking) { count(t, t.m.Corruptions) }},
	{"background_failed", "1 while the last flush or compaction failed.", nil, func(t *taking) { flag(t, t.m.BackgroundError != nil) }},
	{"poisoned", "1 once every write fails until the database is opened again.", nil, func(t *taking) { flag(t, t.m.Poisoned != nil) }},
	{"recovery_seconds", "Time that Open took.", nil, func(t *taking) { gauge(t, t.m.Recovery.Duration.Seconds()) }},
	{"recovery_operations", "Operations that Open replayed from the log.", nil, func(t *taking) { gauge(t, t.m.Recovery.Operations) }},
	{"recovery_dropped_bytes", "Bytes that Open found behind the log's accepted end.", nil, func(t *taking) { gauge(t, t.m.Recovery.Log.Dropped) }},
	{"recovery_clean", "1 if Open found every byte of the log accounted for.", nil, func(t *taking) { flag(t, t.m.Recovery.Log.Verdict == wal.Clean) }},
}
