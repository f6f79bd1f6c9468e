package dump

import (
	"github.com/varvekv/varve/cmd/varve/internal/console"
	"github.com/varvekv/varve/vfs"
	"github.com/varvekv/varve/wal"
)

// Log prints a segment of the log, or a compressed copy of one. next is the
// header of the segment behind it, where that is known.
func (p *Printer) Log(f vfs.File, next *wal.SegmentInfo) error {
	in := wal.Inspection{
		Packed:  func(x *wal.PackedInfo) error { return p.put(p.packed(x)) },
		Header:  func(x *wal.SegmentInfo) error { return p.put(p.segment(x)) },
		Frame:   func(x *wal.FrameInfo) error { return p.put(p.frame(x)) },
		End:     func(x *wal.EndInfo) error { return p.put(p.end(x)) },
		Finding: p.finding,
		Next:    next,
	}
	if p.Ops {
		in.Op = func(x *wal.OpInfo) error { return p.put(p.op(x)) }
	}
	return wal.Inspect(f, in)
}

type packed struct {
	what
	Offset      int64  `json:"offset"`
	StoredBytes int    `json:"stored_bytes"`
	RawOffset   int64  `json:"raw_offset"` // in the segment
	RawBytes    int    `json:"raw_bytes"`
	Codec       string `json:"codec"`
}

func (p *Printer) packed(x *wal.PackedInfo) thing {
	return &packed{p.what("packed"), x.Offset, x.StoredBytes, x.RawOffset, x.RawBytes, x.Codec.String()}
}

func (x *packed) text(p *Printer) {
	p.at(x.Offset, "packed  %d bytes as %d, %s: the segment from %#x on", x.RawBytes, x.StoredBytes, x.Codec, x.RawOffset)
}

type segment struct {
	what
	State        string   `json:"state"`
	IsCompressed bool     `json:"compressed,omitempty"`
	SizeBytes    int64    `json:"size_bytes"`
	Version      uint32   `json:"version"`
	Features     []uint64 `json:"features"` // incompatible, read-compatible, compatible
	Number       uint64   `json:"number"`
	Identity     string   `json:"identity"`
	Epoch        uint64   `json:"epoch"`
	First        wal.LSN  `json:"first_lsn"`
	FirstSeq     uint64   `json:"first_seq"`
	Start        wal.LSN  `json:"start_lsn"`
	Durable      wal.LSN  `json:"durable_lsn"`
	DurableSeq   uint64   `json:"durable_seq"`
	ManifestEdit uint64   `json:"manifest_edit"`
	Created      string   `json:"created,omitempty"`
	PrevNumber   uint64   `json:"prev_number"`
	PrevEnd      wal.LSN  `json:"prev_end_lsn"`
	PrevChain    string   `json:"prev_chain"`
	PrevEpoch    uint64   `json:"prev_epoch"`
}

func (p *Printer) segment(x *wal.SegmentInfo) thing {
	return &segment{
		p.what("segment"), x.State.String(), x.IsCompressed, x.SizeBytes, x.Version,
		[]uint64{x.Incompatible, x.ReadCompatible, x.Compatible},
		x.Number, id(x.Identity), x.Epoch, x.First, x.FirstSeq, x.Start, x.Durable, x.DurableSeq, x.ManifestEdit,
		when(x.Created), x.Prev.Number, x.Prev.End, id(x.Prev.Chain), x.Prev.Epoch,
	}
}

func (x *segment) text(p *Printer) {
	compressed := ""
	if x.IsCompressed {
		compressed = ", compressed"
	}
	if x.Version == 0 {
		p.title("%s, %s%s", x.State, console.Bytes(x.SizeBytes), compressed)
		return
	}
	p.title("%s %d of log %s, epoch %d, format %d, %s%s", x.State, x.Number, x.Identity, x.Epoch, x.Version, console.Bytes(x.SizeBytes), compressed)
	p.at(0, "header  first LSN %d, first sequence %d, created %s", x.First, x.FirstSeq, orUnknown(x.Created))
	p.under("needed from LSN %d; durable up to LSN %d, sequence %d, manifest edit %d", x.Start, x.Durable, x.DurableSeq, x.ManifestEdit)
	if x.PrevNumber == 0 {
		p.under("no segment before; features %s", features(x.Features[0], x.Features[1], x.Features[2]))
		return
	}
	p.under("segment %d before, epoch %d, accepted up to LSN %d, chain %s; features %s",
		x.PrevNumber, x.PrevEpoch, x.PrevEnd, x.PrevChain, features(x.Features[0], x.Features[1], x.Features[2]))
}

type end struct {
	what
	Offset  int64   `json:"offset"`
	LSN     wal.LSN `json:"lsn"`
	Sealed  bool    `json:"sealed"`
	Closed  bool    `json:"closed"`
	Reason  string  `json:"reason"`
	Frames  uint64  `json:"frames"`
	Units   uint64  `json:"units"`
	Ops     uint64  `json:"operations"`
	LastSeq uint64  `json:"last_seq"`
	Chain   string  `json:"chain"`
}

func (p *Printer) end(x *wal.EndInfo) thing {
	return &end{p.what("end"), x.Offset, x.LSN, x.IsSealed, x.IsClosed, x.Reason, x.Frames, x.Units, x.Ops, x.LastSeq, id(x.Chain)}
}

func (x *end) text(p *Printer) {
	p.at(x.Offset, "end     LSN %d: %s; %s, %s, %s, last sequence %d, chain %s", x.LSN, x.Reason,
		console.Plural(x.Frames, "frame", "frames"), console.Plural(x.Units, "unit", "units"),
		console.Plural(x.Ops, "operation", "operations"), x.LastSeq, x.Chain)
}
