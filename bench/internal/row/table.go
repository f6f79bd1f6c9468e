package row

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/varvekv/varve/bench/internal/engine"
	"github.com/varvekv/varve/bench/internal/session"
)

// table is one open database and the model of what is in it.
type table struct {
	request Request // that it was opened with
	session *session.Session
	discard func(ended error) error
	model   *model
}

// open opens an empty database for so many records.
func (r *runner) open(q Request, records uint64, valueBytes int) (*table, error) {
	q.Durability = cmp.Or(q.Durability, r.config.Durability)
	s, discard, err := r.config.Open(q)
	if err != nil {
		return nil, err
	}
	return &table{request: q, session: s, discard: discard, model: newModel(records, valueBytes)}, nil
}

// end audits a database whose work ended well, and discards it. The error is
// how the work ended, with what went wrong behind it.
func (t *table) end(ctx context.Context, name string, ended error) error {
	if ended == nil {
		if err := t.audit(ctx); err != nil {
			ended = fmt.Errorf("%s: %w", name, err)
		}
	}
	return errors.Join(ended, t.discard(ended))
}

// audit compares everything with the model and lets the engine check its files.
func (t *table) audit(ctx context.Context) error {
	if err := t.scanAll(ctx); err != nil {
		return fmt.Errorf("final scan: %w", err)
	}
	if err := t.session.Engine.Check(ctx); err != nil {
		return fmt.Errorf("engine's own check: %w", err)
	}
	return nil
}

// scanAll scans everything and compares it with the model.
func (t *table) scanAll(ctx context.Context) error {
	e := expectation{model: t.model}
	return t.withClient(func(c engine.Client) error {
		n, err := c.Scan(nil, -1, func(key, val []byte) error {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return e.visit(key, val)
		})
		if err == nil && uint64(n) != t.model.count {
			err = fmt.Errorf("%d records, not %d", n, t.model.count)
		}
		return err
	})
}

func (t *table) withClient(f func(engine.Client) error) error {
	c, err := t.session.Engine.NewClient()
	if err != nil {
		return err
	}
	return errors.Join(f(c), c.Close())
}
