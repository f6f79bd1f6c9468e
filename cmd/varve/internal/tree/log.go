package tree

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/varvekv/varve/internal/filename"
	"github.com/varvekv/varve/internal/recordio"
	"github.com/varvekv/varve/vfs"
	"github.com/varvekv/varve/wal"
)

// Log is the log in front of the tables. What waits is what no table holds yet,
// as far as it was written: memtables hold it, in the process that has the
// database open.
type Log struct {
	Segments     int    `json:"segments"`
	FileBytes    int64  `json:"file_bytes"` // of segments, spare ones and room written ahead included
	WaitingUnits uint64 `json:"waiting_units"`
	WaitingOps   uint64 `json:"waiting_operations"`
	WaitingBytes int64  `json:"waiting_bytes"`
	LastSeq      uint64 `json:"last_seq"` // written; 0 = none seen
	Damage       string `json:"damage,omitempty"`
}

// ReadLog adds the log to the tree: sizes, and with waiting what waits, for which
// it reads all segments that are still needed.
func (t *Tree) ReadLog(d vfs.Dir, waiting bool) error {
	names, err := d.List()
	if err != nil {
		return fmt.Errorf("list %s: %w", t.Dir, err)
	}
	t.Log = Log{LastSeq: t.LastSeq}
	for _, name := range names {
		kind, number := filename.Parse(name)
		if kind != filename.Log {
			continue
		}
		err := t.readSegment(d, name, waiting && number >= t.state.LogFrom.Segment)
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // recycled meanwhile
			return err
		}
	}
	return nil
}

func (t *Tree) readSegment(d vfs.Dir, name string, waiting bool) (err error) {
	f, err := d.Open(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	size, err := f.Size()
	if err != nil {
		return err
	}
	t.Log.Segments++
	t.Log.FileBytes += size
	if !waiting {
		return nil
	}
	return wal.Inspect(f, wal.Inspection{
		Frame: func(x *wal.FrameInfo) error { t.Log.frame(x, &t.state.LastSeq); return nil },
		Finding: func(err error) error {
			if t.Log.Damage == "" {
				t.Log.Damage = err.Error()
			}
			return nil
		},
	})
}

func (l *Log) frame(x *wal.FrameInfo, inTables *uint64) {
	if x.Kind != recordio.KindOps || x.Count == 0 {
		return
	}
	last := x.Seq + uint64(x.Count) - 1
	l.LastSeq = max(l.LastSeq, last)
	if last <= *inTables {
		return
	}
	l.WaitingBytes += int64(recordio.HeaderBytes + x.Length)
	if x.Flags&recordio.FlagFirst != 0 {
		l.WaitingUnits++
		l.WaitingOps += last - max(x.Seq-1, *inTables)
	}
}
