package live

import (
	"time"

	"github.com/varvekv/varve"
	"github.com/varvekv/varve/cmd/varve/internal/tree"
)

// Tick is one look at a database, and what changed since the look before. In JSON
// it is one object; rates are missing in the first one, and in the first one after
// a process was started anew.
type Tick struct {
	Time    string  `json:"time"` // RFC 3339
	Source  string  `json:"source"`
	Seconds float64 `json:"seconds,omitempty"` // since the tick before

	Process *varve.Metrics `json:"process,omitempty"`
	Rates   *Rates         `json:"rates,omitempty"` // of a process
	Dir     *tree.Tree     `json:"directory,omitempty"`
	Changes *Changes       `json:"changes,omitempty"` // of a directory
}

// Rates are per second, shares from 0 to 1 of what happened since the tick before.
type Rates struct {
	Operations float64 `json:"operations"`
	UserBytes  float64 `json:"user_bytes"`

	Gets          float64 `json:"gets"`
	GetHitShare   float64 `json:"get_hit_share"`
	Seeks         float64 `json:"seeks"`
	Moves         float64 `json:"moves"`
	CacheHitShare float64 `json:"cache_hit_share"`
	BlockReads    float64 `json:"block_reads"`
	BlockBytes    float64 `json:"block_bytes"`
	FilterSaves   float64 `json:"filter_saves"` // blocks that filters saved

	LogBytes     float64 `json:"log_bytes"`
	LogWrites    float64 `json:"log_writes"`
	Syncs        float64 `json:"syncs"`
	SyncSeconds  float64 `json:"sync_seconds"` // of one sync, on average
	GroupCommits float64 `json:"group_commits"`

	Flushes         float64   `json:"flushes"`
	FlushedBytes    float64   `json:"flushed_bytes"`
	Compactions     float64   `json:"compactions"`
	CompactedIn     float64   `json:"compacted_in_bytes"`
	CompactedOut    float64   `json:"compacted_out_bytes"`
	WriteAmplified  float64   `json:"write_amplification"` // of this span; 0 where nothing was written
	Stalls          float64   `json:"stalls"`
	Paced           float64   `json:"paced"`
	StalledWriters  float64   `json:"stalled_writers"` // held back at a time, on average
	LevelWriteBytes []float64 `json:"level_write_bytes"`
}

// Changes is what happened to a directory, per second where it is a rate.
type Changes struct {
	Edits      float64 `json:"edits"`
	Sequences  float64 `json:"sequences"` // operations that came into tables
	TableBytes int64   `json:"table_bytes"`
	LogBytes   int64   `json:"log_bytes"`
}

// NewTick is s, beside the sample before it; nil is none.
func NewTick(source string, s Sample, before *Sample) *Tick {
	t := &Tick{Time: s.At.UTC().Format(time.RFC3339Nano), Source: source, Process: s.Process, Dir: s.Dir}
	if before == nil {
		return t
	}
	seconds := s.At.Sub(before.At).Seconds()
	if seconds <= 0 {
		return t
	}
	switch {
	case s.Process != nil && before.Process != nil && !startedAnew(before.Process, s.Process):
		t.Rates = rates(before.Process, s.Process, seconds)
	case s.Dir != nil && before.Dir != nil:
		t.Changes = changes(before.Dir, s.Dir, seconds)
	default:
		return t
	}
	t.Seconds = seconds
	return t
}

// startedAnew reports whether counts fell, which they never do while a database
// is open.
func startedAnew(a, b *varve.Metrics) bool {
	return b.Operations < a.Operations || b.Reads.Gets < a.Reads.Gets || b.Flushes < a.Flushes || b.Log.Writes < a.Log.Writes
}

func rates(a, b *varve.Metrics, seconds float64) *Rates {
	per := func(before, now uint64) float64 { return grown(before, now) / seconds }
	r := &Rates{
		Operations: per(a.Operations, b.Operations), UserBytes: per(a.UserBytes, b.UserBytes),
		Gets: per(a.Reads.Gets, b.Reads.Gets), GetHitShare: share(a.Reads.Hits, b.Reads.Hits, a.Reads.Misses, b.Reads.Misses),
		Seeks: per(a.Reads.Seeks, b.Reads.Seeks), Moves: per(a.Reads.Moves, b.Reads.Moves),
		CacheHitShare: share(a.Reads.BlockHits, b.Reads.BlockHits, a.Reads.BlockMisses, b.Reads.BlockMisses),
		BlockReads:    per(a.Reads.BlockMisses, b.Reads.BlockMisses), BlockBytes: per(a.Reads.ReadBytes, b.Reads.ReadBytes),
		FilterSaves: per(a.Reads.FilterNegatives, b.Reads.FilterNegatives),
		LogBytes:    per(a.Log.WrittenBytes, b.Log.WrittenBytes), LogWrites: per(a.Log.Writes, b.Log.Writes),
		Syncs: per(a.Log.Syncs, b.Log.Syncs), GroupCommits: per(a.Log.GroupCommits, b.Log.GroupCommits),
		Flushes: per(a.Flushes, b.Flushes), FlushedBytes: per(a.FlushedBytes, b.FlushedBytes),
		Compactions: per(a.Compactions, b.Compactions), CompactedIn: per(a.CompactedIn, b.CompactedIn), CompactedOut: per(a.CompactedOut, b.CompactedOut),
		Stalls: per(a.Stalls, b.Stalls), Paced: per(a.Paced, b.Paced),
		StalledWriters: (b.StallTime - a.StallTime).Seconds() / seconds,
	}
	if n := grown(a.Log.Syncs, b.Log.Syncs); n > 0 {
		r.SyncSeconds = (b.Log.SyncTime - a.Log.SyncTime).Seconds() / n
	}
	if r.UserBytes > 0 {
		r.WriteAmplified = (r.LogBytes + r.FlushedBytes + r.CompactedOut) / r.UserBytes
	}
	for i := range b.Levels {
		r.LevelWriteBytes = append(r.LevelWriteBytes, per(a.Levels[i].BytesWritten, b.Levels[i].BytesWritten))
	}
	return r
}

func grown(before, now uint64) float64 {
	if now < before {
		return 0
	}
	return float64(now - before)
}

// share is how much of hits and misses since before were hits.
func share(hitsBefore, hits, missesBefore, misses uint64) float64 {
	h, m := grown(hitsBefore, hits), grown(missesBefore, misses)
	if h+m == 0 {
		return 0
	}
	return h / (h + m)
}

func changes(a, b *tree.Tree, seconds float64) *Changes {
	return &Changes{
		Edits: grown(a.Edit, b.Edit) / seconds, Sequences: grown(a.LastSeq, b.LastSeq) / seconds,
		TableBytes: b.Bytes - a.Bytes, LogBytes: b.Log.FileBytes - a.Log.FileBytes,
	}
}
