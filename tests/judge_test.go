package tests

import (
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"github.com/varvekv/varve"
	"github.com/varvekv/varve/vfs"
)

// A verdict is what became of a database whose files were harmed.
type verdict uint8

const (
	refused verdict = iota + 1 // Open failed and named the file
	found                      // Open succeeded; a read or Check failed and named it, none lied
	torn                       // commits of the end are missing, as after a power cut
	whole                      // everything is there, and nothing noticed
)

func (v verdict) String() string {
	return [...]string{"none", "refused by Open", "found by a read or Check", "taken for a torn tail", "unnoticed, all there"}[v]
}

// A judge opens what was harmed. It returns an error where a promise is broken.
type judge struct {
	s     *specimen
	fs    vfs.FS
	floor int      // units that must be there, if it opens
	names []string // one of which an error must name
	n     int      // units that were there
}

func (j *judge) open() (v verdict, err error) {
	defer watchdog(30*time.Second, "a harmed database")()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	db, err := varve.Open(worldDir, &varve.Options{MemtableBytes: 64 << 10, CacheBytes: 256 << 10, FS: j.fs})
	if err != nil {
		return refused, j.plain("Open", err)
	}
	v, err = j.read(db)
	if closed := db.Close(); err == nil && closed != nil {
		return v, j.plain("Close", closed)
	}
	return v, err
}

// plain: the error must say that it is about damage, or a missing file, and name
// the file.
func (j *judge) plain(what string, err error) error {
	if !errors.Is(err, varve.ErrCorruption) {
		return fmt.Errorf("%s: not ErrCorruption: %w", what, err)
	}
	var at *varve.CorruptionError
	if !errors.As(err, &at) || at.File == "" || at.Reason == "" {
		return fmt.Errorf("%s: no *CorruptionError with file and reason: %w", what, err)
	}
	if !mentions(err, j.names) {
		return fmt.Errorf("%s: names none of %v: %w", what, j.names, err)
	}
	return nil
}

// read: what is read is right or an error, however it is read.
func (j *judge) read(db *varve.DB) (verdict, error) {
	state, scanned := contents(db, j.s.led.keys, j.s.rng.IntN(2) == 0)
	ctx, cancel := patience()
	defer cancel()
	checked := db.Check(ctx)
	if scanned == nil {
		n, err := j.s.led.settle(state, j.floor)
		if err != nil {
			return 0, err
		}
		j.n = n
	} else {
		j.n = j.floor // where the end was not damaged too, this holds
	}
	if err := j.get(db, scanned == nil); err != nil {
		return 0, err
	}
	for err := range sweep(scanned, checked) {
		if err := j.plain("reading", err); err != nil {
			return 0, err
		}
	}
	switch {
	case scanned != nil && checked == nil:
		return 0, fmt.Errorf("a scan fails, and Check finds nothing: %w", scanned)
	case checked != nil:
		return found, nil
	case j.n < len(j.s.led.units) && !slices.Equal(state, j.s.led.state(len(j.s.led.units))):
		return torn, nil
	}
	return whole, nil
}

// get reads each key by itself.
func (j *judge) get(db *varve.DB, isReadable bool) error {
	want := j.s.led.state(j.n)
	for i, key := range j.s.led.keys {
		got := absent
		v, err := db.Get([]byte(key))
		if err == nil {
			got, _, err = parseStamp(v, nil)
		} else if errors.Is(err, varve.ErrNotFound) {
			err = nil
		}
		if errors.Is(err, varve.ErrCorruption) && !isReadable {
			continue
		}
		if err != nil {
			return fmt.Errorf("Get %q: %w", key, err)
		}
		if got != want[i] && (isReadable || j.floor == len(j.s.led.units)) {
			return fmt.Errorf("Get %q: %v, want %v%s", key, got, want[i], j.s.led.trace(i, got))
		}
	}
	return nil
}
