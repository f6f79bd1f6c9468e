package varve

// What Metrics tells. Sizes are in bytes and durations in nanoseconds, in JSON
// too, where their names say so. How it is taken is in counters.go.

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/varvekv/varve/internal/cache"
	"github.com/varvekv/varve/manifest"
	"github.com/varvekv/varve/wal"
)

// Metrics is what the engine counted since Open, and what it holds now. Counts
// never fall while the database is open. Its JSON has stable names in snake
// case, errors as text, and can be read back; docs/observability.md lists them.
type Metrics struct {
	Levels   [manifest.LevelCount]LevelMetrics `json:"levels"`
	Memory   MemoryMetrics                     `json:"memory"`
	Cache    cache.Metrics                     `json:"cache"` // memory and evictions; hits and misses are in Reads
	Reads    ReadMetrics                       `json:"reads"`
	Log      wal.Metrics                       `json:"log"`
	Recovery RecoveryReport                    `json:"recovery"`

	Operations uint64 `json:"operations"` // committed Puts and Deletes
	UserBytes  uint64 `json:"user_bytes"` // keys and values, as encoded for the log
	LastSeq    uint64 `json:"last_seq"`   // newest readable operation
	DurableSeq uint64 `json:"durable_seq"`
	Rotations  uint64 `json:"rotations"` // memtables that became immutable

	Flushes      uint64        `json:"flushes"`
	FlushFails   uint64        `json:"flush_fails"`   // each is tried again
	FlushedBytes uint64        `json:"flushed_bytes"` // of tables written by flushes
	FlushTime    time.Duration `json:"flush_time_ns"` // of all flushes
	FlushMax     time.Duration `json:"flush_max_ns"`  // of the longest
	FlushQueue   int           `json:"flush_queue"`   // memtables that wait for their flush, or are in it

	Compactions        uint64        `json:"compactions"`
	CompactionFails    uint64        `json:"compaction_fails"`
	CompactedIn        uint64        `json:"compacted_in_bytes"`  // of tables read by compactions
	CompactedOut       uint64        `json:"compacted_out_bytes"` // of tables written by compactions
	CompactionTime     time.Duration `json:"compaction_time_ns"`  // of all compactions; parallel ones add up
	CompactionMax      time.Duration `json:"compaction_max_ns"`
	RunningCompactions int           `json:"running_compactions"` // now, those that back off after a failure included
	Quarantined        int           `json:"quarantined"`         // plans that damaged tables keep from being carried out until the next Open
	Moves              uint64        `json:"moves"`               // tables that changed level without being rewritten

	Stalls      uint64        `json:"stalls"`        // writers that waited for a full pipeline
	Paced       uint64        `json:"paced"`         // writers that were held back before that
	StallTime   time.Duration `json:"stall_time_ns"` // of both, of all writers
	StallReason StallReason   `json:"stall_reason"`  // in force now
	StallsBy    StallReasons  `json:"stalls_by"`     // the three figures above by reason

	Snapshots       int    `json:"snapshots"`
	OldestSnapshot  uint64 `json:"oldest_snapshot"` // sequence; 0 without snapshots
	OpenIterators   int    `json:"open_iterators"`
	OpenTables      int    `json:"open_tables"`
	ObsoleteTables  int    `json:"obsolete_tables"` // files that wait for iterators, or for their removal
	ObsoleteBytes   int64  `json:"obsolete_bytes"`
	Corruptions     uint64 `json:"corruptions"` // reads that found damage
	BackgroundError error  `json:"-"`           // of the last flush or compaction; nil once one succeeded. background_error in JSON
	Poisoned        error  `json:"-"`           // why every write fails; nil otherwise. poisoned in JSON
}

// LevelMetrics describes one level: what is in it, and what passed through.
type LevelMetrics struct {
	Runs       int    `json:"runs"`
	Tables     int    `json:"tables"`
	Bytes      int64  `json:"bytes"`
	Entries    uint64 `json:"entries"`
	Tombstones uint64 `json:"tombstones"`

	Reads        uint64 `json:"reads"`         // Gets that a version in the level decided, a deletion too
	Compactions  uint64 `json:"compactions"`   // that wrote into the level
	BytesIn      uint64 `json:"bytes_in"`      // that came from above, flushed or rewritten; into level 0, flushed
	BytesRead    uint64 `json:"bytes_read"`    // by compactions that wrote into the level, from all levels
	BytesWritten uint64 `json:"bytes_written"` // into the level, by flushes and compactions
	BytesMoved   uint64 `json:"bytes_moved"`   // that came from above without being rewritten
}

// WriteAmplification is the bytes written into the level per byte that came from
// above; 0 before the first.
func (l LevelMetrics) WriteAmplification() float64 { return ratio(l.BytesWritten, l.BytesIn) }

