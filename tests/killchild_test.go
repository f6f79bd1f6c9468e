package tests

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/varvekv/varve"
)

// The child of TestKill loads a database and tells on its standard output what
// it was promised, line by line, until it is killed.

const (
	killWriters = 4
	killKeys    = 300 // of each writer
	childDir    = "VARVE_TESTS_DIR"
	childStart  = "VARVE_TESTS_START" // commits that each writer finds done
	childSeed   = "VARVE_TESTS_SEED"

	childReadOnly = "VARVE_TESTS_READONLY"
)

// killDurability is what each writer asks for. Only Buffered promises nothing
// to a process that is killed.
var killDurability = [killWriters]varve.Durability{varve.Synced, varve.Written, varve.Buffered, varve.Written}

// killKeyNames are the keys of all writers, each writer's together, in order.
func killKeyNames() []string {
	var keys []string
	for w := range killWriters {
		for k := range killKeys {
			keys = append(keys, fmt.Sprintf("w%d/%05d", w, k))
		}
	}
	return keys
}

// killUnit is commit n (from 1) of writer w: parent and child know it alike.
func killUnit(seed uint64, w, n int) []change {
	rng := rand.New(rand.NewPCG(seed, uint64(w)<<32|uint64(n)))
	count := 1 + rng.IntN(3)
	if w == 3 && n%10 == 0 {
		count = 60
	}
	unit := make([]change, count)
	for i := range unit {
		unit[i] = change{w*killKeys + rng.IntN(killKeys), absent}
		if rng.IntN(5) != 0 {
			unit[i].to = newStamp(uint64(n)<<16|uint64(w)<<8|uint64(i), 8+rng.IntN(700))
		}
	}
	return unit
}

// say writes one line with one system call: lines of several goroutines do not mix.
func say(format string, args ...any) {
	os.Stdout.WriteString(fmt.Sprintf(format, args...) + "\n")
}

func runLoadingChild() {
	seed, _ := strconv.ParseUint(os.Getenv(childSeed), 10, 64)
	rotations := make(chan struct{}, 1)
	events := &varve.Events{
		RotateEnd: func(varve.RotateInfo) {
			say("begin rotating")
			say("begin flushing")
			select {
			case rotations <- struct{}{}:
			default:
			}
		},
		FlushEnd: func(varve.FlushInfo) { say("end flushing") },
		CompactionEnd: func(i varve.CompactionInfo) {
			say("compacted into %d", i.ToLevel)
		},
	}
	say("begin opening")
	db, err := varve.Open(os.Getenv(childDir), &varve.Options{MemtableBytes: 256 << 10, CacheBytes: 1 << 20, Events: events})
	say("end opening")
	if err != nil {
		say("error open: %v", err)
		os.Exit(1)
	}
	say("begin loading")
	var wg sync.WaitGroup
	for w, start := range strings.Split(os.Getenv(childStart), ",") {
		n, _ := strconv.Atoi(start)
		wg.Add(1)
		go func() {
			defer wg.Done()
			loadChild(db, seed, w, n)
		}()
	}
	for range rotations {
		say("begin compacting")
		if err := db.Compact(context.Background(), nil, nil); err != nil {
			say("error compact: %v", err)
		}
		say("end compacting")
	}
	wg.Wait()
}

func loadChild(db *varve.DB, seed uint64, w, n int) {
	keys := killKeyNames()
	for {
		n++
		seq, err := apply(db.With(killDurability[w]), keys, killUnit(seed, w, n), true)
		if err != nil {
			say("error write: %v", err)
			return
		}
		say("ack %d %d %d", w, n, seq)
	}
}

// runOpeningChild opens a directory, says how that went, and closes.
func runOpeningChild() {
	db, err := varve.Open(os.Getenv(childDir), &varve.Options{ReadOnly: os.Getenv(childReadOnly) != ""})
	if errors.Is(err, varve.ErrLocked) {
		say("locked")
		return
	}
	if err != nil {
		say("error %v", err)
		return
	}
	say("opened")
	if err := db.Close(); err != nil {
		say("error %v", err)
	}
}
