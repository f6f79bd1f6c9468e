// Package varve is an embedded, ordered key-value engine: a log-structured
// merge tree over a write-ahead log that can be trusted.
//
// # What it promises
//
//   - A Synced write that returned nil is there after every later Open.
//   - After a crash the state is a prefix of the order of commits, at least up to
//     the last Synced acknowledgement; a batch is wholly there or wholly absent.
//   - A deleted or overwritten version never comes back.
//   - Damage that destroyed durable data makes Open fail, naming file, offset and
//     reason. Nothing is silently skipped and nothing on disk is destroyed by Open.
//   - Every byte read from disk is verified; no file makes it panic or hang, and
//     an error never looks like the end of the data.
//
// # What it never does
//
// It never kills the process, never sets a knob of the Go runtime, never retries
// a failed fsync, and never uses memory of the caller after a call returned.
//
// # Map
//
// A write goes through commit.go (sequence, log, memtable, publish); a full
// memtable is exchanged in rotate.go and becomes a table in flush.go; tables are
// rewritten by background.go with package compaction. A read goes through
// view.go and read.go, a scan through iter.go. recovery.go is Open as named
// steps, obsolete.go says when a file may go.
//
//	db, err := varve.Open("data", nil)
//	if err != nil { ... }
//	defer db.Close()
//	err = db.Put([]byte("key"), []byte("value"))
//	value, err := db.Get([]byte("key"))
package varve
