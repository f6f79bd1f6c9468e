package varve

// When reads pay for a merge. Each run of level 0 that a scan must enter costs it
// a seek, each one that a Get must ask costs a look into a filter. While nobody
// writes, compactions that only help readers run anyway; while somebody does, they
// run once readers have lost as much time to surplus runs as merging them takes:
// so neither readers nor writers ever pay much more than twice what the best
// choice, known afterwards, would have cost them (the ski rental rule).

// What a surplus run costs a reader, and a byte its merge: measured on 2 vCPU,
// 2026-11-20 (BenchmarkScan50: 3.4 to 5.5 µs for three runs; BenchmarkCompaction).
const (
	scanRunNanos   = 2500
	getRunNanos    = 40
	mergeByteNanos = 4
)

// readWork is how many reads there were so far: see readTallies.
type readWork struct{ scans, gets uint64 }

// readDebt is what surplus runs have cost readers since the last merge. It belongs
// to the goroutine that chooses compactions.
type readDebt struct {
	seen  readWork
	nanos uint64
}

// isDue adds what readers did since the last call, while there were so many surplus
// runs whose merge takes mergeBytes, and reports whether that merge is paid for. The
// answer yes settles the debt.
func (d *readDebt) isDue(w readWork, surplus int, mergeBytes int64) bool {
	newScans, newGets := w.scans-d.seen.scans, w.gets-d.seen.gets
	d.seen = w
	if surplus == 0 {
		d.nanos = 0
		return false
	}
	d.nanos += uint64(surplus) * (newScans*scanRunNanos + newGets*getRunNanos)
	if d.nanos < uint64(mergeBytes)*mergeByteNanos {
		return false
	}
	d.nanos = 0
	return true
}

// isTidyingPaid reports whether readers have paid for the merge of level 0.
func (db *DB) isTidyingPaid(d *readDebt) bool {
	v, sum := db.readable(), db.tallies.sum()
	bytes, surplus := db.shape().Tidying(v)
	return d.isDue(readWork{sum.scans, sum.gets}, surplus, bytes)
}
