package dump

import (
	"fmt"
	"time"

	"github.com/varvekv/varve/cmd/varve/internal/console"
	"github.com/varvekv/varve/cmd/varve/internal/quote"
	"github.com/varvekv/varve/sstable"
	"github.com/varvekv/varve/vfs"
)

// Table prints a table file.
func (p *Printer) Table(f vfs.File) error {
	in := sstable.Inspection{
		Footer:     func(x *sstable.FooterInfo) error { return p.put(p.footer(x)) },
		Properties: func(at sstable.Place, x *sstable.Properties) error { return p.put(p.properties(at, x)) },
		Filter:     func(x *sstable.FilterInfo) error { return p.put(p.filter(x)) },
		Index:      func(x *sstable.IndexInfo) error { return p.put(p.index(x)) },
		Finding:    p.finding,
	}
	blocks := 0
	if p.Block >= 0 {
		in.Wants = func(n int) bool { return n == p.Block }
		in.Index = func(x *sstable.IndexInfo) error { blocks = x.Blocks; return p.put(p.index(x)) }
	}
	if p.Blocks || p.Entries || p.Hex || p.Block >= 0 {
		in.Block = func(x *sstable.BlockInfo) error { return p.put(p.block(x)) }
	}
	if p.Entries {
		in.Entry = func(x *sstable.EntryInfo) error { return p.put(p.entry(x)) }
	}
	if err := sstable.Inspect(f, in); err != nil {
		return err
	}
	if blocks > 0 && p.Block >= blocks {
		return &NoBlockError{p.Block, blocks}
	}
	return nil
}

// NoBlockError is a number of a block that the table does not have.
type NoBlockError struct{ Block, Blocks int }

func (e *NoBlockError) Error() string {
	return fmt.Sprintf("there is no block %d: the table has blocks 0 to %d", e.Block, e.Blocks-1)
}

type place struct {
	Offset  uint64 `json:"offset"`
	Stored  uint32 `json:"stored_bytes"`
	Decoded uint32 `json:"decoded_bytes"`
}

type footer struct {
	what
	Offset     int64    `json:"offset"`
	IsSound    bool     `json:"sound"`
	Version    uint32   `json:"version"`
	Identity   string   `json:"identity"`
	FileBytes  uint64   `json:"file_bytes"`
	DataEnd    uint64   `json:"data_end"`
	Features   []uint64 `json:"features"` // incompatible, read-compatible, compatible
	Filter     *place   `json:"filter,omitempty"`
	Index      place    `json:"index"`
	Properties place    `json:"properties"`
}

func (p *Printer) footer(x *sstable.FooterInfo) thing {
	f := &footer{
		what: p.what("footer"), Offset: x.Offset, IsSound: x.IsSound, Version: x.Version, Identity: id(x.Identity),
		FileBytes: x.FileBytes, DataEnd: x.DataEnd, Features: []uint64{x.Incompatible, x.ReadCompatible, x.Compatible},
		Index: place(x.Index), Properties: place(x.Properties),
	}
	if x.Filter != (sstable.Place{}) {
		filter := place(x.Filter)
		f.Filter = &filter
	}
	return f
}

func (x *footer) text(p *Printer) {
	if !x.IsSound {
		p.title("a damaged footer, format %d, table %s", x.Version, x.Identity)
	} else {
		p.title("table %s, format %d, %s", x.Identity, x.Version, console.Bytes(int64(x.FileBytes)))
	}
	p.at(x.Offset, "footer      %d bytes in all, data up to %#x, features %s", x.FileBytes, x.DataEnd, features(x.Features[0], x.Features[1], x.Features[2]))
}

type properties struct {
	what
	place
	Identity    string    `json:"identity"`
	Entries     uint64    `json:"entries"`
	Tombstones  uint64    `json:"tombstones"`
	UserKeys    uint64    `json:"user_keys"`
	KeyBytes    uint64    `json:"key_bytes"`
	ValueBytes  uint64    `json:"value_bytes"`
	SeqMin      uint64    `json:"seq_min"`
	SeqMax      uint64    `json:"seq_max"`
	TimeMin     string    `json:"time_min,omitempty"`
	TimeMax     string    `json:"time_max,omitempty"`
	EntrySum    string    `json:"entry_sum"`
	Lower       quote.Key `json:"lower"`
	Upper       quote.Key `json:"upper"`
	DataBlocks  uint64    `json:"data_blocks"`
	DataBytes   uint64    `json:"data_bytes"`
	RawBytes    uint64    `json:"raw_bytes"`
	FilterBytes uint64    `json:"filter_bytes"`
	IndexBytes  uint64    `json:"index_bytes"`
	Compression string    `json:"compression"`
	BloomBits   int       `json:"bloom_bits"`

	lower, upper []byte
}

