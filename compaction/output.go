package compaction

import (
	"bytes"
	"errors"

	"github.com/varvekv/varve/internal/corruption"
	"github.com/varvekv/varve/internal/ikey"
	"github.com/varvekv/varve/manifest"
)

// outputs writes a sorted stream into tables: a new one at the target size, or
// where the table would overlap too much of the level below it, but never
// between two versions of a user key. A full table is finished in the
// background, at most one at a time.
type outputs struct {
	env      *Env
	spec     TableSpec
	run      uint64
	limit    int64 // bytes of a table
	parents  []*manifest.Slice
	meets    int64 // bytes of grandparents that the open table overlaps
	cur      Output
	entries  uint64   // in cur
	all      []Output // everything created, for abort
	finished []*manifest.Slice
	pending  chan finish // the result of the table being finished; nil = none
}

type finish struct {
	slice   *manifest.Slice
	entries uint64
	err     error
}

func newOutputs(env *Env, spec TableSpec, run uint64, grandparents []*manifest.Slice) *outputs {
	return &outputs{env: env, spec: spec, run: run, limit: env.tableBytes(), parents: grandparents}
}

// add appends a version; first says that it is the first one of its user key.
func (o *outputs) add(k ikey.Key, value []byte, first bool) error {
	if first && o.cur != nil && (o.cur.EstimatedBytes() >= o.limit || o.meetsTooMuch(k.User)) {
		if err := o.cut(); err != nil {
			return err
		}
	}
	if o.cur == nil {
		if err := o.create(k.User); err != nil {
			return err
		}
	}
	o.entries++
	return o.cur.Add(k, value)
}

func (o *outputs) create(user []byte) error {
	cur, err := o.env.Create(o.spec)
	if err != nil {
		return err
	}
	o.cur, o.entries, o.meets = cur, 0, 0
	o.all = append(o.all, cur)
	o.passed(user)
	return nil
}

// passed forgets the grandparents that end before user and returns their size.
func (o *outputs) passed(user []byte) int64 {
	var sum int64
	for len(o.parents) > 0 && bytes.Compare(o.parents[0].Upper, user) < 0 {
		sum += o.parents[0].FileBytes
		o.parents = o.parents[1:]
	}
	return sum
}

func (o *outputs) meetsTooMuch(user []byte) bool {
	if len(o.parents) == 0 {
		return false
	}
	o.meets += o.passed(user)
	return o.meets > grandparentTables*o.limit
}

// cut finishes the open table.
func (o *outputs) cut() error {
	if err := o.join(); err != nil {
		return err
	}
	cur, entries, done := o.cur, o.entries, make(chan finish, 1)
	o.cur, o.pending = nil, done
	go func() {
		slice, err := cur.Finish()
		done <- finish{slice, entries, err}
	}()
	return nil
}

// join waits for the table being finished.
func (o *outputs) join() error {
	if o.pending == nil {
		return nil
	}
	f := <-o.pending
	o.pending = nil
	if f.err != nil {
		return f.err
	}
	if f.slice.Entries != f.entries {
		return corruption.New(fileName(f.slice), -1, "%d entries were written, the table says %d", f.entries, f.slice.Entries)
	}
	if n := len(o.finished); n > 0 && bytes.Compare(o.finished[n-1].Upper, f.slice.Lower) >= 0 {
		return corruption.New(fileName(f.slice), -1, "it begins at %q, where table %d before it ends", f.slice.Lower, o.finished[n-1].File)
	}
	f.slice.Level, f.slice.Run = o.spec.Level, o.run
	f.slice.TimeMin, f.slice.TimeMax = o.spec.TimeMin, o.spec.TimeMax
	o.finished = append(o.finished, f.slice)
	return nil
}

// close finishes the last table.
func (o *outputs) close() error {
	if o.cur != nil {
		if err := o.cut(); err != nil {
			return err
		}
	}
	return o.join()
}

// abort removes everything that was created.
func (o *outputs) abort() error {
	err := o.join()
	errs := []error{err}
	for _, out := range o.all {
		errs = append(errs, out.Abort())
	}
	o.cur, o.all, o.finished = nil, nil, nil
	return errors.Join(errs...)
}
