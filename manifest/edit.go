package manifest

// Edit is one atomic change of what is alive. Zero fields change nothing.
type Edit struct {
	// Number counts the edits of a database from 1, without gap. Apply sets it.
	Number uint64

	// Removed are ids of live slices. They go before Added come, so that an
	// edit that removes and adds one id moves that slice.
	Removed []uint64
	// Added are new slices. Apply keeps them: they must not change afterwards.
	Added []*Slice

	// LastSeq is the greatest sequence that tables hold: replay skips what is
	// at or below it. It never goes down.
	LastSeq uint64
	// NextFile raises the counter of file numbers. Apply fills it in where the
	// counter must grow; set it only in Options.Initial.
	NextFile uint64
	// LogFrom is the oldest place of the log that is still needed.
	LogFrom *LogPoint
	// LogAccepted is what recovery accepted of the log, or that a log was made.
	LogAccepted *LogAccepted
	// DurableLSN is the end of what the log had synced when the edit was made.
	DurableLSN uint64

	snapshot  bool  // holds the whole state: the first edit of each file
	fileBytes int64 // size of the manifest file synced before this edit began
}

// LogPoint is a place in the log: a segment's number and a logical offset in
// bytes. The first byte of a log is LSN 0.
type LogPoint struct {
	Segment uint64
	LSN     uint64
}

// LogAccepted is how far the log was accepted at an open. It is synced before
// the fresh segment takes its first write, so that a tail that was seen and then
// lost is not confused with what takes its place.
type LogAccepted struct {
	Identity uint64 // random, of the log; 0 = no log yet
	Epoch    uint64 // +1 at every unclean open and restore
	Segment  uint64 // the last one accepted
	End      uint64 // LSN behind the last accepted frame
	Chain    uint64 // chained checksum up to there
}

// Empty reports whether the edit changes nothing. Such an edit is a mark: once
// it is there, the edit before it is proven durable.
func (e *Edit) Empty() bool {
	return len(e.Removed) == 0 && len(e.Added) == 0 && e.LastSeq == 0 && e.NextFile == 0 &&
		e.LogFrom == nil && e.LogAccepted == nil && e.DurableLSN == 0 && !e.snapshot
}
