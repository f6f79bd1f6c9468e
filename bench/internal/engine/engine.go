// Package engine is the seam between the benchmarks and the databases they
// measure: what a database must offer to be measured, and nothing about any one
// of them. Adapters are packages beside this one.
package engine

import (
	"context"
	"errors"
)

// ErrNotFound is a key that is not in the database.
var ErrNotFound = errors.New("not found")

// Durability is what a write promises on return.
type Durability uint8

// Durabilities, from the fastest to the safest.
const (
	Buffered Durability = iota + 1 // survives nothing
	Written                        // survives the end of the process
	Synced                         // survives a power cut
)

var durabilityNames = [...]string{Buffered: "buffered", Written: "written", Synced: "synced"}

// String is the name used on the command line.
func (d Durability) String() string { return durabilityNames[d] }

// ParseDurability reads a name of the command line.
func ParseDurability(name string) (Durability, bool) {
	for d, n := range durabilityNames {
		if n == name && d > 0 {
			return Durability(d), true
		}
	}
	return 0, false
}

// Compression is the codec of tables.
type Compression uint8

// Compressions; DefaultCompression is the engine's own choice.
const (
	DefaultCompression Compression = iota + 1
	NoCompression
	S2
	Zstd
)

var compressionNames = [...]string{DefaultCompression: "default", NoCompression: "none", S2: "s2", Zstd: "zstd"}

// String is the name used on the command line.
func (c Compression) String() string { return compressionNames[c] }

// ParseCompression reads a name of the command line.
func ParseCompression(name string) (Compression, bool) {
	for c, n := range compressionNames {
		if n == name && c > 0 {
			return Compression(c), true
		}
	}
	return 0, false
}

// Options is what every engine is given, so that budgets are equal. There is no
// default here: the command line has them.
type Options struct {
	// Dir is where the database lives; made when missing. No default.
	Dir string
	// Durability is what every write promises: safer is slower. No default.
	Durability Durability
	// CacheBytes is the block cache: larger reads faster and takes memory. No default.
	CacheBytes int64
	// MemtableBytes is the write buffer: larger writes less often and takes
	// memory. No default.
	MemtableBytes int64
	// Compression trades processor time for disk. No default.
	Compression Compression
}

// Opener opens a database of one kind.
type Opener func(o Options) (Engine, error)

// Engine is one open database. Its methods may be called from any goroutine.
type Engine interface {
	// Name is the engine and, where it knows one, its version.
	Name() string
	// NewClient makes the handle through which one goroutine works.
	NewClient() (Client, error)
	// Settle brings everything written into tables and waits until background
	// work rests, or ctx ends, which is no error.
	Settle(ctx context.Context) error
	// Traffic is what went to the file system since the engine was opened.
	Traffic() Traffic
	// Check asks the engine to verify its own files. An engine that cannot
	// returns nil.
	Check(ctx context.Context) error
	// Metrics is the engine's own report, in its own words; may be empty.
	Metrics() string
	Close() error
}

// Client is one goroutine's handle on an Engine. It keeps no slice it is given.
type Client interface {
	// Get appends the value to dst; ErrNotFound where there is none.
	Get(dst, key []byte) ([]byte, error)
	Put(key, value []byte) error
	Delete(key []byte) error
	// Load writes entries in one atomic batch.
	Load(keys, values [][]byte) error
	// Scan visits up to count entries (all when negative) from the first key
	// >= from, in order, in one consistent view. Key and value are valid
	// inside visit only; an error of visit ends the scan and is returned.
	Scan(from []byte, count int, visit Visit) (visited int, err error)
	Close() error
}

// Visit is called with each entry of a scan.
type Visit func(key, value []byte) error

// Traffic counts bytes handed to the file system by what they were for, and the
// flushes asked for. An engine that cannot tell reports all as Other.
type Traffic struct {
	LogBytes, TableBytes, MetaBytes, OtherBytes int64
	Syncs                                       int64
	ReadBytes                                   int64 // from files of any kind; 0 where the engine cannot tell
}

// Bytes is what was written, the sum over all kinds.
func (t Traffic) Bytes() int64 { return t.LogBytes + t.TableBytes + t.MetaBytes + t.OtherBytes }

// Add is the sum of both, kind by kind.
func (t Traffic) Add(o Traffic) Traffic {
	return Traffic{
		LogBytes:   t.LogBytes + o.LogBytes,
		TableBytes: t.TableBytes + o.TableBytes,
		MetaBytes:  t.MetaBytes + o.MetaBytes,
		OtherBytes: t.OtherBytes + o.OtherBytes,
		Syncs:      t.Syncs + o.Syncs,
		ReadBytes:  t.ReadBytes + o.ReadBytes,
	}
}

// Since is what was written and read after an earlier reading.
func (t Traffic) Since(before Traffic) Traffic {
	return Traffic{
		LogBytes:   t.LogBytes - before.LogBytes,
		TableBytes: t.TableBytes - before.TableBytes,
		MetaBytes:  t.MetaBytes - before.MetaBytes,
		OtherBytes: t.OtherBytes - before.OtherBytes,
		Syncs:      t.Syncs - before.Syncs,
		ReadBytes:  t.ReadBytes - before.ReadBytes,
	}
}
