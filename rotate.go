package varve

import (
	"fmt"

	"github.com/varvekv/varve/memtable"
)

// immutablesMax is how many full memtables may wait for their flush. Two keep
// the pipeline busy; more would only be memory.
const immutablesMax = 2

// rotateLocked exchanges the full memtable for a fresh one and tells the log to
// cut, so that a segment belongs to one memtable. It does no disk I/O. It returns
// nil when too many full ones wait already; the caller hands what it returns to
// tellRotated once it holds no lock. REQUIRES: db.commitMu held.
func (db *DB) rotateLocked() (*RotateInfo, error) {
	old := db.view.Load()
	if len(old.imms) >= immutablesMax {
		return nil, nil
	}
	fresh, err := db.newMem()
	if err != nil {
		return nil, err
	}
	start, segment := db.log.Cut()
	fresh.logStart, fresh.segment, fresh.firstSeq = start, segment, db.lastSeq+1
	old.mem.Freeze()
	old.mem.lastSeq = db.lastSeq

	db.mu.Lock()
	now := db.view.Load() // a flush may have installed another since
	imms := append([]*mem{now.mem}, now.imms...)
	db.installLocked(newView(fresh, imms, now.ver))
	db.mu.Unlock()

	db.counters.rotations.Add(1)
	kick(db.work.flush)
	return &RotateInfo{Segment: segment, MemtableBytes: old.mem.SizeBytes()}, nil
}

// newMem is an empty memtable.
func (db *DB) newMem() (*mem, error) {
	t, err := memtable.New(memtable.Options{Pool: db.arenas})
	if err != nil {
		return nil, fmt.Errorf("varve: new memtable: %w", err)
	}
	return &mem{Table: t, timeMin: db.clock.nanos()}, nil
}
