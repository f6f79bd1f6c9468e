package sstable

import (
	"bytes"
	"testing"
	"time"

	"github.com/varvekv/varve/internal/hash"
)

// TestGetTracedTellsWhatGetDid: the same answer, the blocks it took and where
// they came from, and counts that add up with them.
func TestGetTracedTellsWhatGetDid(t *testing.T) {
	entries := makeEntries(1, shape{n: 400, maxVersions: 4, minValue: 20, maxValue: 60})
	f, _ := writeTable(t, WriterOptions{BlockBytes: 512, BloomBits: 10}, entries)
	d := newDesk(t, 1<<20)
	r := d.open(t, f)
	var ticks time.Duration
	now := func() time.Duration { ticks++; return ticks }
	var s Scratch
	blocks, read, misses := 0, 0, 0
	for i, e := range entries {
		user, seq := e.k.User, e.k.Trailer.Seq()
		if i%3 == 0 {
			user = append(bytes.Clone(user), '!')
		}
		d.slot.Enter()
		tr, value, ok, trace, err := r.GetTraced(user, hash.Sum(user), seq, &s, now)
		got := bytes.Clone(value)
		var plain Scratch
		wantTr, want, wantOK, wantErr := r.Get(user, hash.Sum(user), seq, &plain)
		if tr != wantTr || !bytes.Equal(got, want) || ok != wantOK || err != wantErr || ok != (i%3 != 0) {
			t.Fatalf("%q at %d: %v %v, Get: %v %v", user, seq, ok, err, wantOK, wantErr)
		}
		d.slot.Exit()
		if !trace.HasFilter || ok && !trace.MayContain || !trace.MayContain && len(trace.Blocks) > 0 || trace.MayContain && len(trace.Blocks) == 0 {
			t.Fatalf("%q: %+v", user, trace)
		}
		for _, b := range trace.Blocks {
			blocks++
			if !b.IsCached {
				read += b.Stored + blockTrailerBytes
				misses++
			}
			if b.Duration <= 0 || b.Decoded == 0 || b.IsCached != (b.Codec == "") {
				t.Fatalf("%q: %+v", user, b)
			}
		}
	}
	if c := s.Counts; c.FilterProbes != uint64(len(entries)) || c.BlockHits+c.BlockMisses != uint64(blocks) ||
		c.ReadBytes != uint64(read) || c.BlockMisses != uint64(misses) || misses == 0 || misses == blocks || c.FilterNegatives == 0 {
		t.Errorf("%+v beside %d blocks, %d bytes", c, blocks, read)
	}
}
