package compaction

import (
	"bytes"
	"context"
	"time"

	"github.com/varvekv/varve/internal/corruption"
	"github.com/varvekv/varve/internal/ikey"
	"github.com/varvekv/varve/iterator"
)

// rewriter is the one loop through which every flushed and compacted entry
// goes: read a version, decide on it, write it.
type rewriter struct {
	ctx     context.Context
	env     *Env
	rule    rule
	older   *older
	out     *outputs
	books   ledger
	user    []byte       // copy of the user key at hand
	last    ikey.Trailer // of the version before; meaningless before the first
	started bool
	written bool           // a version of user was written
	waiting []ikey.Trailer // tombstones of user that are kept if something older is
	hasLess func() bool    // older.has(user), made once
	work    int            // since the last yield
	stretch int            // work until the next one
	source  string         // names the input in errors
}

const (
	// yieldWork is how much work is done between two yields: 100 to 200 µs, at
	// 0.2 to 0.4 µs for an entry of 100 bytes (2 vCPU, November 2026; read,
	// merged and written uncompressed) and about as much for each further 1 KiB.
	yieldWork      = 400
	yieldWorkBytes = 1 << 10
	yieldWorkTime  = 150 * time.Microsecond

	// Callers that never wait keep the processor for milliseconds at a time. Who
	// gives way to them after 150 µs gets a fiftieth of it, and readers go on
	// paying for runs that are never merged: so work may go on for an awayShare of
	// the time it was kept away, up to stretchMax times the usual.
	awayShare  = 3
	stretchMax = 32
)

func newRewriter(ctx context.Context, env *Env, out *outputs, source string) *rewriter {
	r := &rewriter{ctx: ctx, env: env, out: out, source: source}
	r.hasLess = func() bool { return r.older.has(r.user) }
	return r
}

// run takes everything that cur has, and finishes the outputs.
func (r *rewriter) run(cur iterator.Cursor) error {
	if err := r.pause(); err != nil {
		return err
	}
	for ok := cur.First(); ok; ok = cur.Next() {
		k, value := cur.Key(), cur.Value()
		if r.isFresh(k) {
			r.begin(k)
		}
		r.last = k.Trailer
		if err := r.take(k, value); err != nil {
			return err
		}
		r.work += 1 + (len(k.User)+len(value))/yieldWorkBytes
		if r.work >= r.stretch {
			if err := r.pause(); err != nil {
				return err
			}
		}
	}
	r.end()
	if err := cur.Err(); err != nil {
		return err
	}
	if err := r.out.close(); err != nil {
		return err
	}
	for _, s := range r.out.finished {
		r.books.out.add(Sum{s.Entries, s.EntrySum})
	}
	return nil
}

// isFresh reports whether k is of another user key than the version before it.
// A version that is newer than the one before it always is.
func (r *rewriter) isFresh(k ikey.Key) bool {
	return !r.started || k.Trailer > r.last || !bytes.Equal(k.User, r.user)
}

func (r *rewriter) begin(k ikey.Key) {
	r.end()
	r.user = append(r.user[:0], k.User...)
	r.started, r.written = true, false
	r.rule.begin()
}

// end drops the tombstones of the user key at hand that hide nothing.
func (r *rewriter) end() {
	for _, t := range r.waiting {
		r.books.dropped.count(ikey.Key{User: r.user, Trailer: t}, nil)
	}
	r.waiting = r.waiting[:0]
}

func (r *rewriter) take(k ikey.Key, value []byte) error {
	if !k.Trailer.Kind().Known() {
		return corruption.New(r.source, -1, "%s: this version of varve does not understand the operation", k)
	}
	switch r.rule.next(k.Trailer, r.hasLess) {
	case drop:
		r.books.dropped.count(k, value)
		return nil
	case wait:
		if len(value) > 0 {
			return corruption.New(r.source, -1, "%s: a tombstone with a value of %d bytes", k, len(value))
		}
		r.waiting = append(r.waiting, k.Trailer)
		return nil
	case zero:
		r.books.original.count(k, value)
		k.Trailer = ikey.MakeTrailer(0, ikey.KindPut)
		r.books.zeroed.count(k, value)
	}
	return r.write(k, value)
}

// write writes the tombstones that waited for an older version, and the version.
func (r *rewriter) write(k ikey.Key, value []byte) error {
	for _, t := range r.waiting {
		if err := r.add(ikey.Key{User: k.User, Trailer: t}, nil); err != nil {
			return err
		}
	}
	r.waiting = r.waiting[:0]
	return r.add(k, value)
}

func (r *rewriter) add(k ikey.Key, value []byte) error {
	first := !r.written
	r.written = true
	return r.out.add(k, value, first)
}

// pause yields, and ends work that is no longer wanted.
func (r *rewriter) pause() error {
	r.work, r.stretch = 0, yieldWork
	if err := context.Cause(r.ctx); err != nil {
		return err
	}
	if r.env.Yield != nil {
		earned := int(r.env.Yield() / awayShare * yieldWork / yieldWorkTime)
		r.stretch = min(max(earned, yieldWork), stretchMax*yieldWork)
	}
	return nil
}
