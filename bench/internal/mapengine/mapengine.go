// Package mapengine is a database in a Go map with its keys sorted beside it:
// the model by which the benchmarks test themselves. It promises the semantics
// of package engine and no speed. Given a directory it is there again when that
// is opened again; without one it has no file.
package mapengine

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/varvekv/varve/bench/internal/engine"
)

// Engine is the map. The zero Engine is not ready; use Open.
type Engine struct {
	mu     sync.RWMutex // guards all below
	values map[string][]byte
	keys   []string // sorted
	bytes  int64
	log    *log // nil without a directory
	closed bool
}

// Open opens the one in the directory, or makes an empty one. Of the options
// only directory and durability matter to it.
func Open(o engine.Options) (engine.Engine, error) {
	e := &Engine{values: map[string][]byte{}}
	if o.Dir == "" {
		return e, nil
	}
	log, err := openLog(o.Dir, o.Durability != engine.Buffered, func(key, value []byte) {
		if value == nil {
			e.remove(key)
		} else {
			e.set(key, value)
		}
	})
	if err != nil {
		return nil, err
	}
	e.log = log
	return e, nil
}

var errClosed = errors.New("mapengine: closed")

// Name is "map".
func (e *Engine) Name() string { return "map" }

// NewClient never fails.
func (e *Engine) NewClient() (engine.Client, error) { return &client{e}, nil }

// Settle has nothing to wait for.
func (e *Engine) Settle(context.Context) error { return nil }

// Check trusts itself.
func (e *Engine) Check(context.Context) error { return nil }

// Metrics is empty.
func (e *Engine) Metrics() string { return "" }

// Traffic counts each entry once, as if it were logged.
func (e *Engine) Traffic() engine.Traffic {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return engine.Traffic{LogBytes: e.bytes}
}

// Corrupt passes the stored value of a key through f: for tests of those who verify.
func (e *Engine) Corrupt(key string, f func(value []byte) []byte) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.values[key] = f(slices.Clone(e.values[key]))
}

// Sync brings all changes into the file, where there is one.
func (e *Engine) Sync() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.log.sync()
}

// Close ends it: writes fail from then on.
func (e *Engine) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil
	}
	e.closed = true
	return e.log.close()
}

type client struct{ e *Engine }

func (c *client) Close() error { return nil }

func (c *client) Get(dst, key []byte) ([]byte, error) {
	c.e.mu.RLock()
	defer c.e.mu.RUnlock()
	v, ok := c.e.values[string(key)]
	if !ok {
		return dst, engine.ErrNotFound
	}
	return append(dst, v...), nil
}

func (c *client) Put(key, value []byte) error {
	c.e.mu.Lock()
	defer c.e.mu.Unlock()
	return c.e.putLocked(key, value)
}

func (e *Engine) putLocked(key, value []byte) error {
	if e.closed {
		return errClosed
	}
	e.set(key, value)
	e.bytes += int64(len(key) + len(value))
	return e.log.append(key, append([]byte{}, value...)) // nil is a deletion
}

func (e *Engine) set(key, value []byte) {
	k := string(key)
	if _, ok := e.values[k]; !ok {
		at, _ := slices.BinarySearch(e.keys, k)
		e.keys = slices.Insert(e.keys, at, strings.Clone(k))
	}
	e.values[k] = append([]byte{}, value...)
}

func (c *client) Delete(key []byte) error {
	c.e.mu.Lock()
	defer c.e.mu.Unlock()
	if c.e.closed {
		return errClosed
	}
	c.e.remove(key)
	return c.e.log.append(key, nil)
}

func (e *Engine) remove(key []byte) {
	if at, ok := slices.BinarySearch(e.keys, string(key)); ok {
		e.keys = slices.Delete(e.keys, at, at+1)
		delete(e.values, string(key))
	}
}

func (c *client) Load(keys, values [][]byte) error {
	c.e.mu.Lock()
	defer c.e.mu.Unlock()
	for i := range keys {
		if err := c.e.putLocked(keys[i], values[i]); err != nil {
			return err
		}
	}
	return nil
}

func (c *client) Scan(from []byte, count int, visit engine.Visit) (int, error) {
	c.e.mu.RLock()
	defer c.e.mu.RUnlock()
	at, _ := slices.BinarySearch(c.e.keys, string(from))
	visited := 0
	for _, k := range c.e.keys[at:] {
		if visited == count {
			break
		}
		if err := visit([]byte(k), c.e.values[k]); err != nil {
			return visited, err
		}
		visited++
	}
	return visited, nil
}