// MemoryMetrics says where the engine's memory is, in bytes.
type MemoryMetrics struct {
	Memtable   int64 `json:"memtable"`   // in use by the active one, its tree on Go's heap included
	Immutables int64 `json:"immutables"` // by those that wait for their flush
	Memtables  int64 `json:"memtables"`  // mapped for all of them, touched or not
	Cache      int64 `json:"cache"`      // mapped for blocks
	Tables     int64 `json:"tables"`     // mapped for indexes and filters of open tables; counted in CacheBytes
	Idle       int64 `json:"idle"`       // mapped: arenas kept for the next memtable
	OffHeap    int64 `json:"off_heap"`   // everything mapped outside Go's heap by varve in this process

	LogBuffers int64 `json:"log_buffers"` // on Go's heap
	GoHeap     int64 `json:"go_heap"`     // objects on Go's heap, of the whole process
	GoTotal    int64 `json:"go_total"`    // what Go's runtime holds of the system, of the whole process
}

// Mapped is what this database has mapped outside Go's heap. OffHeap is that of
// all databases in the process, in whole pages, and what retired tables and
// memtables hold until the last reader has left.
func (m MemoryMetrics) Mapped() int64 { return m.Memtables + m.Cache + m.Tables + m.Idle }

// ReadMetrics counts reads. Those that run right now may be missing, and what an
// iterator did is added when it is closed.
type ReadMetrics struct {
	Gets     uint64 `json:"gets"`     // Get, GetTo and Has
	Hits     uint64 `json:"hits"`     // that found the key
	Misses   uint64 `json:"misses"`   // that did not
	Failures uint64 `json:"failures"` // that could not tell

	FromMemtable   uint64 `json:"from_memtable"`   // Gets that a version there decided; LevelMetrics.Reads has the levels
	FromImmutables uint64 `json:"from_immutables"` // likewise

	Iterators uint64 `json:"iterators"` // opened, by scans too
	Seeks     uint64 `json:"seeks"`     // First, Last, SeekGE and SeekLT
	Moves     uint64 `json:"moves"`     // Next and Prev

	BlockHits   uint64 `json:"block_hits"`   // data blocks found in the cache
	BlockMisses uint64 `json:"block_misses"` // data blocks read from disk
	ReadBytes   uint64 `json:"read_bytes"`   // of those, as stored; compactions are not in it

	FilterProbes         uint64 `json:"filter_probes"`          // filters that were asked
	FilterNegatives      uint64 `json:"filter_negatives"`       // that saved a block
	FilterFalsePositives uint64 `json:"filter_false_positives"` // that let a Get pass to no version that it may see
}

// CacheHitRate is the share of data blocks found in the cache, 0 to 1.
func (m ReadMetrics) CacheHitRate() float64 { return ratio(m.BlockHits, m.BlockHits+m.BlockMisses) }

// FalsePositiveRate is the share of absent keys that filters let pass, 0 to 1.
func (m ReadMetrics) FalsePositiveRate() float64 {
	return ratio(m.FilterFalsePositives, m.FilterFalsePositives+m.FilterNegatives)
}

// StallReasons is what held writers back, by reason.
type StallReasons struct {
	Memtables StallMetrics `json:"memtables"`
	Level0    StallMetrics `json:"level0"`
	Log       StallMetrics `json:"log"`
}

// StallMetrics counts writers that were held back for one reason.
type StallMetrics struct {
	Waits uint64        `json:"waits"`   // that waited for room
	Paced uint64        `json:"paced"`   // that were slowed down
	Time  time.Duration `json:"time_ns"` // of both, of all writers
}

// WriteAmplification is the bytes that went to tables and log, per byte of the
// user's; 0 before the first write.
func (m Metrics) WriteAmplification() float64 {
	return ratio(m.Log.WrittenBytes+m.FlushedBytes+m.CompactedOut, m.UserBytes)
}

func ratio(n, of uint64) float64 {
	if of == 0 {
		return 0
	}
	return float64(n) / float64(of)
}

// metricsFields is Metrics without its methods.
type metricsFields Metrics

// metricsJSON is the form of Metrics in JSON: errors are text.
type metricsJSON struct {
	metricsFields
	BackgroundError string `json:"background_error"` // empty: none
	Poisoned        string `json:"poisoned"`
}

// MarshalJSON makes Metrics fit for expvar and for logs.
func (m Metrics) MarshalJSON() ([]byte, error) {
	return json.Marshal(metricsJSON{metricsFields(m), errorText(m.BackgroundError), errorText(m.Poisoned)})
}

// UnmarshalJSON reads what MarshalJSON wrote; of errors only the text is left.
func (m *Metrics) UnmarshalJSON(data []byte) error {
	var j metricsJSON
	if err := json.Unmarshal(data, &j); err != nil {
		return err
	}
	*m = Metrics(j.metricsFields)
	m.BackgroundError, m.Poisoned = textError(j.BackgroundError), textError(j.Poisoned)
	return nil
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func textError(text string) error {
	if text == "" {
		return nil
	}
	return errors.New(text)
}
