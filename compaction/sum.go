package compaction

import (
	"strings"

	"github.com/varvekv/varve/internal/corruption"
	"github.com/varvekv/varve/internal/filename"
	"github.com/varvekv/varve/internal/hash"
	"github.com/varvekv/varve/internal/ikey"
	"github.com/varvekv/varve/iterator"
	"github.com/varvekv/varve/manifest"
)

// The conservation law: no entry is lost, doubled or changed on its way. The
// cursors of the inputs count what is read from them, the writers of the
// outputs what is written, and the two meet only here.

// Sum is a set of entries: their number, and the sum of their hash.Entry
// modulo 2^64.
type Sum struct {
	Entries uint64
	Hash    uint64
}

func (s *Sum) add(o Sum) {
	s.Entries += o.Entries
	s.Hash += o.Hash
}

func (s *Sum) count(k ikey.Key, value []byte) {
	s.Entries++
	s.Hash += hash.Entry(k.User, uint64(k.Trailer), value)
}

// ledger is what became of the entries of one piece of work.
type ledger struct {
	in       []Sum // by input slice
	out      Sum
	dropped  Sum
	original Sum // entries whose sequence was zeroed, before
	zeroed   Sum // and after
}

func (l *ledger) add(o *ledger) {
	for i := range o.in {
		l.in[i].add(o.in[i])
	}
	l.out.add(o.out)
	l.dropped.add(o.dropped)
	l.original.add(o.original)
	l.zeroed.add(o.zeroed)
}

func (l *ledger) total() Sum {
	var all Sum
	for _, s := range l.in {
		all.add(s)
	}
	return all
}

// checkInputs holds what was read of each slice against what the manifest says
// of it: a swallowed read error, or a file that is not the one that was written.
func (l *ledger) checkInputs(inputs []*manifest.Slice) error {
	for i, s := range inputs {
		if got := l.in[i]; got.Entries != s.Entries || got.Hash != s.EntrySum {
			return corruption.New(fileName(s), -1,
				"conservation: read %d entries with sum %016x, the manifest has %d with %016x",
				got.Entries, got.Hash, s.Entries, s.EntrySum)
		}
	}
	return nil
}

// checkOutputs holds that what was read is what was written and dropped.
func (l *ledger) checkOutputs(files string) error {
	in, left := l.total(), l.out
	left.add(l.dropped)
	left.add(l.original)
	left.Entries -= l.zeroed.Entries
	left.Hash -= l.zeroed.Hash
	if in == left && l.original.Entries == l.zeroed.Entries {
		return nil
	}
	return corruption.New(files, -1,
		"conservation: read %d entries with sum %016x; written %d, dropped %d, rewritten %d have %016x",
		in.Entries, in.Hash, l.out.Entries, l.dropped.Entries, l.zeroed.Entries, left.Hash)
}

func fileName(s *manifest.Slice) string { return filename.Make(filename.Table, s.File) }

func fileNames(slices []*manifest.Slice) string {
	names := make([]string, len(slices))
	for i, s := range slices {
		names[i] = fileName(s)
	}
	return strings.Join(names, " ")
}

// tally counts the entries that Next leaves behind, so that an entry at which
// a range ends is left to the next range.
type tally struct {
	iterator.Cursor
	gallop iterator.Galloper // Cursor, when it can
	sum    *Sum
}

func newTally(c iterator.Cursor, sum *Sum) *tally {
	g, _ := c.(iterator.Galloper)
	return &tally{Cursor: c, gallop: g, sum: sum}
}

// Next counts the entry under the cursor and moves on.
func (t *tally) Next() bool {
	t.sum.count(t.Cursor.Key(), t.Cursor.Value())
	return t.Cursor.Next()
}

// Ahead implements iterator.Galloper as far as the cursor does.
func (t *tally) Ahead(limit ikey.Key) int {
	if t.gallop == nil {
		return 0
	}
	return t.gallop.Ahead(limit)
}
