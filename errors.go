package varve

import (
	"github.com/varvekv/varve/internal/corruption"
	"github.com/varvekv/varve/wal"
)

// What a lookup finds.
var (
	// ErrNotFound is returned by Get and GetTo for a key that is not there.
	ErrNotFound = wal.ErrNotFound
)

// Why a call was refused. Each is wrapped with what was tried.
var (
	// ErrClosed is returned by every call on a closed DB, Snapshot or Iterator.
	ErrClosed = wal.ErrClosed
	// ErrReadOnly is returned by writes to a database opened ReadOnly.
	ErrReadOnly = wal.ErrReadOnly
	// ErrLocked is returned by Open when another opener holds the directory.
	ErrLocked = wal.ErrLocked
	// ErrTooLarge is returned for a key, value or batch past its limit.
	ErrTooLarge = wal.ErrTooLarge
)

// What went wrong with the disk.
var (
	// ErrCorruption matches every error about bytes that cannot be right; use
	// errors.As with *CorruptionError for the place.
	ErrCorruption = corruption.Err
	// ErrUnsupported matches every error about a file, or a part of one, that a
	// later version of varve wrote and this one does not understand. It never
	// matches ErrCorruption: nothing is damaged, and nothing must be mended.
	ErrUnsupported = corruption.ErrUnsupported
	// ErrPoisoned matches the error of every write after a failed write, sync or
	// rename of the log, the manifest or CURRENT. Reads go on; reopen to recover.
	ErrPoisoned = wal.ErrPoisoned
)

// CorruptionError says which file is damaged, at which byte (-1 where none
// applies), and what is wrong there.
type CorruptionError = corruption.Error
