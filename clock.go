package varve

// The seams for time and chance. Nothing else in the engine asks the system for
// either.

import (
	cryptorand "crypto/rand"
	"encoding/binary"
	"time"
)

// clock is where the engine gets time and chance from.
type clock struct {
	wall   func() time.Time
	random func() uint64
}

var systemClock = clock{wall: time.Now, random: randomWord}

// randomWord is eight bytes that no other file has: identities are made of it.
func randomWord() uint64 {
	var b [8]byte
	_, _ = cryptorand.Read(b[:]) // never fails: crypto/rand ends the process instead
	return binary.LittleEndian.Uint64(b[:])
}

// identity is a random word that is not zero.
func (c clock) identity() uint64 {
	for {
		if id := c.random(); id != 0 {
			return id
		}
	}
}

// nanos is the wall clock in unix nanoseconds.
func (c clock) nanos() int64 { return c.wall().UnixNano() }

var started = time.Now()

// monotonic is the time since the process began.
func monotonic() time.Duration { return time.Since(started) }

func (db *DB) now() time.Duration { return monotonic() }
