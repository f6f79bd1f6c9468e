// Package mapengine is a database in a Go map with its keys sorted beside it:
// the model by which the benchmarks test themselves. It promises the semantics
// of package engine, no speed and no file.
package mapengine

import (
	"bytes"
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
	closed bool
}

// Open makes an empty one; the options do not matter to it.
func Open(engine.Options) (engine.Engine, error) {
	return &Engine{values: map[string][]byte{}}, nil
}

var errClosed = errors.New("mapengine: closed")

// Name is "map".
func (e *Engine) Name() string { return "map" }

// NewClient never fails.
func (e *Engine) NewClient() (engine.Client, error) { return &client{e}, nil }

// Settle has nothing to wait for.
func (e *Engine) Settle(context.Context) error { return nil }

// Check has no file to read.
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

// Close ends it: writes fail from then on.
func (e *Engine) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
	return nil
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
	k := string(key)
	if _, ok := e.values[k]; !ok {
		at, _ := slices.BinarySearch(e.keys, k)
		e.keys = slices.Insert(e.keys, at, strings.Clone(k))
	}
	e.values[k] = bytes.Clone(value)
	e.bytes += int64(len(key) + len(value))
	return nil
}

func (c *client) Delete(key []byte) error {
	c.e.mu.Lock()
	defer c.e.mu.Unlock()
	if at, ok := slices.BinarySearch(c.e.keys, string(key)); ok {
		c.e.keys = slices.Delete(c.e.keys, at, at+1)
		delete(c.e.values, string(key))
	}
	return nil
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
