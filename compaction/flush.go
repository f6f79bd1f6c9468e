package compaction

import (
	"context"
	"errors"
	"fmt"

	"github.com/varvekv/varve/internal/corruption"
	"github.com/varvekv/varve/iterator"
	"github.com/varvekv/varve/manifest"
)

// Memtable is what Flush must know of a memtable beside its entries.
type Memtable struct {
	Run              uint64 // id of the run in level 0: greater than that of any older flush
	Want             Sum    // what the memtable says it holds
	TimeMin, TimeMax int64  // unix nanoseconds of its oldest and newest write; 0 = unknown
}

// memtableName stands for a file in corruption errors.
const memtableName = "memtable"

// Flush writes everything of cur, which the caller closes, to tables of level
// 0. Versions that no reader needs are dropped, tombstones stay. Errors, syncs
// and checks are those of Run. An empty memtable makes an empty edit.
func Flush(ctx context.Context, cur iterator.Cursor, m Memtable, env *Env) (*Result, error) {
	out := newOutputs(env, TableSpec{TimeMin: m.TimeMin, TimeMax: m.TimeMax}, m.Run, nil)
	r := newRewriter(ctx, env, out, memtableName)
	r.rule = newRule(env.Readers, true)
	r.books.in = make([]Sum, 1)
	err := r.run(newTally(cur, &r.books.in[0]))
	if err == nil {
		err = checkFlush(&r.books, m.Want)
	}
	if err == nil && env.SyncDir != nil {
		err = env.SyncDir()
	}
	if err != nil {
		return nil, fmt.Errorf("flush: %w", errors.Join(err, out.abort()))
	}
	return newResult(&manifest.Edit{Added: out.finished}, &r.books, 0), nil
}

func checkFlush(l *ledger, want Sum) error {
	if got := l.in[0]; got != want {
		return corruption.New(memtableName, -1,
			"conservation: read %d entries with sum %016x, it counted %d with %016x",
			got.Entries, got.Hash, want.Entries, want.Hash)
	}
	return l.checkOutputs(memtableName)
}
