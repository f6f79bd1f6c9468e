package dump

import (
	"fmt"
	"time"

	"github.com/varvekv/varve/cmd/varve/internal/console"
	"github.com/varvekv/varve/cmd/varve/internal/quote"
	"github.com/varvekv/varve/internal/filename"
	"github.com/varvekv/varve/manifest"
)

type edit struct {
	what
	Offset      int64        `json:"offset"`
	Number      uint64       `json:"edit"`
	Bytes       int64        `json:"bytes"`
	Frames      int          `json:"frames"`
	IsSnapshot  bool         `json:"snapshot,omitempty"`
	IsBehind    bool         `json:"behind_damage,omitempty"`
	SyncedBytes int64        `json:"synced_bytes,omitempty"`
	NextFile    uint64       `json:"next_file,omitempty"`
	LastSeq     uint64       `json:"last_seq,omitempty"`
	LogFrom     *logFrom     `json:"log_from,omitempty"`
	LogAccepted *logAccepted `json:"log_accepted,omitempty"`
	DurableLSN  uint64       `json:"durable_lsn,omitempty"`
	Removed     []uint64     `json:"removed,omitempty"`
	Added       []slice      `json:"added,omitempty"`
	x           *manifest.EditInfo
}

type logFrom struct {
	Segment uint64 `json:"segment"`
	LSN     uint64 `json:"lsn"`
}

type logAccepted struct {
	Identity string `json:"identity"`
	Epoch    uint64 `json:"epoch"`
	Segment  uint64 `json:"segment"`
	End      uint64 `json:"end_lsn"`
	Chain    string `json:"chain"`
}

func acceptedOf(a *manifest.LogAccepted) *logAccepted {
	return &logAccepted{id(a.Identity), a.Epoch, a.Segment, a.End, id(a.Chain)}
}

func (p *Printer) edit(x *manifest.EditInfo) thing {
	e := &edit{
		what: p.what("edit"), Offset: x.Offset, Number: x.Number, Bytes: x.Bytes, Frames: x.Frames,
		IsSnapshot: x.IsSnapshot, IsBehind: x.IsBehind, SyncedBytes: x.SyncedBytes, NextFile: x.NextFile,
		LastSeq: x.LastSeq, DurableLSN: x.DurableLSN, Removed: x.Removed, Added: slicesOf(x.Added), x: x,
	}
	if x.LogFrom != nil {
		e.LogFrom = &logFrom{x.LogFrom.Segment, x.LogFrom.LSN}
	}
	if x.LogAccepted != nil {
		e.LogAccepted = acceptedOf(x.LogAccepted)
	}
	return e
}

func (e *edit) text(p *Printer) {
	line := fmt.Sprintf("edit %-6d  %d bytes", e.Number, e.Bytes)
	if e.Frames > 1 {
		line += fmt.Sprintf(" in %d frames", e.Frames)
	}
	if e.IsSnapshot {
		line += ", the whole state"
	} else if e.x.Empty() {
		line += ", a mark"
	}
	if e.SyncedBytes != 0 {
		line += fmt.Sprintf(", %d bytes were synced", e.SyncedBytes)
	}
	if e.IsBehind {
		line += "  " + p.dim("(behind damage: not added up)")
	}
	p.at(e.Offset, "%s", line)
	e.counters(p)
	for _, removed := range e.Removed {
		p.under("%s  slice %d", p.bad("-"), removed)
	}
	for _, s := range e.x.Added {
		p.under("%s  L%d run %d  %s", p.Console.Paint(console.Green, "+"), s.Level, s.Run, sliceText(s))
	}
}

func (e *edit) counters(p *Printer) {
	if e.LastSeq != 0 {
		p.under("tables hold sequences up to %d", e.LastSeq)
	}
	if e.NextFile != 0 {
		p.under("file numbers below %d are handed out", e.NextFile)
	}
	if e.LogFrom != nil {
		p.under("log needed from segment %d, LSN %d", e.LogFrom.Segment, e.LogFrom.LSN)
	}
	if a := e.LogAccepted; a != nil {
		p.under("log %s accepted: epoch %d, segment %d, up to LSN %d, chain %s", a.Identity, a.Epoch, a.Segment, a.End, a.Chain)
	}
	if e.DurableLSN != 0 {
		p.under("log durable up to LSN %d", e.DurableLSN)
	}
}

// slice is a live piece of a table.
type slice struct {
	ID         uint64    `json:"id"`
	File       string    `json:"table"`
	Identity   string    `json:"identity"`
	Level      int       `json:"level"`
	Run        uint64    `json:"run"`
	FileBytes  int64     `json:"file_bytes"`
	Lower      quote.Key `json:"lower"`
	Upper      quote.Key `json:"upper"`
	SeqMin     uint64    `json:"seq_min"`
	SeqMax     uint64    `json:"seq_max"`
	TimeMin    string    `json:"time_min,omitempty"`
	TimeMax    string    `json:"time_max,omitempty"`
	Entries    uint64    `json:"entries"`
	Tombstones uint64    `json:"tombstones"`
	UserKeys   uint64    `json:"user_keys"`
	KeyBytes   uint64    `json:"key_bytes"`
	ValueBytes uint64    `json:"value_bytes"`
	EntrySum   string    `json:"entry_sum"`
}

func slicesOf(all []*manifest.Slice) (out []slice) {
	for _, s := range all {
		out = append(out, slice{
			s.ID, filename.Make(filename.Table, s.File), id(s.Identity), s.Level, s.Run, s.FileBytes,
			quote.KeyOf(s.Lower), quote.KeyOf(s.Upper), s.SeqMin, s.SeqMax,
			when(time.Unix(0, s.TimeMin)), when(time.Unix(0, s.TimeMax)),
			s.Entries, s.Tombstones, s.UserKeys, s.KeyBytes, s.ValueBytes, id(s.EntrySum),
		})
	}
	return out
}

func sliceText(s *manifest.Slice) string {
	return fmt.Sprintf("slice %d in %s, %s, %s to %s, sequences %d to %d, %s (%s)",
		s.ID, filename.Make(filename.Table, s.File), console.Bytes(s.FileBytes), key(s.Lower), key(s.Upper), s.SeqMin, s.SeqMax,
		console.Plural(s.Entries, "entry", "entries"), console.Plural(s.Tombstones, "tombstone", "tombstones"))
}
