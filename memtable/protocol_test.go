package memtable

import (
	"fmt"
	"math/rand"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/varvekv/varve/internal/hash"
	"github.com/varvekv/varve/internal/ikey"
)

// This file is the measurement behind docs/adr/0002: what readers and a writer
// of one memtable do to each other under two read protocols.

// protocol is one way to read beside a writer.
type protocol struct {
	add func(key []byte, seq uint64)
	get func(key []byte) bool
}

// indexed is what Table does.
func indexed(t *Table) protocol {
	return protocol{
		add: func(key []byte, seq uint64) { t.Add(key, ikey.MakeTrailer(seq, ikey.KindPut), benchValue) },
		get: func(key []byte) bool {
			_, _, ok := t.Get(key, hash.Sum(key), ikey.MaxSeq)
			return ok
		},
	}
}

// lockedTree is the rival: the same tree of the same items and chains under a
// read-write lock, and no index. Every Get takes the read side.
func lockedTree(t *Table) protocol {
	find := func(key []byte) ref {
		p := t.tree.pivot(key)
		defer t.tree.release(p)
		if it, ok := t.tree.items.Get(p); ok {
			return it.node
		}
		return 0
	}
	return protocol{
		add: func(key []byte, seq uint64) {
			t.tree.mu.Lock()
			defer t.tree.mu.Unlock()
			tr := ikey.MakeTrailer(seq, ikey.KindPut)
			if n := find(key); n != 0 {
				t.arena.addVersion(n, tr, benchValue)
				return
			}
			n, err := t.arena.addNode(key, tr, benchValue)
			if err == nil {
				t.tree.items.ReplaceOrInsert(makeItem(key, n))
			}
		},
		get: func(key []byte) bool {
			t.tree.mu.RLock()
			defer t.tree.mu.RUnlock()
			n := find(key)
			return n != 0 && t.arena.visible(t.arena.head(n), ikey.MaxSeq) != 0
		},
	}
}

// BenchmarkReadProtocol lets readers and a writer run for a quarter of a second over
// 500 k keys; half the reads miss, half the writes are new keys.
func BenchmarkReadProtocol(b *testing.B) {
	keys := ycsbKeys(2 * benchKeys)
	for _, p := range []struct {
		name string
		make func(*Table) protocol
	}{{"indexed", indexed}, {"lockedTree", lockedTree}} {
		for _, load := range []struct{ readers, writers int }{{1, 0}, {4, 0}, {0, 1}, {4, 1}} {
			b.Run(fmt.Sprintf("%s/%dr%dw", p.name, load.readers, load.writers), func(b *testing.B) {
				t, err := New(Options{Pool: touchedPool(b, 512<<20)})
				if err != nil {
					b.Fatal(err)
				}
				defer t.Free()
				run := p.make(t)
				for i, k := range keys[:benchKeys] {
					run.add(k, uint64(i+1))
				}
				all := flatten(keys)
				for b.Loop() {
					reads, writes := mixed(run, all, load.readers, load.writers)
					b.ReportMetric(reads/1e6, "Mreads/s")
					b.ReportMetric(writes/1e6, "Mwrites/s")
				}
			})
		}
	}
}

func mixed(p protocol, keys flatKeys, readers, writers int) (reads, writes float64) {
	const span = 250 * time.Millisecond
	var stop atomic.Bool
	var counts [2]atomic.Int64
	var all sync.WaitGroup
	run := func(kind int, seed int64, op func(key []byte)) {
		all.Go(func() {
			r := rand.New(rand.NewSource(seed))
			n := int64(0)
			for ; !stop.Load(); n++ {
				op(keys.at(r.Intn(2 * benchKeys)))
			}
			counts[kind].Add(n)
		})
	}
	for i := range readers {
		run(0, int64(i), func(key []byte) { p.get(key) })
	}
	for i := range writers {
		seq := uint64(benchKeys)
		run(1, int64(100+i), func(key []byte) { seq++; p.add(key, seq) })
	}
	<-time.After(span)
	stop.Store(true)
	all.Wait()
	return float64(counts[0].Load()) / span.Seconds(), float64(counts[1].Load()) / span.Seconds()
}
