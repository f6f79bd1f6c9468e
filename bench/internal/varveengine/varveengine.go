// Package varveengine puts varve behind the benchmarks' seam, by its public
// interface alone. What it writes and reads is counted below it, by package
// counting; what it does in the background, its Events tell.
package varveengine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/varvekv/varve"
	"github.com/varvekv/varve/bench/internal/counting"
	"github.com/varvekv/varve/bench/internal/engine"
	"github.com/varvekv/varve/vfs"
)

type database struct {
	db       *varve.DB
	fs       *counting.FS
	activity *activity
}

// Open opens varve in o.Dir.
func Open(o engine.Options) (engine.Engine, error) {
	fs, a := counting.New(vfs.OS), newActivity(time.Now)
	db, err := varve.Open(o.Dir, &varve.Options{
		Durability:    durability(o.Durability),
		MemtableBytes: o.MemtableBytes,
		CacheBytes:    o.CacheBytes,
		Compression:   compression(o.Compression),
		FS:            fs,
		Events:        a.events(),
	})
	if err != nil {
		return nil, fmt.Errorf("open varve in %s: %w", o.Dir, err)
	}
	return &database{db: db, fs: fs, activity: a}, nil
}

func durability(d engine.Durability) varve.Durability {
	switch d {
	case engine.Buffered:
		return varve.Buffered
	case engine.Written:
		return varve.Written
	}
	return varve.Synced
}

func compression(c engine.Compression) varve.Compression {
	switch c {
	case engine.NoCompression:
		return varve.CompressionNone
	case engine.S2:
		return varve.CompressionS2
	case engine.Zstd:
		return varve.CompressionZstd
	}
	return varve.CompressionDefault
}

func (d *database) Name() string { return "varve" }

func (d *database) NewClient() (engine.Client, error) { return &client{db: d.db}, nil }

func (d *database) Check(ctx context.Context) error { return d.db.Check(ctx) }

func (d *database) Metrics() string {
	m := d.db.Metrics()
	return m.String()
}

// Sync makes it an engine.Syncer.
func (d *database) Sync() error { return d.db.Sync() }

func (d *database) Close() error { return d.db.Close() }

func (d *database) Traffic() engine.Traffic {
	w := engine.Traffic{
		LogBytes:   d.fs.Written(counting.Log),
		TableBytes: d.fs.Written(counting.Table),
		MetaBytes:  d.fs.Written(counting.Meta),
		OtherBytes: d.fs.Written(counting.Other),
	}
	for k := counting.Log; k <= counting.Other; k++ {
		w.Syncs += d.fs.Syncs(k)
		w.ReadBytes += d.fs.Read(k)
	}
	return w
}

// Activity is for engine.Active.
func (d *database) Activity() []engine.Span { return d.activity.take() }

// Stalls is for engine.Stalling.
func (d *database) Stalls() engine.Stalls {
	m := d.db.Metrics()
	return engine.Stalls{Waited: int64(m.Stalls), Paced: int64(m.Paced), Time: m.StallTime}
}

// Background work rests when no table was written for so long: compactions that
// only help readers begin up to a second after the last write, and write their
// first bytes some time after that.
const (
	settlePoll  = 25 * time.Millisecond
	settleQuiet = 60 // polls
)

// Settle flushes, then watches the tables being written until they no longer are.
func (d *database) Settle(ctx context.Context) error {
	if err := d.db.Flush(); err != nil {
		return fmt.Errorf("flush: %w", err)
	}
	tick := time.NewTicker(settlePoll)
	defer tick.Stop()
	last, quiet := d.fs.Written(counting.Table), 0
	for quiet < settleQuiet {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		quiet++
		if now := d.fs.Written(counting.Table); now != last {
			last, quiet = now, 0
		}
	}
	return nil
}

type client struct {
	db    *varve.DB
	batch varve.Batch
}

func (c *client) Close() error { return nil }

func (c *client) Get(dst, key []byte) ([]byte, error) {
	v, err := c.db.GetTo(dst, key)
	if errors.Is(err, varve.ErrNotFound) {
		return dst, engine.ErrNotFound
	}
	return v, err
}

func (c *client) Put(key, value []byte) error { return c.db.Put(key, value) }

func (c *client) Delete(key []byte) error { return c.db.Delete(key) }

func (c *client) Load(keys, values [][]byte) error {
	c.batch.Reset()
	for i := range keys {
		c.batch.Put(keys[i], values[i])
	}
	return c.db.Write(&c.batch)
}

func (c *client) Scan(from []byte, count int, visit engine.Visit) (visited int, err error) {
	it := c.db.NewIter(nil)
	defer func() { err = errors.Join(err, it.Close()) }()
	for ok := it.SeekGE(from); ok && visited != count; {
		if err := visit(it.Key(), it.Value()); err != nil {
			return visited, err
		}
		visited++
		if visited != count { // the last entry's successor is not asked for
			ok = it.Next()
		}
	}
	return visited, it.Err()
}
