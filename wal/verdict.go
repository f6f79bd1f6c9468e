package wal

import (
	"errors"
	"fmt"
	"io"

	"github.com/varvekv/varve/internal/corruption"
	"github.com/varvekv/varve/internal/recordio"
)

// The verdict on damage. Damage at position x is corruption where something valid
// proves that the log was durable past x: a mark or seal (behind the damage too,
// in later segments too), a segment header, or what the caller knows from its
// manifest. A valid frame behind the damage proves nothing by itself, disks
// reorder. Without proof it is a torn tail, wherever it lies: what follows is cut.

// afterScan judges the end of segment i's scan. again: go on scanning behind the
// damage (salvage). done: the log ends here.
func (r *recoverer) afterScan(i int, ss *segmentScan) (again, done bool, err error) {
	f, x, file := r.chain[i], ss.end, ss.file
	reason := ss.reason
	if reason == "" && f.bounded && x == f.bound {
		if ss.skipped || r.sum == f.boundSum {
			return false, false, nil
		}
		reason = "the chained checksum is not the one that the next segment's header has"
	}
	if reason == "" && ss.sealed && !f.bounded {
		return false, i == len(r.chain)-1, nil
	}
	if reason == "" {
		reason = ss.scanner.Stop().String()
	}
	offset := f.offsetOf(x)
	if r.salvaging {
		return r.salvage(ss), false, nil // the verdict stands since the first damage
	}
	last, err := r.behind(f, file, offset+1)
	if err != nil {
		return false, false, err
	}
	later, err := r.proofFrom(i + 1)
	if err != nil {
		return false, false, err
	}
	if x < r.start {
		again = r.skipReleased(i, ss)
		return again, !again && i == len(r.chain)-1, nil
	}
	if r.proof <= x && i == len(r.chain)-1 && !f.bounded && last == 0 {
		honest, err := honestEnd(file, offset, f.sizeBytes, ss)
		if honest || err != nil {
			return false, true, err
		}
	}
	f.dropped = max(last, r.garbageEnd(f, ss, offset)) - offset
	done = r.damaged(f, offset, x, f.dropped+later, reason)
	if r.options.Policy == Salvage && r.report.Verdict != TornTail {
		r.salvaging = true
		return r.salvage(ss), false, nil
	}
	return false, done, nil
}

// damaged records the verdict on damage at x.
func (r *recoverer) damaged(f *found, offset int64, x LSN, dropped int64, reason string) (done bool) {
	rep := r.report
	first := rep.Verdict == Clean
	v := TornTail
	if r.proof > x {
		v = Corrupt
		reason = fmt.Sprintf("%s; the log is proven durable up to LSN %d, this is LSN %d", reason, r.proof, x)
	}
	if first {
		rep.Verdict, rep.File, rep.Offset, rep.Reason = v, f.name, offset, reason
	}
	rep.Dropped += max(0, dropped)
	return true
}

// skipReleased goes on where the log is needed: what lies before was released
// (the caller or a mark further on says so), and its damage means nothing. False
// when that is not in this segment.
func (r *recoverer) skipReleased(i int, ss *segmentScan) bool {
	f := r.chain[i]
	region := f.region()
	if ss.skipped || r.start < f.header.first || r.start >= LSN(region.LSNAt(min(region.End, f.sizeBytes))) {
		return false
	}
	region.Start, region.LSN, region.End = f.offsetOf(r.start), uint64(r.start), min(region.End, f.sizeBytes)
	ss.unit.Reset()
	ss.scanner.Reset(ss.file, region)
	ss.skipped, ss.reason, ss.end = true, "", r.start
	return true
}

// salvage goes on behind the damage, at the next valid frame.
func (r *recoverer) salvage(ss *segmentScan) bool {
	if ss.sealed {
		return false
	}
	ss.unit.Reset()
	ss.reason, ss.skipped = "", true
	if ss.scanner.Stop() == recordio.None {
		return true // the frame itself was valid: it is left out
	}
	return ss.scanner.Resume()
}

// honestEnd reports whether the log simply ends at offset: zeros up to the end of
// the block (the writer pads), or a block that was never written since.
func honestEnd(file io.ReaderAt, offset, size int64, ss *segmentScan) (bool, error) {
	stop := ss.scanner.Stop()
	if ss.unit.Open() || ss.reason != "" || ss.sealed {
		return false, nil
	}
	if offset%recordio.BlockBytes == 0 && (stop == recordio.HeaderChecksum || stop == recordio.Zeros || stop == recordio.End) {
		return true, nil
	}
	if stop != recordio.Zeros && stop != recordio.End {
		return false, nil
	}
	block := (offset + recordio.BlockBytes) &^ (recordio.BlockBytes - 1)
	zero, _, err := recordio.AllZero(file, offset, min(block, size))
	if err != nil {
		return false, fmt.Errorf("wal: open: %w", err)
	}
	return zero, nil
}

