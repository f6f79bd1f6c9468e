package memtable

import (
	"cmp"
	"slices"
	"sync"

	"github.com/varvekv/varve/internal/invariants"
)

// A table that nobody reads yet can be filled faster: new keys are gathered as
// they come and sorted once at the end, instead of being searched for a place one
// by one: about twice as fast for keys in random order (docs/adr/0002).

// BeginBulk begins a bulk load: until EndBulk, versions that are added can be found
// with Get, and not by cursors. REQUIRES: the table is empty and has no cursor.
func (t *Table) BeginBulk() {
	invariants.Check(t.entries == 0, "memtable: bulk load into a table of %d entries", t.entries)
	t.tree.bulk = make([]item, 0, bulkItemsMin)
}

// EndBulk puts in order what BeginBulk gathered. It may run in any goroutine, as
// long as nothing else uses the table.
func (t *Table) EndBulk() {
	items := t.tree.bulk
	t.tree.bulk = nil
	t.tree.sort(items)
	for _, it := range items {
		t.tree.tail.append(it)
	}
	t.account()
}

const (
	bulkItemsMin  = 1024
	bulkItemBytes = 24
	// sortTogetherMax is up to how many items one goroutine sorts alone.
	sortTogetherMax = 16 << 10
)

// sort sorts items in two goroutines.
func (t *tree) sort(items []item) {
	if len(items) <= sortTogetherMax {
		slices.SortFunc(items, t.compare)
		return
	}
	// The halves are apart in keys, not in place, so that nothing is merged.
	less, rest := t.partition(items)
	var w sync.WaitGroup
	w.Go(func() { slices.SortFunc(less, t.compare) })
	slices.SortFunc(rest, t.compare)
	w.Wait()
}

// partition moves the items below some item of the middle before all others.
func (t *tree) partition(items []item) (less, rest []item) {
	const samples = 63
	var s [samples]item
	for i := range s {
		s[i] = items[i*(len(items)/samples)]
	}
	slices.SortFunc(s[:], t.compare)
	middle, n := s[samples/2], 0
	for i, it := range items {
		if t.less(it, middle) {
			items[i], items[n] = items[n], it
			n++
		}
	}
	return items[:n], items[n:]
}

// compare is less with three answers.
func (t *tree) compare(a, b item) int {
	if c := cmp.Compare(a.hi, b.hi); c != 0 {
		return c
	}
	if c := cmp.Compare(a.lo, b.lo); c != 0 {
		return c
	}
	switch {
	case a.node == b.node:
		return 0
	case t.lessTied(a, b):
		return -1
	}
	return 1
}
