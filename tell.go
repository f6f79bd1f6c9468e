package varve

// Telling: one place for each thing that happens says it to Events and to the
// Logger, so that both agree. REQUIRES, everywhere here: no lock is held.
// docs/observability.md lists messages and attributes.

import (
	"errors"
	"log/slog"
	"time"

	"github.com/varvekv/varve/manifest"
	"github.com/varvekv/varve/wal"
)

func (db *DB) tellFlushBegin(info FlushInfo) {
	if f := db.opts.Events.FlushBegin; f != nil {
		f(info)
	}
}

// tellFlushEnd leaves failures to backgroundError.
func (db *DB) tellFlushEnd(info FlushInfo) {
	if info.Err == nil {
		db.opts.Logger.Info("varve: flushed", "job", info.Job, "entries", info.Entries, "memtable_bytes", info.MemtableBytes,
			"tables", info.Tables, "bytes", info.Bytes, "took", info.Duration)
	}
	if f := db.opts.Events.FlushEnd; f != nil {
		f(info)
	}
}

func (db *DB) tellCompactionBegin(info CompactionInfo) {
	if f := db.opts.Events.CompactionBegin; f != nil {
		f(info)
	}
}

// tellCompactionEnd leaves failures to backgroundError.
func (db *DB) tellCompactionEnd(info CompactionInfo) {
	if info.Err == nil {
		db.opts.Logger.Info("varve: compacted", "job", info.Job, "reason", info.Reason,
			"from_level", info.FromLevel, "to_level", info.ToLevel, "move", info.IsMove,
			"tables_in", info.TablesIn, "tables_out", info.TablesOut, "bytes_in", info.BytesIn, "bytes_out", info.BytesOut,
			"entries_in", info.EntriesIn, "entries_out", info.EntriesOut, "took", info.Duration)
	}
	if f := db.opts.Events.CompactionEnd; f != nil {
		f(info)
	}
}

// tellRotated takes nil for nothing to tell.
func (db *DB) tellRotated(info *RotateInfo) {
	if info == nil {
		return
	}
	db.opts.Logger.Debug("varve: rotated", "segment", info.Segment, "memtable_bytes", info.MemtableBytes)
	if f := db.opts.Events.RotateEnd; f != nil {
		f(*info)
	}
}

func (db *DB) tellStallBegin(reason StallReason) {
	db.opts.Logger.Warn("varve: stall begins", "reason", reason.String())
	if f := db.opts.Events.StallBegin; f != nil {
		f(reason)
	}
}

func (db *DB) tellStallEnd(reason StallReason, took time.Duration) {
	db.opts.Logger.Warn("varve: stall ends", "reason", reason.String(), "took", took)
	if f := db.opts.Events.StallEnd; f != nil {
		f(reason, took)
	}
}

func (db *DB) tellCreated(job uint64, slices []*manifest.Slice) {
	f := db.opts.Events.TableCreated
	if f == nil {
		return
	}
	for _, s := range slices {
		f(TableInfo{Number: s.File, Bytes: s.FileBytes, Level: s.Level, Job: job})
	}
}

func (db *DB) tellDeleted(t *tableFile) {
	db.opts.Logger.Debug("varve: table deleted", "table", t.number, "bytes", t.sizeBytes)
	if f := db.opts.Events.TableDeleted; f != nil {
		f(TableInfo{Number: t.number, Bytes: t.sizeBytes, Level: -1})
	}
}

// logEvents passes on what the log tells.
func (db *DB) logEvents() *wal.Events {
	e := &wal.Events{
		Archived: func(s wal.ArchivedSegment, took time.Duration) {
			db.tellArchived(ArchiveInfo{Segment: s.Number, Name: s.Name, Bytes: s.SizeBytes, Duration: took})
		},
		ArchiveFailed: func(number uint64, err error, dropped bool) {
			db.tellArchived(ArchiveInfo{Segment: number, Err: err, IsDropped: dropped})
		},
		Poisoned: func(err error) {
			db.backgroundError("log", err)
			db.work.wake()
		},
	}
	if f := db.opts.Events.LogSync; f != nil {
		e.Synced = func(took time.Duration, bytes int64) { f(LogSyncInfo{Bytes: bytes, Duration: took}) }
	}
	return e
}

func (db *DB) tellArchived(info ArchiveInfo) {
	if info.Err == nil {
		db.opts.Logger.Debug("varve: archived", "segment", info.Segment, "file", info.Name, "bytes", info.Bytes, "took", info.Duration)
	} else {
		db.opts.Logger.Error("varve: archive", "segment", info.Segment, "dropped", info.IsDropped, "err", info.Err)
	}
	if f := db.opts.Events.ArchiveEnd; f != nil {
		f(info)
	}
}

// noteCorruption counts and reports an error on its way to a caller.
func (db *DB) noteCorruption(err error) error {
	if !errors.Is(err, ErrCorruption) {
		return err
	}
	db.counters.corruptions.Add(1)
	where := []any{}
	if damage := (*CorruptionError)(nil); errors.As(err, &damage) {
		where = append(where, slog.String("file", damage.File), slog.Int64("offset", damage.Offset))
	}
	db.opts.Logger.Error("varve: corruption", append(where, slog.Any("err", err))...)
	return err
}

// backgroundError reports an error that no caller sees.
func (db *DB) backgroundError(task string, err error) {
	e := &TaskError{Task: task, Err: db.noteCorruption(err)}
	db.opts.Logger.Error("varve: background error", "task", task, "err", e.Err)
	if f := db.opts.Events.BackgroundError; f != nil {
		f(e)
	}
}
