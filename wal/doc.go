// Package wal makes ordered records durable: an append-only log in segment
// files, with group commit, rotation, archive, replay and a verdict on damage.
//
// What it promises. A call that returned nil at Synced is there after every later
// successful Open. After a crash the log is a prefix of what was appended, at
// least up to the last such call; a batch is wholly there or wholly absent. What
// a mark on the disk proves durable is never silently missing: Open then fails
// with file, offset and reason. Any other damage is a torn tail: set aside,
// reported, and the log opens. After a failed write or sync every call returns
// that one error until the log is opened again.
//
// What it never does: retry a failed sync, destroy bytes when opening, write to
// a segment that was recovered, or hold a lock across disk I/O (the commit
// leader's turn aside, which is not a lock that appends take).
//
// Positions are LSNs: logical byte offsets, the first 0, only growing; holes are
// legal. Sequences number operations and are the caller's.
//
//	l, recovery, err := wal.Open("dir", nil)
//	if err != nil {
//		return err // recovery says what was found
//	}
//	lsn, err := l.AppendSync([]byte("on stable storage on return"))
//	for r, err := range l.RecordsFrom(lsn) {
//		…
//	}
//	return l.Close()
//
// Open returns the log after a clean end or a torn tail (see Recovery).
package wal
