package wal

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/varvekv/varve/vfs"
)

// Preparing segments ahead. Only blocks that were really written let a data sync
// skip the file system's journal: a durable 4 KiB append takes 99-123 µs (p50) in
// a pre-written file, 148-199 in a growing one, 134-195 in an allocated one. It
// pays only once Synced writes are in use, and never in the active file (p90
// 262 µs against 126).

// prepareStepBytes is written between two looks at whether the leader waits.
const prepareStepBytes = 256 << 10

// prepare makes the spares that are missing: recycled files where there are
// some, else one that is written with zeros.
func (k *keeper) prepare(ctx context.Context) error {
	for ctx.Err() == nil && k.log.Err() == nil && k.synced.Load() {
		number, old, ok := k.beginPreparing()
		if !ok {
			return nil
		}
		limit := k.log.segmentSize(number - k.firstNumber)
		f, err := k.makeSpare(ctx, number, limit, old)
		k.endPreparing(number, f)
		if err != nil {
			return err
		}
	}
	return nil
}

// beginPreparing picks the next segment without a file.
func (k *keeper) beginPreparing() (number uint64, old reusable, ok bool) {
	next := k.nextToBegin()
	k.mu.Lock()
	defer k.mu.Unlock()
	// A number that the leader has a file for must never be renamed over.
	next = max(next, k.claimed+1)
	for number = next; k.spares[number] != nil; number++ {
	}
	ahead := number - next
	size := k.log.segmentSize(number - k.firstNumber)
	i := slices.IndexFunc(k.reusable, func(r reusable) bool { return r.sizeBytes == size })
	if ahead >= sparesMax || ahead > 0 && i < 0 {
		return 0, old, false
	}
	if i >= 0 {
		old = k.reusable[i]
		k.reusable = slices.Delete(k.reusable, i, i+1)
	}
	k.preparing, k.abandon = number, false
	return number, old, true
}

// nextToBegin is the number behind the newest segment whose file the leader has made.
func (k *keeper) nextToBegin() uint64 {
	k.log.mu.Lock()
	defer k.log.mu.Unlock()
	return k.log.active.number + 1
}

func (k *keeper) endPreparing(number uint64, f vfs.File) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if f != nil {
		if k.spares == nil {
			k.spares = map[uint64]vfs.File{}
		}
		k.spares[number] = f
	}
	k.preparing = 0
	k.changed.Broadcast()
}

// makeSpare returns the segment's file, its name durable. It may be half filled
// when the leader wants it; an error beside a nil file leaves nothing behind
// that recovery would mind.
func (k *keeper) makeSpare(ctx context.Context, number uint64, limit int64, old reusable) (vfs.File, error) {
	name := segmentName(number)
	if old.name != "" {
		return k.recycle(old, name)
	}
	f, err := k.log.dir.Create(name)
	if err != nil {
		return nil, fmt.Errorf("wal: prepare a segment: %w", err)
	}
	if err := k.fill(ctx, f, limit); err != nil {
		return nil, k.giveUp(f, name, err)
	}
	if err := k.syncDir(); err != nil {
		return nil, errors.Join(fmt.Errorf("wal: prepare %s: %w", name, err), f.Close())
	}
	return f, nil
}

// fill writes zeros, so that the blocks are really there, and syncs them.
func (k *keeper) fill(ctx context.Context, f vfs.File, limit int64) error {
	zeros := make([]byte, prepareStepBytes)
	for from := int64(0); from < limit; {
		if k.hurry() || ctx.Err() != nil {
			return nil
		}
		n := min(limit-from, prepareStepBytes)
		if _, err := f.WriteAt(zeros[:n], from); err != nil {
			return err
		}
		k.log.stats.preparedBytes.Add(uint64(n))
		if err := f.StartWriteback(from, n); err != nil {
			return err
		}
		from += n
	}
	return f.SyncData()
}

// hurry reports whether the leader waits for the file.
func (k *keeper) hurry() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.abandon
}

// giveUp removes what could not be prepared: the leader makes the file itself.
func (k *keeper) giveUp(f vfs.File, name string, err error) error {
	cerr := f.Close()
	rerr := k.log.dir.Remove(name)
	return fmt.Errorf("wal: prepare %s: %w", name, errors.Join(err, cerr, rerr))
}

// recycle makes a released file the next segment. It is first marked as holding
// nothing, durably: a name that disagrees with the header is then always damage.
func (k *keeper) recycle(old reusable, name string) (vfs.File, error) {
	f, err := k.log.dir.OpenReadWrite(old.name)
	if err != nil {
		return nil, fmt.Errorf("wal: recycle: %w", err)
	}
	err = k.renameSpare(f, old.name, name)
	if err != nil {
		return nil, fmt.Errorf("wal: recycle %s as %s: %w", old.name, name, errors.Join(err, f.Close()))
	}
	k.log.stats.recycled.Add(1)
	return f, nil
}

func (k *keeper) renameSpare(f vfs.File, oldName, name string) error {
	h := segmentHeader{state: stateSpare, identity: k.log.identity}
	header := appendHeader(nil, &h)
	if _, err := f.WriteAt(header, 0); err != nil {
		return err
	}
	k.log.stats.preparedBytes.Add(uint64(len(header)))
	if err := f.SyncData(); err != nil {
		return err
	}
	if k.log.Err() != nil {
		return k.log.Err() // nothing is renamed any more
	}
	if err := k.log.dir.Rename(oldName, name); err != nil {
		return err
	}
	return k.syncDir()
}

// syncDir syncs the directory, whose descriptor the leader shares. The system tells
// of a failed sync once: the leader's next one would be told that all is well, so a
// failure here ends the log.
func (k *keeper) syncDir() error {
	err := k.log.dir.Sync()
	if err != nil {
		k.log.Poison(err)
	}
	return err
}
