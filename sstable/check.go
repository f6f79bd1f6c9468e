package sstable

// Check: the table read from front to back, and everything it says about itself
// held against what is there.

import (
	"bytes"
	"context"
	"fmt"

	"github.com/varvekv/varve/internal/codec"
	"github.com/varvekv/varve/internal/corruption"
	"github.com/varvekv/varve/internal/hash"
	"github.com/varvekv/varve/internal/ikey"
)

// checkEvery is how many entries pass between two looks at the context.
const checkEvery = 1024

// Check reads every block past the cache: checksums, order of the entries,
// fences, the filter's answer for every key, and the properties. It returns the
// properties as counted. Damage is an error matching corruption.Err.
func (r *Reader) Check(ctx context.Context) (Properties, error) {
	k := checker{r: r}
	k.seen.SeqMin = ikey.MaxSeq
	c := r.NewCursor(CursorOptions{Access: AccessBulk}).(*cursor)
	defer c.Close()
	for ok := c.First(); ok; ok = c.Next() {
		if k.seen.Entries%checkEvery == 0 && ctx.Err() != nil {
			return Properties{}, ctx.Err()
		}
		if err := k.entry(c); err != nil {
			return Properties{}, corruption.New(r.name, int64(r.index.handle(c.at).offset), "entry %d: %v", c.i, err)
		}
	}
	if c.Err() != nil {
		return Properties{}, c.Err()
	}
	k.complete()
	if err := k.compare(); err != nil {
		return Properties{}, corruption.New(r.name, int64(r.footer.properties.offset), "%v", err)
	}
	return k.seen, nil
}

// checker counts what it sees.
type checker struct {
	r           *Reader
	seen        Properties
	user        []byte // of the entry before
	hash        uint64 // of user
	lastTrailer ikey.Trailer
}

func (k *checker) entry(c *cursor) error {
	key, value := c.Key(), c.Value()
	p := &k.seen
	order := bytes.Compare(k.user, key.User)
	if p.Entries > 0 && (order > 0 || order == 0 && k.lastTrailer <= key.Trailer) {
		return fmt.Errorf("%v does not follow %q#%d", key, k.user, k.lastTrailer.Seq())
	}
	if at := k.r.index.find(key.User); at != c.at && !(at < c.at && k.r.index.isFence(c.at-1, key.User)) {
		return fmt.Errorf("%v lies in block %d, the index looks for it in %d", key, c.at, at)
	}
	if p.Entries == 0 {
		p.Lower = append([]byte{}, key.User...)
	}
	if p.Entries == 0 || order != 0 {
		p.UserKeys++
		k.hash = hash.Sum(key.User)
		if !k.r.filter.mayContain(k.hash) {
			return fmt.Errorf("%v is not in the filter", key)
		}
	}
	if b := &c.b; b.printsAt != 0 && b.data[b.printsAt+c.i] != byte(k.hash) {
		return fmt.Errorf("%v has the wrong print", key)
	}
	k.user, k.lastTrailer = append(k.user[:0], key.User...), key.Trailer
	k.count(key, value)
	return nil
}

func (k *checker) count(key ikey.Key, value []byte) {
	p := &k.seen
	p.Entries++
	p.KeyBytes += uint64(len(key.User))
	p.ValueBytes += uint64(len(value))
	p.SeqMin = min(p.SeqMin, key.Trailer.Seq())
	p.SeqMax = max(p.SeqMax, key.Trailer.Seq())
	if key.Trailer.Kind() == ikey.KindDelete {
		p.Tombstones++
	}
	p.EntrySum += hash.Entry(key.User, uint64(key.Trailer), value)
}

// complete takes over what cannot be counted from the entries.
func (k *checker) complete() {
	p, said := &k.seen, k.r.props
	if p.Entries > 0 {
		p.Upper = append([]byte{}, k.user...)
	} else {
		p.SeqMin = 0
	}
	for i := range k.r.index.count {
		p.RawBytes += uint64(k.r.index.handle(i).decoded)
	}
	p.DataBlocks = uint64(k.r.index.count)
	p.Identity, p.FileBytes, p.DataBytes = k.r.identity, int64(k.r.footer.fileBytes), k.r.footer.dataEnd
	p.FilterBytes, p.IndexBytes = uint64(k.r.footer.filter.stored), uint64(k.r.footer.index.stored)
	p.TimeMin, p.TimeMax, p.Compression, p.BloomBits = said.TimeMin, said.TimeMax, said.Compression, said.BloomBits
}

// compare holds the properties against what was seen.
func (k *checker) compare() error {
	for _, n := range numbers {
		if saw, said := n.get(&k.seen), n.get(k.r.props); saw != said {
			return fmt.Errorf("properties say %d in field %d, the table has %d", said, n.tag, saw)
		}
	}
	if !bytes.Equal(k.seen.Lower, k.r.props.Lower) || !bytes.Equal(k.seen.Upper, k.r.props.Upper) {
		return fmt.Errorf("properties say [%q, %q], the table has [%q, %q]",
			k.r.props.Lower, k.r.props.Upper, k.seen.Lower, k.seen.Upper)
	}
	if !k.seen.Compression.Known() && k.seen.Compression != codec.Invalid {
		return fmt.Errorf("properties name %v", k.seen.Compression)
	}
	return nil
}
