// Package compaction chooses which tables to merge, and merges them: the tree
// stays shallow for readers, small on disk and cheap to write.
//
// Pick is a pure function of a version and of what runs already; Run carries a
// plan out, and Flush writes a memtable the same way. Both promise the
// conservation law: the hashes of the entries read are those written, dropped
// and rewritten, or the result is a corruption error and no edit. Nothing here
// applies an edit, deletes an input, takes a lock or reads a clock.
//
//	for plan := compaction.Pick(version, state); plan != nil; plan = compaction.Pick(version, state) {
//		result, err := compaction.Run(ctx, plan, env)
//		…apply result.Edit; only then are the inputs obsolete
//	}
//
// One level of levels 1 and below is one sorted run. Level 0 is a list of runs,
// each flush one run, newer runs above older ones.
package compaction
