package dump

import (
	"fmt"

	"github.com/varvekv/varve/cmd/varve/internal/console"
	"github.com/varvekv/varve/cmd/varve/internal/quote"
	"github.com/varvekv/varve/internal/ikey"
	"github.com/varvekv/varve/sstable"
)

type block struct {
	what
	place
	Number  int        `json:"block"`
	Codec   string     `json:"codec,omitempty"`
	Fence   *quote.Key `json:"fence,omitempty"`
	Problem string     `json:"problem,omitempty"` // what follows is not there
	Kind    uint8      `json:"kind,omitempty"`
	Flags   uint8      `json:"flags,omitempty"`
	Entries int        `json:"entries,omitempty"`
	Prefix  *quote.Key `json:"prefix,omitempty"`
	First   *version   `json:"first,omitempty"`
	Last    *version   `json:"last,omitempty"`
	Decoded []byte     `json:"decoded_base64,omitempty"`
	Stored  []byte     `json:"stored_base64,omitempty"` // with its trailer; of a damaged block
	x       *sstable.BlockInfo
}

// version is a versioned key.
type version struct {
	quote.Key
	Seq  uint64 `json:"seq"`
	Kind string `json:"kind"`
}

func versionOf(k ikey.Key) version {
	return version{quote.KeyOf(k.User), k.Trailer.Seq(), k.Trailer.Kind().String()}
}

func (p *Printer) block(x *sstable.BlockInfo) thing {
	b := &block{what: p.what("block"), place: place(x.Place), Number: x.Number, x: x}
	if x.Fence != nil {
		fence := quote.KeyOf(x.Fence)
		b.Fence = &fence
	}
	if len(x.StoredData) > 0 {
		b.Codec = x.Codec.String()
	}
	if x.Err != nil {
		b.Problem = reason(x.Err)
		if p.Hex {
			b.Stored = x.StoredData
		}
		return b
	}
	prefix, first, last := quote.KeyOf(x.Prefix), versionOf(x.First), versionOf(x.Last)
	b.Kind, b.Flags, b.Entries, b.Prefix, b.First, b.Last = x.Kind, x.Flags, x.Entries, &prefix, &first, &last
	if p.Hex {
		b.Decoded = x.DecodedData
	}
	return b
}

func (b *block) text(p *Printer) {
	x := b.x
	line := fmt.Sprintf("block %-5d %s, %d bytes as %d", x.Number, b.Codec, x.Place.Decoded, x.Place.Stored)
	if x.Err != nil {
		p.at(int64(x.Offset), "%s  %s", line, p.bad(b.Problem))
		if p.Hex {
			p.hexDump(x.StoredData)
		}
		return
	}
	p.at(int64(x.Offset), "%s, %s, kind %d, flags %#02x, fence %s", line, console.Plural(x.Entries, "entry", "entries"), x.Kind, x.Flags, key(x.Fence))
	p.under("%s to %s, shared prefix %s", versionText(x.First), versionText(x.Last), key(x.Prefix))
	if p.Hex {
		p.hexDump(x.DecodedData)
	}
}

func versionText(k ikey.Key) string { return fmt.Sprintf("%s#%d", key(k.User), k.Trailer.Seq()) }

type entry struct {
	what
	Block  int `json:"block"`
	Number int `json:"entry"`
	version
	Bytes int `json:"value_bytes"`
	quote.Value
	x *sstable.EntryInfo
}

func (p *Printer) entry(x *sstable.EntryInfo) thing {
	e := &entry{what: p.what("entry"), Block: x.Block, Number: x.Number, version: versionOf(x.Key), Bytes: len(x.Value), x: x}
	if p.Values && x.Key.Trailer.Kind() == ikey.KindPut {
		e.Value = quote.ValueOf(x.Value)
	}
	return e
}

func (e *entry) text(p *Printer) {
	if e.x.Key.Trailer.Kind() == ikey.KindDelete {
		p.under("%5d.%-5d  delete  %s", e.Block, e.Number, versionText(e.x.Key))
		return
	}
	p.under("%5d.%-5d  %-6s  %s = %s", e.Block, e.Number, e.Kind, versionText(e.x.Key), p.value(e.x.Value))
}
