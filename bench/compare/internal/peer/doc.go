// Package peer is the engines that are measured side by side, each behind the
// benchmarks' seam (package engine), with its settings and its durabilities in
// its own words. It measures nothing, and has no favourite: an engine tuned
// badly here would make every figure beside it worthless.
//
// # Tuned
//
// Tuned is what an engine's own documentation advises for the work, within the
// budgets that all engines have alike (cache, memtable, codec):
//
//   - Pebble: the options of its own benchmark, cmd/pebble/db.go in its
//     repository, which are CockroachDB's (DefaultPebbleOptions in pkg/storage);
//     the comments of its Options.
//   - Badger: the comments of its options.go, whose defaults are meant as a
//     recommendation; "Writes are really slow" in docs/troubleshooting.md; the
//     section on key-only iteration in docs/quickstart.md.
//   - goleveldb: the comments of its package opt, and what go-ethereum's
//     ethdb/leveldb chose.
//   - bbolt: "Batch read-write transactions" and "Caveats & Limitations" of its
//     README; the comments of its Options and DB.
//   - RocksDB: "Setup Options and Basic Tuning" and "WAL Performance" of its wiki.
//   - LMDB: the comments of lmdb.h; "Caveats" of package lmdb.
//
// Where documentation leaves a choice, or its advice is for another machine, the
// faster of the choices was taken; the adapter's file knobs.go has the
// measurement. What sets the profile Defaults apart is the settings alone, those
// of iterators among them: both profiles make the same calls.
//
// # Fair play
//
// Every adapter writes with the durability it was asked for or refuses
// (ErrDurability); some give more than Buffered asks, because they have nothing
// weaker. Scans open a new view each time and copy nothing; Get copies once, to
// the caller. Nothing is written to a log file or to stderr but errors.
package peer
