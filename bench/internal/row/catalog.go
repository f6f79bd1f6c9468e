package row

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/varvekv/varve/bench/internal/engine"
)

// state is what a row wants to find.
type state uint8

const (
	empty   state = iota // a database of its own, discarded after it
	filled               // the shared one, every record in it
	thinned              // the shared one, half the records deleted
	large                // the one that is larger than the cache, see big.go
	own                  // none: it opens what it needs
)

// Groups of rows.
const (
	fillRows = "fill"
	readRows = "read"
	syncRows = "sync"
	bigRows  = "big"
	lifeRows = "life" // what a service meets: its tail and its restart
)

// row is one measurement.
type row struct {
	name, group string
	about       string // in a line: what is done, counted in which unit
	on          state
	want        Request // of its database, where that differs from the configured
	run         func(context.Context, *runner, *table) error
}

// rows is all there are, in the order in which they make sense: those that share
// a database stand together.
func rows() []row {
	synced, smallCache := Request{Durability: engine.Synced}, Request{CacheBytes: smallCacheBytes}
	return []row{
		{"fillseq", fillRows, "write every record, in order; records", empty, Request{}, fillSequential},
		{"fillbatch", fillRows, "the same in batches of 1,000, one goroutine; records", empty, Request{}, fillBatches},
		// Filling the shared database is the row; so is thinning it.
		{"fillrandom", fillRows, "write every record, in random order; records", filled, Request{}, nil},
		{"overwrite", fillRows, "new values for random records, three for each on average; records", filled, Request{}, overwrite},
		{"readrandom", readRows, "random records; reads", filled, Request{}, readRandom},
		{"readrandom-smallcache", readRows, "the same, reopened with a cache of 8 MiB; reads", filled, smallCache, readRandom},
		{"readmissing", readRows, "keys that do not exist, between those that do; reads", filled, Request{}, readMissing},
		{"seekrandom", readRows, "seek a random key, read it and the ten behind it; seeks", filled, Request{}, seekRandom},
		{"readseq", readRows, "scan everything, one goroutine; keys", filled, Request{}, readSequential},
		{"deleterandom", fillRows, "delete half of the records, in random order; deletions", thinned, Request{}, nil},
		{"seekrandom-deleted", readRows, "seekrandom behind that; seeks", thinned, Request{}, seekRandom},
		{"readseq-deleted", readRows, "readseq behind that; keys", thinned, Request{}, readSequential},
		{"fillsync-1", syncRows, "durable writes from one goroutine; writes", empty, synced, fillSynced(1)},
		{"fillsync-8", syncRows, "from 8; writes", empty, synced, fillSynced(8)},
		{"fillsync-64", syncRows, "from 64; writes", empty, synced, fillSynced(64)},
		{"openlog", lifeRows, "open what a crash left of a full log, up to the first answer; records replayed", own, Request{}, openLog},
		{"tail", lifeRows, "random writes without a pause, always buffered; writes, and how long the slowest take",
			empty, Request{Durability: engine.Buffered}, tail},
		{"big-load", bigRows, "YCSB's load, of more records than the cache holds; records", large, Request{}, nil},
		{"big-C", bigRows, "then YCSB C: zipfian reads; reads", large, Request{}, nil},
		{"big-A", bigRows, "then YCSB A: half reads, half updates; operations", large, Request{}, nil},
		{"big-E", bigRows, "then YCSB E: short scans, some inserts; operations", large, Request{}, nil},
	}
}

// Groups of Select beside those that rows name.
const (
	allRows     = "all"
	defaultRows = "default" // all but big, which takes minutes
)

// Groups is every name of Select that stands for several rows.
func Groups() []string {
	return []string{defaultRows, allRows, fillRows, readRows, syncRows, lifeRows, bigRows}
}

// Names is every row, in the order in which they make sense.
func Names() []string { return names(func(*row) bool { return true }) }

// Help is every row with what it does, a line each.
func Help() string {
	var b strings.Builder
	for _, w := range rows() {
		fmt.Fprintf(&b, "  %-22s %s\n", w.name, w.about)
	}
	return b.String()
}

// Select gives the rows that patterns name: names, groups, and globs such as
// read*. A row named in full runs as often as it is named; a group or a glob
// adds what is not there yet.
func Select(patterns []string) ([]string, error) {
	var selected []string
	for _, p := range patterns {
		p = strings.TrimSpace(p)
		if find(p) != nil {
			selected = append(selected, p)
			continue
		}
		found := names(func(w *row) bool { return w.isIn(p) })
		if len(found) == 0 {
			return nil, unknown(p)
		}
		for _, name := range found {
			if !slices.Contains(selected, name) {
				selected = append(selected, name)
			}
		}
	}
	return selected, nil
}

func (w *row) isIn(pattern string) bool {
	switch pattern {
	case allRows, w.group:
		return true
	case defaultRows:
		return w.group != bigRows
	}
	matched, err := path.Match(pattern, w.name)
	return matched && err == nil // a pattern that is none matches nothing
}

func unknown(name string) error {
	return fmt.Errorf("no row is called %q; there are %s, and the groups %s",
		name, strings.Join(Names(), ", "), strings.Join(Groups(), ", "))
}

func names(which func(*row) bool) []string {
	var found []string
	for _, w := range rows() {
		if which(&w) {
			found = append(found, w.name)
		}
	}
	return found
}

func find(name string) *row {
	all := rows()
	if i := slices.IndexFunc(all, func(w row) bool { return w.name == name }); i >= 0 {
		return &all[i]
	}
	return nil
}
