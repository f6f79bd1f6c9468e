package varve

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/varvekv/varve/compaction"
	"github.com/varvekv/varve/vfs"
)

func TestReadersPayForMerges(t *testing.T) {
	const mb = 1 << 20
	var w readWork
	var d readDebt
	read := func(scans, gets uint64) { w.scans += scans; w.gets += gets }

	read(1<<40, 1<<40)
	if d.isDue(w, 0, mb) {
		t.Error("paid for a merge of one run")
	}
	if d.isDue(w, 3, mb) {
		t.Error("reads that met one run paid for the merge of four")
	}
	read(mb*mergeByteNanos/scanRunNanos/3, 0)
	if d.isDue(w, 3, mb) {
		t.Error("paid by too few scans")
	}
	read(1, 0)
	if !d.isDue(w, 3, mb) {
		t.Error("not paid by scans of which each met three surplus runs")
	}
	if d.isDue(w, 3, mb) {
		t.Error("paid twice by the same scans")
	}
	read(0, mb*mergeByteNanos/getRunNanos)
	if d.isDue(w, 0, mb) || d.isDue(w, 3, mb) {
		t.Error("a debt outlived the runs that made it")
	}
	read(0, mb*mergeByteNanos/getRunNanos+1)
	if !d.isDue(w, 1, mb) {
		t.Error("not paid by gets")
	}
}

// TestScansMergeRunsWhileWritesGoOn: without a pause in the writes, level 0 is
// merged because it is scanned.
func TestScansMergeRunsWhileWritesGoOn(t *testing.T) {
	fs := vfs.NewStrict(1)
	o := smallOptions(fs)
	merged := make(chan struct{})
	tell := sync.OnceFunc(func() { close(merged) })
	o.Events = &Events{CompactionEnd: func(i CompactionInfo) {
		if i.Reason == compaction.ReasonReads.String() {
			tell()
		}
	}}
	db := openSmall(t, o)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for n := 0; ; n++ {
		select {
		case <-merged:
			closeClean(t, db, fs)
			return
		case <-ctx.Done():
			t.Fatalf("%d scans did not have these runs merged:\n%v", n, db.Metrics())
		default:
		}
		must(t, db.Put([]byte("written all the time"), fmt.Appendf(nil, "%d", n)))
		if len(db.readable().Levels[0].Runs) < 3 { // at first, and when an idle moment came in between
			put(t, db, "key", 20)
			must(t, db.Flush())
		}
		for _, err := range db.Scan(nil, nil) {
			must(t, err)
		}
	}
}
