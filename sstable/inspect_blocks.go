package sstable

// Inspection of the data blocks and of their entries.

import (
	"context"
	"encoding/binary"
	"errors"

	"github.com/varvekv/varve/internal/codec"
	"github.com/varvekv/varve/internal/corruption"
	"github.com/varvekv/varve/internal/ikey"
	"github.com/varvekv/varve/vfs"
)

// blocks walks the blocks that the index names. It uses the lengths in it only,
// each of which is looked at before it is used.
func (i *inspector) blocks(x index) {
	offset, limit := uint64(0), i.footer.fileBytes-footerBytes
	if i.indexIsSound {
		limit = min(limit, i.footer.dataEnd)
	}
	for n := range x.count {
		h := handle{offset, binary.LittleEndian.Uint32(x.stored[4*n:]), binary.LittleEndian.Uint32(x.decoded[4*n:])}
		if err := h.check(limit); err != nil {
			i.find(corruption.New(i.r.name, int64(i.footer.index.offset), "index entry %d: %v", n, err))
			return
		}
		offset = h.end()
		if i.in.Wants != nil && !i.in.Wants(n) {
			continue
		}
		info := BlockInfo{Place: h.place(), Number: n, Fence: x.safeFence(n)}
		i.block(h, &info)
		if i.stop != nil {
			return
		}
		if info.Err != nil && !i.indexIsSound {
			i.find(corruption.New(i.r.name, int64(h.offset), "data blocks behind block %d cannot be found, the index is damaged too", n))
			return
		}
	}
}

// safeFence is fence n of an index whose ends nobody has checked.
func (x *index) safeFence(n int) []byte {
	lo, hi := uint32(0), binary.LittleEndian.Uint32(x.ends[4*n:])
	if n > 0 {
		lo = binary.LittleEndian.Uint32(x.ends[4*(n-1):])
	}
	if lo > hi || uint64(hi) > uint64(len(x.fences)) || len(x.prefix)+int(hi-lo) > MaxKeyBytes {
		return nil
	}
	return append(append([]byte{}, x.prefix...), x.fences[lo:hi]...)
}

func (i *inspector) block(h handle, info *BlockInfo) {
	i.s.raw = fit(i.s.raw, int(h.stored)+blockTrailerBytes)
	if info.Err = i.r.readFull(i.s.raw, h.offset); info.Err == nil {
		info.StoredData, info.Codec = i.s.raw, codec.Type(i.s.raw[h.stored])
		info.DecodedData, info.Err = i.r.decodeBlock(i.s.raw, h, &i.s)
	}
	if info.Err != nil {
		info.DecodedData = nil
		tell(i, i.in.Block, info)
		i.find(info.Err)
		return
	}
	var b block
	b.parse(info.DecodedData)
	last := b.count - 1
	info.Kind, info.Flags = info.DecodedData[len(info.DecodedData)-1], info.DecodedData[len(info.DecodedData)-2]
	info.Entries, info.Prefix = b.count, b.prefix()
	info.First = ikey.Key{User: b.appendKey(nil, 0), Trailer: b.trailer(0)}
	info.Last = ikey.Key{User: b.appendKey(nil, last), Trailer: b.trailer(last)}
	tell(i, i.in.Block, info)
	if i.in.Entry != nil {
		i.entries(&b, info.Number)
	}
}

func (i *inspector) entries(b *block, number int) {
	e := EntryInfo{Block: number}
	for n := range b.count {
		e.Number, e.Value = n, b.value(n)
		e.Key = ikey.Key{User: b.appendKey(e.Key.User[:0], n), Trailer: b.trailer(n)}
		if tell(i, i.in.Entry, &e); i.stop != nil {
			return
		}
	}
}

// asWhole finds what no part of the table shows by itself: entries out of order,
// a filter or fences that miss keys, properties that do not add up. Damaged parts
// were found before.
func (i *inspector) asWhole() {
	if i.findings > 0 || i.stop != nil || i.in.Wants != nil {
		return
	}
	r, err := Open(lent{i.r.f}, ReaderOptions{})
	if err != nil {
		i.find(err)
		return
	}
	_, err = r.Check(context.Background())
	i.find(errors.Join(err, r.Close()))
}

// lent is a file that its borrower does not close.
type lent struct{ vfs.File }

func (lent) Close() error { return nil }
