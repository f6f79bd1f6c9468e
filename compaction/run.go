package compaction

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/varvekv/varve/internal/corruption"
	"github.com/varvekv/varve/iterator"
	"github.com/varvekv/varve/manifest"
)

// Run carries a plan out and returns the edit that makes it count. On an error,
// context cancellation too, every output was aborted. The outputs are synced,
// their directory too, and the conservation law holds.
func Run(ctx context.Context, p *Plan, env *Env) (*Result, error) {
	if p.Move {
		return move(p), nil
	}
	j := newJob(p, env)
	err := j.rewrite(ctx)
	if err == nil {
		err = j.check()
	}
	if err == nil && env.SyncDir != nil {
		err = env.SyncDir()
	}
	if err != nil {
		return nil, fmt.Errorf("compaction to level %d: %w", p.Level, errors.Join(err, j.abort()))
	}
	return j.result(), nil
}

// move is the result of a plan that rewrites nothing.
func move(p *Plan) *Result {
	e := new(manifest.Edit)
	for _, s := range p.Slices() {
		moved := *s
		moved.Level, moved.Run = p.Level, p.Run
		e.Removed = append(e.Removed, s.ID)
		e.Added = append(e.Added, &moved)
	}
	return &Result{Edit: e}
}

// job is a plan being carried out: one part for each key range.
type job struct {
	plan   *Plan
	env    *Env
	inputs []*manifest.Slice
	index  map[*manifest.Slice]int // in inputs
	parts  []*part
	books  ledger // of all parts
}

// part is a key range of a job, worked on by one goroutine.
type part struct {
	lower, upper []byte // inclusive, exclusive; nil = open
	out          *outputs
	work         *rewriter
}

func newJob(p *Plan, env *Env) *job {
	j := &job{plan: p, env: env, inputs: p.Slices(), index: make(map[*manifest.Slice]int)}
	for i, s := range j.inputs {
		j.index[s] = i
	}
	cuts := cutRange(j.inputs, env.tableBytes(), env.Parallel)
	spec := TableSpec{Level: p.Level}
	spec.TimeMin, spec.TimeMax = times(j.inputs)
	var lower []byte
	for _, upper := range append(cuts, nil) {
		j.parts = append(j.parts, &part{lower: lower, upper: upper, out: newOutputs(env, spec, p.Run, p.Grandparents)})
		lower = upper
	}
	return j
}

// rewrite works on all parts at once and waits for every one of them; the first
// error stops the others.
func (j *job) rewrite(ctx context.Context) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var wg sync.WaitGroup
	var once sync.Once
	var first error
	for _, p := range j.parts {
		wg.Go(func() {
			if err := j.rewritePart(ctx, p); err != nil {
				once.Do(func() { first = err; stop(err) })
			}
		})
	}
	wg.Wait()
	return first
}

func (j *job) rewritePart(ctx context.Context, p *part) (err error) {
	r := newRewriter(ctx, j.env, p.out, fileNames(j.inputs))
	r.older = newOlder(j.plan.Older)
	r.rule = newRule(j.env.Readers, j.plan.Level == 0)
	r.books.in = make([]Sum, len(j.inputs))
	p.work = r
	cur := j.cursor(p)
	defer func() { err = errors.Join(err, cur.Close()) }()
	return r.run(cur)
}

// cursor is everything that a part takes.
func (j *job) cursor(p *part) iterator.Cursor {
	all := iterator.NewMerge(j.children(p)...)
	if p.lower == nil && p.upper == nil {
		return all
	}
	return iterator.NewBound(all, p.lower, p.upper)
}

// children are cursors over what a part takes of each input.
func (j *job) children(p *part) []iterator.Cursor {
	var out []iterator.Cursor
	for _, in := range j.plan.Inputs {
		run := manifest.Run{Slices: in.Slices}
		if slices := run.Overlapping(p.lower, p.upper); len(slices) > 0 {
			out = append(out, iterator.NewConcat(&input{slices, j, p.work.books.in}))
		}
	}
	return out
}

// input is a run of input slices whose cursors count.
type input struct {
	slices []*manifest.Slice
	job    *job
	sums   []Sum // by index in job.inputs
}

var _ iterator.Run = (*input)(nil)

// Len implements iterator.Run.
func (in *input) Len() int { return len(in.slices) }

// Bounds implements iterator.Run.
func (in *input) Bounds(i int) (lower, upper []byte) {
	return in.slices[i].Lower, in.slices[i].Upper
}

// Open implements iterator.Run.
func (in *input) Open(i int) (iterator.Cursor, error) {
	c, err := in.job.env.Open(in.slices[i])
	if err != nil {
		return nil, err
	}
	return newTally(c, &in.sums[in.job.index[in.slices[i]]]), nil
}

// check holds the conservation law, and that no two parts meet.
func (j *job) check() error {
	j.books.in = make([]Sum, len(j.inputs))
	var last *manifest.Slice
	for _, p := range j.parts {
		j.books.add(&p.work.books)
		for _, s := range p.out.finished {
			if last != nil && bytes.Compare(last.Upper, s.Lower) >= 0 {
				return corruption.New(fileName(s), -1, "it begins at %q, where table %d before it ends", s.Lower, last.File)
			}
			last = s
		}
	}
	if err := j.books.checkInputs(j.inputs); err != nil {
		return err
	}
	return j.books.checkOutputs(fileNames(j.inputs))
}

func (j *job) abort() error {
	var errs []error
	for _, p := range j.parts {
		errs = append(errs, p.out.abort())
	}
	return errors.Join(errs...)
}

func (j *job) result() *Result {
	e := new(manifest.Edit)
	for _, s := range j.inputs {
		e.Removed = append(e.Removed, s.ID)
	}
	for _, p := range j.parts {
		e.Added = append(e.Added, p.out.finished...)
	}
	return newResult(e, &j.books, fileBytes(j.inputs))
}

func newResult(e *manifest.Edit, l *ledger, readBytes int64) *Result {
	return &Result{
		Edit: e, In: l.total(), Out: l.out, Dropped: l.dropped, Zeroed: l.zeroed,
		ReadBytes: readBytes, WrittenBytes: fileBytes(e.Added),
	}
}

// times is the time of the oldest and of the newest write in slices; 0 when one
// of them does not know its oldest.
func times(slices []*manifest.Slice) (oldest, newest int64) {
	for i, s := range slices {
		if i == 0 || s.TimeMin < oldest {
			oldest = s.TimeMin
		}
		newest = max(newest, s.TimeMax)
	}
	return oldest, newest
}