func (p *Printer) properties(at sstable.Place, x *sstable.Properties) thing {
	return &properties{
		what: p.what("properties"), place: place(at), Identity: id(x.Identity),
		Entries: x.Entries, Tombstones: x.Tombstones, UserKeys: x.UserKeys, KeyBytes: x.KeyBytes, ValueBytes: x.ValueBytes,
		SeqMin: x.SeqMin, SeqMax: x.SeqMax, TimeMin: when(time.Unix(0, x.TimeMin)), TimeMax: when(time.Unix(0, x.TimeMax)),
		EntrySum: id(x.EntrySum), Lower: quote.KeyOf(x.Lower), Upper: quote.KeyOf(x.Upper),
		DataBlocks: x.DataBlocks, DataBytes: x.DataBytes, RawBytes: x.RawBytes, FilterBytes: x.FilterBytes, IndexBytes: x.IndexBytes,
		Compression: x.Compression.String(), BloomBits: x.BloomBits, lower: x.Lower, upper: x.Upper,
	}
}

func (x *properties) text(p *Printer) {
	p.at(int64(x.Offset), "properties  %s (%s) of %s", console.Plural(x.Entries, "entry", "entries"),
		console.Plural(x.Tombstones, "tombstone", "tombstones"), console.Plural(x.UserKeys, "user key", "user keys"))
	if x.Entries > 0 {
		p.under("keys %s to %s, %s; values %s", key(x.lower), key(x.upper), console.Bytes(int64(x.KeyBytes)), console.Bytes(int64(x.ValueBytes)))
	}
	p.under("sequences %d to %d; written %s to %s; entry sum %s", x.SeqMin, x.SeqMax, orUnknown(x.TimeMin), orUnknown(x.TimeMax), x.EntrySum)
	p.under("%s, %d bytes stored, %d decoded; codec asked for %s, filter %d bits per key",
		console.Plural(x.DataBlocks, "data block", "data blocks"), x.DataBytes, x.RawBytes, x.Compression, x.BloomBits)
}

type filter struct {
	what
	place
	Kind   uint8  `json:"kind"`
	Probes int    `json:"probes"`
	Lines  uint64 `json:"lines"`
	Bits   uint64 `json:"bits"`
	Keys   uint64 `json:"keys"`
}

func (p *Printer) filter(x *sstable.FilterInfo) thing {
	return &filter{p.what("filter"), place(x.Place), x.Kind, x.Probes, x.Lines, 512 * x.Lines, x.Keys}
}

func (x *filter) text(p *Printer) {
	perKey := 0.0
	if x.Keys > 0 {
		perKey = float64(x.Bits) / float64(x.Keys)
	}
	p.at(int64(x.Offset), "filter      kind %d, %d bytes: %s of 512 bits, %d probes, %s, %.1f bits per key",
		x.Kind, x.Stored, console.Plural(x.Lines, "line", "lines"), x.Probes, console.Plural(x.Keys, "key", "keys"), perKey)
}

type index struct {
	what
	place
	IsSound     bool `json:"sound"`
	Blocks      int  `json:"blocks"`
	PrefixBytes int  `json:"prefix_bytes"`
	FenceBytes  int  `json:"fence_bytes"`
}

func (p *Printer) index(x *sstable.IndexInfo) thing {
	return &index{p.what("index"), place(x.Place), x.IsSound, x.Blocks, x.PrefixBytes, x.FenceBytes}
}

func (x *index) text(p *Printer) {
	damaged := ""
	if !x.IsSound {
		damaged = "  " + p.bad("damaged: a hint at best")
	}
	p.at(int64(x.Offset), "index       %d bytes: %s, fences %d bytes behind a prefix of %d%s",
		x.Stored, console.Plural(x.Blocks, "block", "blocks"), x.FenceBytes, x.PrefixBytes, damaged)
}
