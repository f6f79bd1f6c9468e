package wal

import (
	"errors"
	"fmt"
	"time"

	"github.com/varvekv/varve/internal/corruption"
	"github.com/varvekv/varve/vfs"
)

// LSN is a position in one log: a logical byte offset. The first is 0; it only
// grows, over rotation, recycling, archival and restarts. Holes are legal.
type LSN uint64

// Durability is what a call waits for.
type Durability uint8

// Durabilities, the strongest first.
const (
	Synced   Durability = iota // on stable storage on return: survives a power cut
	Written                    // in the operating system's cache: survives kill -9 of the process
	Buffered                   // in this process: survives nothing; the fastest
)

func (d Durability) String() string {
	switch d {
	case Synced:
		return "synced"
	case Written:
		return "written"
	case Buffered:
		return "buffered"
	}
	return fmt.Sprintf("durability(%d)", uint8(d))
}

// Errors that callers branch on.
var (
	ErrClosed     = errors.New("closed")
	ErrReadOnly   = errors.New("opened read-only")
	ErrLocked     = vfs.ErrLocked  // another opener holds the directory
	ErrCorruption = corruption.Err // matches every *CorruptionError
	// ErrUnsupported matches the errors for what a later version wrote: whole, not
	// damaged, and not to be mended by any Policy.
	ErrUnsupported = corruption.ErrUnsupported
	ErrPoisoned    = errors.New("poisoned by an earlier I/O error; reopen")
	ErrTooLarge    = errors.New("too large")
	ErrNotFound    = errors.New("not found")
)

// CorruptionError says which file is damaged, at which byte, and how.
type CorruptionError = corruption.Error

// unsupported is the error for what a later version wrote.
func unsupported(file string, offset int64, format string, args ...any) error {
	return fmt.Errorf("wal: %w", corruption.Unsupported(file, offset, format, args...))
}

// poisonError is the one sticky error of a log: it matches ErrPoisoned and what
// had failed.
type poisonError struct{ cause error }

func (e *poisonError) Error() string   { return fmt.Sprintf("wal: %v: %v", ErrPoisoned, e.cause) }
func (e *poisonError) Unwrap() []error { return []error{ErrPoisoned, e.cause} }

// Verdict is what recovery made of the end of the log.
type Verdict uint8

// Verdicts.
const (
	Clean    Verdict = iota + 1 // every byte found is accounted for
	TornTail                    // a tail that nothing proves durable was cut off and set aside
	Corrupt                     // what is proven durable is damaged
	Stale                       // a file belongs to another log or another life of this one
	Gap                         // a segment that is proven durable is missing
)

func (v Verdict) String() string {
	switch v {
	case Clean:
		return "clean"
	case TornTail:
		return "torn tail"
	case Corrupt:
		return "corrupt"
	case Stale:
		return "stale"
	case Gap:
		return "gap"
	}
	return fmt.Sprintf("verdict(%d)", uint8(v))
}

// MarshalText is String, for JSON.
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (v *Verdict) UnmarshalText(text []byte) error {
	for known := Clean; known <= Gap; known++ {
		if known.String() == string(text) {
			*v = known
			return nil
		}
	}
	var n uint8
	if _, err := fmt.Sscanf(string(text), "verdict(%d)", &n); err != nil {
		return fmt.Errorf("wal: %q is no verdict", text)
	}
	*v = Verdict(n)
	return nil
}

// Policy is what Open does about damage.
type Policy uint8

// Policies. None of them destroys bytes.
const (
	// TolerateTornTail opens after a torn tail and refuses corruption.
	TolerateTornTail Policy = iota
	// Strict refuses a torn tail too.
	Strict
	// PointInTime opens with everything before the first damage, whatever it is;
	// what follows is set aside and the report says so.
	PointInTime
	// Salvage also replays the valid units behind the damage. The damage stays
	// where it is: until the damaged segments are released, each Open needs it.
	Salvage
)

// Recovery reports what Open found. It is filled in even beside an error.
type Recovery struct {
	Verdict  Verdict `json:"verdict"`
	Records  int64   `json:"records"`       // replayed: records, or units of operations
	Bytes    int64   `json:"bytes"`         // of their payloads
	Dropped  int64   `json:"dropped_bytes"` // bytes found behind the accepted end, set aside
	Segments int     `json:"segments"`      // live segments that were found
	// File, Offset and Reason say where the log was cut or is damaged; File is
	// empty where it is not.
	File   string `json:"file"`
	Offset int64  `json:"offset"`
	Reason string `json:"reason"`
	// Undecided is how many bytes up to the last one found lie past what is proven
	// durable: whether they were acknowledged as synced cannot be told.
	Undecided int64         `json:"undecided_bytes"`
	SetAside  []string      `json:"set_aside"` // files renamed to *.torn
	Unclean   bool          `json:"unclean"`   // the log had not been closed: the epoch grew
	Duration  time.Duration `json:"duration_ns"`

	Identity uint64 `json:"identity,string"`
	Epoch    uint64 `json:"epoch"`             // of what is appended from now on
	Start    LSN    `json:"start_lsn"`         // the oldest position that is still needed
	End      LSN    `json:"end_lsn"`           // the accepted end of what was found
	Next     LSN    `json:"next_lsn"`          // where appends go on: End, or behind a hole
	Segment  uint64 `json:"segment"`           // number of the segment that holds End; 0 = none
	Chain    uint64 `json:"chain,string"`      // the chained checksum up to End
	LastSeq  uint64 `json:"last_seq"`          // greatest sequence replayed or skipped; 0 = none
	LastEdit uint64 `json:"last_edit"`         // greatest manifest edit that a segment header or a mark proves durable
	LastTime int64  `json:"last_time_unix_ns"` // unix nanoseconds of the newest mark; 0 = none
}
