package dump

import (
	"fmt"
	"strings"

	"github.com/varvekv/varve/cmd/varve/internal/console"
	"github.com/varvekv/varve/cmd/varve/internal/quote"
	"github.com/varvekv/varve/internal/recordio"
	"github.com/varvekv/varve/wal"
)

type frame struct {
	what
	Offset     int64    `json:"offset"`
	LSN        wal.LSN  `json:"lsn"`
	Kind       string   `json:"kind"`
	Flags      []string `json:"flags"`
	Seq        uint64   `json:"seq"`
	Count      uint32   `json:"count"`
	Bytes      int      `json:"bytes"`
	HeaderCRC  string   `json:"header_crc"`
	PayloadCRC string   `json:"payload_crc"`
	Problem    string   `json:"problem,omitempty"` // the payload is not there
	IsBehind   bool     `json:"behind_damage,omitempty"`
	IsBroken   bool     `json:"unit_broken,omitempty"`
	Mark       *mark    `json:"mark,omitempty"`
	Seal       *seal    `json:"seal,omitempty"`
	Payload    []byte   `json:"payload_base64,omitempty"`
}

type mark struct {
	Durable      wal.LSN `json:"durable_lsn"`
	DurableSeq   uint64  `json:"durable_seq"`
	Start        wal.LSN `json:"start_lsn"`
	Time         string  `json:"time,omitempty"`
	Epoch        uint64  `json:"epoch"`
	ManifestEdit uint64  `json:"manifest_edit"`
}

type seal struct {
	Units uint64 `json:"units"`
	Chain string `json:"chain"`
	Why   string `json:"why"`
}

func (p *Printer) frame(x *wal.FrameInfo) thing {
	f := &frame{
		what: p.what("frame"), Offset: x.Offset, LSN: x.LSN, Kind: kindName(x.Kind), Flags: flagNames(x.Flags),
		Seq: x.Seq, Count: x.Count, Bytes: x.Length, HeaderCRC: sum(x.HeaderCRC), PayloadCRC: sum(x.PayloadCRC),
		IsBehind: x.IsBehind, IsBroken: x.IsUnitBroken,
	}
	if x.Err != nil {
		f.Problem = reason(x.Err)
	}
	if m := x.Mark; m != nil {
		f.Mark = &mark{m.Durable, m.DurableSeq, m.Start, when(m.Time), m.Epoch, m.ManifestEdit}
	}
	if s := x.Seal; s != nil {
		f.Seal = &seal{s.Units, id(s.Chain), sealReason(s.Why)}
	}
	if p.Hex {
		f.Payload = x.Payload
	}
	return f
}

func sealReason(why uint64) string {
	switch why {
	case 1:
		return "rotated"
	case 2:
		return "closed"
	}
	return fmt.Sprintf("unknown (%d)", why)
}

func (x *frame) text(p *Printer) {
	line := fmt.Sprintf("%-6s  LSN %d, %d bytes%s%s", x.Kind, x.LSN, x.Bytes, x.holds(), x.part())
	if x.Problem != "" {
		line += "  " + p.bad(x.Problem)
	}
	if x.IsBroken {
		line += "  " + p.bad("its unit is not whole")
	}
	if x.IsBehind {
		line += "  " + p.dim("(behind damage)")
	}
	p.at(x.Offset, "%s", line)
	if p.Hex && len(x.Payload) > 0 {
		p.hexDump(x.Payload)
	}
}

// holds is what the frame carries, by its kind.
func (x *frame) holds() string {
	switch {
	case x.Seal != nil:
		return fmt.Sprintf(", %s, %s, chain %s; durable up to LSN %d, sequence %d, manifest edit %d; %s",
			x.Seal.Why, console.Plural(x.Seal.Units, "unit", "units"), x.Seal.Chain,
			x.Mark.Durable, x.Mark.DurableSeq, x.Mark.ManifestEdit, orUnknown(x.Mark.Time))
	case x.Mark != nil:
		return fmt.Sprintf(", last sequence %d; durable up to LSN %d, sequence %d, manifest edit %d; needed from LSN %d; %s",
			x.Seq, x.Mark.Durable, x.Mark.DurableSeq, x.Mark.ManifestEdit, x.Mark.Start, orUnknown(x.Mark.Time))
	case x.Kind == "ops":
		return fmt.Sprintf(", %s from sequence %d on", console.Plural(uint64(x.Count), "operation", "operations"), x.Seq)
	case x.Kind == "record":
		return ", " + console.Plural(uint64(x.Count), "record", "records")
	}
	return ""
}

// part is the place in its chain of a frame that is not alone.
func (x *frame) part() string {
	switch at := strings.Join(x.Flags, ", "); {
	case at == "first, last":
		return ""
	case strings.HasPrefix(at, "first"), strings.HasPrefix(at, "last"):
		return ", " + at
	case at == "":
		return ", middle"
	default:
		return ", middle, " + at
	}
}

func kindName(k recordio.Kind) string {
	switch k {
	case recordio.KindOps:
		return "ops"
	case recordio.KindRecord:
		return "record"
	case recordio.KindMark:
		return "mark"
	case recordio.KindSeal:
		return "seal"
	case recordio.KindEdit:
		return "edit"
	}
	return fmt.Sprintf("kind %d", k)
}

func flagNames(flags recordio.Flags) []string {
	names := []string{}
	for _, f := range []struct {
		flag recordio.Flags
		name string
	}{{recordio.FlagFirst, "first"}, {recordio.FlagLast, "last"}, {recordio.FlagContinues, "continues"}} {
		if flags&f.flag != 0 {
			names = append(names, f.name)
		}
		flags &^= f.flag
	}
	if flags != 0 {
		names = append(names, fmt.Sprintf("%#x", uint8(flags)))
	}
	return names
}

type op struct {
	what
	Offset int64  `json:"offset"` // of its unit
	Seq    uint64 `json:"seq"`
	Kind   string `json:"kind"`
	quote.Key
	Bytes int `json:"value_bytes"`
	quote.Value
	raw wal.Op
}

func (p *Printer) op(x *wal.OpInfo) thing {
	o := &op{what: p.what("op"), Offset: x.Offset, Seq: x.Seq, Kind: opName(x), Key: quote.KeyOf(x.Key), Bytes: len(x.Value), raw: x.Op}
	if p.Values && x.Op.Kind != wal.OpDelete {
		o.Value = quote.ValueOf(x.Op.Value)
	}
	return o
}

func opName(x *wal.OpInfo) string {
	switch x.Op.Kind {
	case wal.OpPut:
		return "put"
	case wal.OpDelete:
		return "delete"
	}
	return fmt.Sprintf("kind %d", x.Op.Kind)
}

func (x *op) text(p *Printer) {
	if x.raw.Kind == wal.OpDelete {
		p.under("%10d  delete  %s", x.Seq, key(x.raw.Key))
		return
	}
	p.under("%10d  %-6s  %s = %s", x.Seq, x.Kind, key(x.raw.Key), p.value(x.raw.Value))
}