// garbageEnd estimates where the torn bytes at offset end: behind the frame whose
// header is still valid, else at the end of the block.
func (r *recoverer) garbageEnd(f *found, ss *segmentScan, offset int64) int64 {
	end := (offset + recordio.BlockBytes) &^ (recordio.BlockBytes - 1)
	if stop := ss.scanner.Stop(); stop == recordio.PayloadChecksum || stop == recordio.Cut {
		end = max(end, ss.scanner.Offset()+recordio.HeaderBytes+int64(ss.scanner.Frame().Length))
	}
	return max(offset, min(end, f.sizeBytes))
}

// damagedHeader judges a segment one of whose header's copies is damaged.
func (r *recoverer) damagedHeader(i int) (done bool, err error) {
	f := r.chain[i]
	bytes, err := r.proofFrom(i)
	if err != nil {
		return false, err
	}
	if r.proof <= f.header.first && i == len(r.chain)-1 && bytes == 0 {
		return false, nil // nothing in it yet, and the other copy serves
	}
	done = r.damaged(f, f.damage.offset, f.header.first, bytes, f.damage.reason)
	if i > 0 {
		r.cut, r.end, r.sum = r.chain[i-1], r.chain[i-1].end, f.header.prev.chain
	} else {
		r.cut = nil
	}
	if r.options.Policy == Salvage && r.report.Verdict != TornTail {
		r.cut, r.end = f, f.header.first
		return false, nil
	}
	return done, nil
}

// missingBefore judges a hole in the chain before segment i.
func (r *recoverer) missingBefore(i int) (done bool, err error) {
	f := r.chain[i]
	bytes, err := r.proofFrom(i)
	if err != nil {
		return false, err
	}
	x := max(r.end, r.start)
	name, reason, verdict := segmentName(f.missing), "the segment is missing", Gap
	if b := r.file(f.missing); b != nil {
		name, reason, verdict = b.name, b.damage.reason, Corrupt
	}
	hole := &found{name: name, number: f.missing}
	done = r.damaged(hole, 0, x, bytes, reason)
	if r.report.Verdict == Corrupt {
		r.report.Verdict = verdict
	}
	return done && (r.options.Policy != Salvage || r.report.Verdict == TornTail), nil
}

// judgeNewest looks at files newer than the newest live segment whose header
// never arrived: unborn when they hold nothing, else an honest torn tail, unless
// a mark inside, under the log's own binding, proves otherwise.
func (r *recoverer) judgeNewest() error {
	if r.report.Verdict != Clean {
		return nil
	}
	newest := r.newestLive()
	for _, f := range r.files {
		if f.class != broken || newest != nil && f.number < newest.number {
			continue
		}
		empty, err := r.isEmpty(f)
		if err != nil {
			return err
		}
		if empty {
			continue
		}
		if err := r.guess(newest, f); err != nil {
			return err
		}
		f.dropped = f.sizeBytes
		r.damaged(f, 0, max(r.end, r.start), f.sizeBytes, f.damage.reason)
		return nil
	}
	return nil
}

func (r *recoverer) newestLive() *found {
	if len(r.chain) == 0 {
		return nil
	}
	return r.chain[len(r.chain)-1]
}

func (r *recoverer) isEmpty(f *found) (bool, error) { return r.isZero(f, 0) }

// isZero reports whether the file is zeros from the offset on.
func (r *recoverer) isZero(f *found, from int64) (bool, error) {
	file, err := r.dir.Open(f.name)
	if err != nil {
		return false, fmt.Errorf("wal: open: %w", err)
	}
	zero, _, err := recordio.AllZero(file, from, f.sizeBytes)
	return zero, errors.Join(err, file.Close())
}

// guess looks for proof in a file without a header: behind a sealed segment it
// can only have been the next one of the same opening, so its binding is known.
func (r *recoverer) guess(newest, f *found) error {
	if newest == nil || !r.sealed || f.number != newest.number+1 {
		return nil
	}
	f.header = segmentHeader{number: f.number, identity: newest.header.identity, epoch: newest.header.epoch, first: r.end}
	_, err := r.behindFile(f, min(headerBytes, f.sizeBytes))
	return err
}

// judgeEmpty notices a log that is proven to exist and is not there.
func (r *recoverer) judgeEmpty() error {
	if r.report.Verdict != Clean || r.proof <= max(r.end, r.start) {
		return nil
	}
	if len(r.chain) > 0 {
		f := r.newestLive()
		r.damaged(f, f.offsetOf(f.end), r.end, 0, "the log ends early")
		return nil
	}
	name := segmentName(max(r.greatest, 1))
	for _, f := range r.files {
		if f.class == broken { // the oldest such; a spare may be the newest of all
			name = f.name
			break
		}
	}
	e := corruption.New(name, -1, "the log is proven durable up to LSN %d, and no segment is there", r.proof)
	r.report.Verdict, r.report.File, r.report.Offset, r.report.Reason = Gap, e.File, e.Offset, e.Reason
	return nil
}
