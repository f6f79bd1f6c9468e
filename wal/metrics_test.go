package wal

import (
	"encoding/json"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/varvekv/varve/vfs"
)

// TestMetricsCountGroupsAndSyncs: every Synced commit is in one group, whoever led
// it, and every sync has its duration in the histogram.
func TestMetricsCountGroupsAndSyncs(t *testing.T) {
	var told []int64
	var mu sync.Mutex
	l, _ := mustOpen(t, vfs.NewStrict(1), Options{Events: &Events{Synced: func(took time.Duration, bytes int64) {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, bytes)
	}}})
	const writers, each = 8, 50
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for i := range each {
				if _, err := l.AppendSync(payload(i, 100)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	l.line.takeLead() // so that every turn is over, and what it told
	l.handOver()
	m := l.Metrics()
	if m.GroupCommits > writers*each || m.GroupCommits < m.Groups || m.GroupMax > writers || m.GroupMax == 0 {
		t.Errorf("%d commits in %d groups, at most %d", m.GroupCommits, m.Groups, m.GroupMax)
	}
	if got := sum(m.GroupHistogram[:]); got != m.Groups || m.Groups == 0 {
		t.Errorf("%d groups, %d in the histogram", m.Groups, got)
	}
	if got := sum(m.SyncHistogram[:]); got != m.Syncs || m.SyncMax > m.SyncTime || m.Syncs < m.Groups/2 {
		t.Errorf("%d syncs, %d in the histogram; the longest %v of %v", m.Syncs, got, m.SyncMax, m.SyncTime)
	}
	mu.Lock()
	if uint64(len(told)) != m.Syncs || slices.Min(told) <= 0 {
		t.Errorf("%d syncs, told of %d", m.Syncs, len(told))
	}
	mu.Unlock()
	mustClose(t, l)
}

func sum(counts []uint64) (total uint64) {
	for _, n := range counts {
		total += n
	}
	return total
}

func TestRecoveryAndMetricsInJSON(t *testing.T) {
	for v := range Gap + 3 {
		var back Verdict
		text, err := v.MarshalText()
		if err != nil || back.UnmarshalText(text) != nil || back != v {
			t.Errorf("%v came back as %v from %s", v, back, text)
		}
	}
	var v Verdict
	if v.UnmarshalText([]byte("fine")) == nil {
		t.Error("any text is a verdict")
	}
	r := Recovery{Verdict: TornTail, File: "000007.log", Offset: 4096, Identity: 1<<63 + 1, Chain: 1<<62 + 1, SetAside: []string{"a"}, Duration: 3}
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var back Recovery
	if err := json.Unmarshal(data, &back); err != nil || !reflect.DeepEqual(back, r) {
		t.Errorf("%v: %s came back as %+v", err, data, back)
	}
}
