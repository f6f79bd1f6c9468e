package varve

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"time"

	"github.com/varvekv/varve/internal/codec"
	"github.com/varvekv/varve/vfs"
	"github.com/varvekv/varve/wal"
)

// Durability says when a write returns. It is the log's own type.
type Durability = wal.Durability

// The three durabilities, strongest first.
const (
	// Synced returns once the write, and everything before it, is on stable
	// storage: it survives a power cut. The default.
	Synced = wal.Synced
	// Written returns once the write is in the operating system's cache: it
	// survives kill -9 of the process, not a power cut.
	Written = wal.Written
	// Buffered returns once the write is in this process: it survives nothing
	// by itself, and is the fastest.
	Buffered = wal.Buffered
)

// Compression is how table blocks are stored.
type Compression uint8

// Compressions. A block that does not shrink by an eighth is stored raw.
const (
	// CompressionDefault chooses per level, as docs/adr records with its measurements.
	CompressionDefault Compression = 0
	// CompressionNone stores every block raw: fastest reads past the cache.
	CompressionNone Compression = 1
	// CompressionS2 is light and fast, in every level.
	CompressionS2 Compression = 2
	// CompressionZstd is the densest, in every level; writes cost several times more CPU.
	CompressionZstd Compression = 3
)

// Options says how a database is opened. The zero value, and nil, mean defaults.
type Options struct {
	// Durability of Put, Delete and Write on the DB itself; With chooses
	// another for single calls. Weaker is faster and loses more in a crash.
	// Default: Synced.
	Durability Durability
	// MemtableBytes is the memory a memtable may take before it becomes a
	// table, its tree and index included. Larger means fewer, larger flushes, a
	// longer recovery and more memory: up to three memtables exist at once.
	// Default: 64 MiB; at least 64 KiB, at most 8 GiB.
	MemtableBytes int64
	// CacheBytes bounds the memory for blocks, indexes and filters of tables,
	// which lies outside Go's heap. Negative: no cache. Default: 256 MiB.
	CacheBytes int64
	// Compression of table blocks. Default: CompressionDefault.
	Compression Compression
	// BloomBits is the size of the filters per key: each bit halves about two
	// thirds of the needless block reads. Negative: no filters. Default: 10.
	BloomBits int
	// Compactions is how many compactions may run at once. Each takes a core
	// while it runs. Default: half the cores, at least 1, at most 4.
	Compactions int
	// Archive keeps log segments that are no longer needed. Default: none, they
	// are recycled.
	Archive ArchiveOptions
	// ReadOnly opens without writing a byte: any number of readers, no writer
	// beside them. Default: false.
	ReadOnly bool
	// FS is where the files are. Default: vfs.OS, the operating system.
	FS vfs.FS
	// Logger is told of recovery, flushes and compactions at Info, stalls at Warn,
	// errors at Error, rotations and files that come and go at Debug, with the
	// attributes that docs/observability.md lists. Default: silent.
	Logger *slog.Logger
	// Events is told of flushes, compactions and their like. Default: nobody.
	Events *Events
}

// ArchiveOptions says what becomes of log segments whose content is in tables.
// An archive that fails never stops writes: segments wait, up to a bound, and
// then the oldest are dropped with an event.
type ArchiveOptions struct {
	// Dir receives copies of the segments. Empty: none are kept there.
	Dir string
	// MaxBytes bounds the archive; the oldest segments go first. Default: no bound.
	MaxBytes int64
	// MaxAge bounds the age of archived segments. Default: no bound.
	MaxAge time.Duration
	// Compress stores the copies with zstd.
	Compress bool
	// Handler is handed each segment after it is in Dir (or instead of Dir). An
	// error makes it come again later.
	Handler func(ctx context.Context, segment ArchivedSegment) error
}

// ArchivedSegment describes one segment handed to an archive.
type ArchivedSegment = wal.ArchivedSegment

// Limits of what a database stores.
const (
	MaxKeyBytes   = 64 << 10
	MaxValueBytes = 1 << 30
	MaxBatchBytes = 2 << 30
)

const (
	memtableBytesDefault = 64 << 20
	memtableBytesMin     = 64 << 10
	memtableBytesMax     = 8 << 30
	cacheBytesDefault    = 256 << 20
	bloomBitsDefault     = 10
	compactionsMax       = 4
)

// withDefaults is a copy of o in which every zero has become its default.
func (o *Options) withDefaults() (Options, error) {
	var c Options
	if o != nil {
		c = *o
	}
	if c.MemtableBytes == 0 {
		c.MemtableBytes = memtableBytesDefault
	}
	c.MemtableBytes = min(max(c.MemtableBytes, memtableBytesMin), memtableBytesMax)
	switch {
	case c.CacheBytes == 0:
		c.CacheBytes = cacheBytesDefault
	case c.CacheBytes < 0:
		c.CacheBytes = 0
	}
	switch {
	case c.BloomBits == 0:
		c.BloomBits = bloomBitsDefault
	case c.BloomBits < 0:
		c.BloomBits = 0
	}
	if c.Compactions <= 0 {
		c.Compactions = min(max(runtime.GOMAXPROCS(0)/2, 1), compactionsMax)
	}
	if c.FS == nil {
		c.FS = vfs.OS
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Events == nil {
		c.Events = &Events{}
	}
	return c, c.check()
}

func (o *Options) check() error {
	if o.Durability > Buffered {
		return fmt.Errorf("varve: options: unknown Durability %d", o.Durability)
	}
	if o.Compression > CompressionZstd {
		return fmt.Errorf("varve: options: unknown Compression %d", o.Compression)
	}
	return nil
}

// codecFor is how blocks of a level are stored.
func (o *Options) codecFor(level int) codec.Type {
	switch o.Compression {
	case CompressionNone:
		return codec.None
	case CompressionS2:
		return codec.S2
	case CompressionZstd:
		return codec.Zstd
	}
	if level <= 1 {
		return codec.None // rewritten soon: the time is worth more than the space (docs/adr/0003)
	}
	return codec.S2
}
