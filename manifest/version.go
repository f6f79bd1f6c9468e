package manifest

// Types of the metadata that a manifest keeps; the package comment is in doc.go.

// LevelCount is the number of levels: 0 holds flushes (many runs), each other
// level holds at most one run today; the format allows more.
const LevelCount = 7

// Slice is a live piece of a physical table file: what a level is made of.
// Today a slice is always the whole file; moves are edits, and excising,
// ingesting or renumbering will be, without a new format. A Slice is immutable.
type Slice struct {
	ID       uint64 // logical id, never reused; from the file number counter
	File     uint64 // number of the physical file
	Identity uint64 // random, also in the file's footer: a foreign file is found
	Keyspace uint32 // 0: the only one today
	Level    int
	Run      uint64 // id of the run it belongs to; a greater run in level 0 is newer

	FileBytes int64 // of the physical file
	// Lower and Upper are the smallest and greatest user key, both inclusive.
	Lower, Upper   []byte
	SeqMin, SeqMax uint64 // of the operations in it; 0 where they were zeroed
	TimeMin        int64  // unix nanoseconds of the oldest write in it; 0 = unknown
	TimeMax        int64
	Entries        uint64 // versions, tombstones included
	Tombstones     uint64
	KeyBytes       uint64 // uncompressed user key bytes
	ValueBytes     uint64 // uncompressed value bytes
	EntrySum       uint64 // sum of hash.Entry over its entries, modulo 2^64
}

// Run is a sorted sequence of slices that do not overlap in user keys.
type Run struct {
	ID     uint64
	Slices []*Slice // ascending by Lower
}

// Level is the runs of one level, newest first.
type Level struct {
	Runs []Run
}

// Version is which slices are live at one moment. It is immutable.
type Version struct {
	Levels [LevelCount]Level
}
