package compaction

import (
	"time"

	"github.com/varvekv/varve/internal/ikey"
	"github.com/varvekv/varve/iterator"
	"github.com/varvekv/varve/manifest"
)

// Env is what work needs of the world outside.
type Env struct {
	// Open makes a cursor over an input, which Run closes. It is called from
	// several goroutines. Flush does not use it.
	Open func(*manifest.Slice) (iterator.Cursor, error)
	// Create begins a table. It is called from several goroutines.
	Create func(TableSpec) (Output, error)
	// SyncDir makes the directory entries of finished outputs durable. It is
	// called once, before the result is returned. Nil = nothing to do.
	SyncDir func() error
	// Yield is called every 100 to 200 µs of work, from the goroutines that do
	// it: the place to give way to readers. It tells how long the caller was away;
	// after a long time the next stretch of work is longer. Nil = never.
	Yield   func() (away time.Duration)
	Readers Readers
	// TableBytes is where outputs are split. 0 = Shape's default.
	TableBytes int64
	// Parallel is how many goroutines one compaction may use. 0 = 1.
	Parallel int
}

// TableSpec is what is known of a table before its first entry.
type TableSpec struct {
	Level            int   // where it will stand: a hint for compression
	TimeMin, TimeMax int64 // unix nanoseconds of the oldest and newest write; 0 = unknown
}

// Output is a table being written, by one goroutine at a time.
type Output interface {
	// Add appends a version. REQUIRES: it is after the last one in ikey order.
	Add(k ikey.Key, value []byte) error
	// EstimatedBytes is about how large the file would be by now.
	EstimatedBytes() int64
	// Finish completes and syncs the file, and describes it, all but Level, Run
	// and times. EntrySum is of what was written.
	Finish() (*manifest.Slice, error)
	// Abort removes the file, finished or not. Nothing of it is wanted.
	Abort() error
}

func (e *Env) tableBytes() int64 {
	if e.TableBytes > 0 {
		return e.TableBytes
	}
	return defaultTableBytes
}

// Result is work that was done and checked.
type Result struct {
	// Edit removes the inputs and adds the outputs. The caller completes it
	// (log position, last sequence) and applies it, or removes the outputs.
	Edit *manifest.Edit
	// What went through: entries read, written, dropped, and kept with their
	// sequence set to zero.
	In, Out, Dropped, Zeroed Sum
	ReadBytes, WrittenBytes  int64 // of files
}
