package wal

import (
	"errors"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/varvekv/varve/internal/invariants"
	"github.com/varvekv/varve/internal/recordio"
	"github.com/varvekv/varve/vfs"
)

// Waiting for room, for a commit and for a reader's segments: nobody is forgotten.

// within fails the test when f takes longer than limit.
func within(t testing.TB, limit time.Duration, what string, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
		t.Fatalf("%s: not done after %v", what, limit)
	}
}

// eventually waits for the background, less patiently than waitFor.
func eventually(t testing.TB, limit time.Duration, what string, f func() bool) {
	t.Helper()
	for begin := time.Now(); !f(); time.Sleep(time.Millisecond) {
		if time.Since(begin) > limit {
			t.Fatal("never happened: " + what)
		}
	}
}

// slowDisk takes half a millisecond for a write of segment data, and keeps none of it.
func slowDisk() vfs.FS {
	return vfs.NewFault(vfs.NewStrict(1), func(op vfs.Op) error {
		if op.Kind != vfs.OpWrite || op.After || op.Length < chunkBytes {
			return nil
		}
		time.Sleep(500 * time.Microsecond)
		return vfs.ErrDropped
	})
}

func TestWaitRoomNeverHangsOnASlowDisk(t *testing.T) {
	l, _ := mustOpen(t, slowDisk(), Options{SegmentBytes: 1 << 30})
	p := payload(1, 20<<10)
	sum := crcSum(p)
	var seq atomic.Uint64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 1000 {
				if err := l.WaitRoom(); err != nil {
					t.Error(err)
					return
				}
				if err := l.Commit(l.AppendOps(p, sum, seq.Add(1), 1).End, Buffered); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	within(t, 10*time.Second, "appending", wg.Wait)
	mustClose(t, l)
}

// Between two writes of a backlog the bound is passed again, inside a chunk, where
// the gate is not looked at: who waits then is woken by the writes that follow.
func TestWaitRoomIsWokenWhenTheBoundIsPassedInsideAChunk(t *testing.T) {
	var between atomic.Pointer[func()]
	var writes atomic.Int64
	l, _ := mustOpen(t, vfs.NewFault(vfs.NewStrict(1), func(op vfs.Op) error {
		if op.Kind != vfs.OpWrite || op.After || op.Length < chunkBytes {
			return nil
		}
		if writes.Add(1) == 2 {
			(*between.Load())()
		}
		return vfs.ErrDropped
	}), Options{SegmentBytes: 1 << 30})
	p := payload(1, 20<<10)
	sum, seq := crcSum(p), uint64(0)
	fill := func(over int64) {
		for l.Metrics().PendingBytes <= pendingMaxBytes+over {
			seq++
			l.AppendOps(p, sum, seq, 1)
		}
	}
	done := make(chan error, 1)
	again := func() {
		if pending := l.Metrics().PendingBytes; pending > pendingMaxBytes || l.gate.Load() != 0 {
			t.Errorf("%d bytes pending, gate %d: the bound is not passed again", pending, l.gate.Load())
		}
		fill(0)
		go func() { done <- l.waitRoom() }() // it had seen the gate closed
		time.Sleep(20 * time.Millisecond)
	}
	between.Store(&again)
	l.line.takeLead() // nobody writes
	fill(chunkBytes - 60<<10)
	if err := l.writePending(takePlain); err != nil {
		t.Fatal(err)
	}
	l.handOver()
	within(t, 5*time.Second, "waiting for room", func() {
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	mustClose(t, l)
}

// Close makes what was appended durable: whoever still waits for that is told so.
func TestCloseFulfilsPendingAsyncCommits(t *testing.T) {
	rounds := 300
	if invariants.Enabled {
		rounds = 60
	}
	for round := range rounds {
		l, _ := mustOpen(t, vfs.NewStrict(uint64(round)), Options{SegmentBytes: 16 << 10})
		var commits []Commit
		for i := range 1 + round%4 {
			commits = append(commits, l.AppendAsync(payload(i, 100), Synced))
		}
		within(t, 5*time.Second, "closing", func() { mustClose(t, l) })
		for i, c := range commits {
			within(t, 5*time.Second, "waiting", func() {
				if err := c.Wait(); err != nil {
					t.Errorf("round %d, commit %d: %v", round, i, err)
				}
			})
		}
		if t.Failed() {
			return
		}
	}
}

// expectFrom reads from a record's position: everything, or ErrNotFound. It reports
// which.
func expectFrom(t *testing.T, l *Log, want []Record) (found bool) {
	t.Helper()
	var got []LSN
	for r, err := range l.RecordsFrom(want[0].LSN) {
		if errors.Is(err, ErrNotFound) && len(got) == 0 {
			return false
		}
		if err != nil {
			t.Error(err)
			return false
		}
		got = append(got, r.LSN)
	}
	for i, r := range want {
		if i >= len(got) || got[i] != r.LSN {
			t.Errorf("from LSN %d: %d records of %d, the first %v", r.LSN, len(got), len(want), got[:min(1, len(got))])
			return false
		}
	}
	return true
}

// recordsInSegments appends records of which each begins a segment.
func recordsInSegments(t *testing.T, l *Log, count int) (want []Record) {
	t.Helper()
	for i := range count {
		p := payload(i, 50)
		lsn, err := l.Append(p)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, Record{lsn, p})
		l.Cut()
	}
	return want
}

// The release comes between the look at the start and the taking of the segments.
func TestRecordsFromARecordReleasedMeanwhileIsNotFound(t *testing.T) {
	for from := range 2 { // LSN 0 is a position like others
		var released atomic.Pointer[func()]
		fs := vfs.NewFault(vfs.NewStrict(1), func(op vfs.Op) error {
			if op.Kind == vfs.OpWrite && !op.After {
				if f := released.Swap(nil); f != nil {
					(*f)()
				}
			}
			return nil
		})
		l, _ := mustOpen(t, fs, Options{SegmentBytes: 16 << 10, StartKept: true})
		want := recordsInSegments(t, l, 6)
		last, err := l.appendRecord(payload(9, 50)) // in memory: reading has to write it
		if err != nil {
			t.Fatal(err)
		}
		release := func() {
			if err := l.Release(want[4].LSN); err != nil {
				t.Error(err)
			}
		}
		released.Store(&release)
		within(t, 5*time.Second, "reading", func() { expectFrom(t, l, append(want, Record{LSN: last.LSN})[from:]) })
		if released.Load() != nil {
			t.Fatal("nothing was written while reading")
		}
		mustClose(t, l)
	}
}

// What is released while it is read stays until the reader has it.
func TestRecordsReleasedWhileTheyAreReadAreAllHandedOut(t *testing.T) {
	for _, startKept := range []bool{true, false} {
		l, _ := mustOpen(t, vfs.NewStrict(1), Options{SegmentBytes: 16 << 10, StartKept: startKept})
		want := recordsInSegments(t, l, 8)
		var got []LSN
		for r, err := range l.RecordsFrom(want[0].LSN) {
			if err != nil {
				t.Errorf("start kept %v, behind %v: %v", startKept, got, err)
				break
			}
			if got = append(got, r.LSN); len(got) == 2 {
				if err := l.Release(want[7].LSN); err != nil {
					t.Error(err)
				}
				time.Sleep(10 * time.Millisecond) // for the keeper
			}
		}
		if len(got) != len(want) {
			t.Errorf("start kept %v: %d records of %d", startKept, len(got), len(want))
		}
		if expectFrom(t, l, want) {
			t.Error("what was released is found")
		}
		mustClose(t, l)
	}
}

// Valid frame headers at every place where one can begin, each with a payload whose
// checksum is wrong, must not make recovery read the file once for each.
func TestHostileSegmentOpensInLinearTime(t *testing.T) {
	const body = 2 << 20
	h := segmentHeader{state: stateSegment, number: 1, identity: 5, firstSeq: 1}
	data := appendHeader(nil, &h)
	data = append(data, make([]byte, body+recordio.ScratchBytes)...)
	seed := h.binding().Seed()
	for at := headerBytes; at+recordio.HeaderBytes < headerBytes+body; at += recordio.HeaderBytes {
		rest := headerBytes + body - at - recordio.HeaderBytes
		recordio.PutHeader(data[at:], seed, uint64(at-headerBytes), recordio.Header{
			PayloadCRC: math.MaxUint32, Length: uint32(min(rest, recordio.MaxFrameBytes)),
			Kind: recordio.KindOps, Flags: recordio.FlagWhole, FirstSeq: 1, Count: 1,
		})
	}
	data = data[:headerBytes+body]
	limit := 2 * time.Second
	if invariants.Enabled {
		limit *= 5
	}
	for _, policy := range []Policy{TolerateTornTail, Salvage} {
		fs := vfs.NewStrict(1)
		d, err := fs.OpenDir("log", true)
		if err != nil {
			t.Fatal(err)
		}
		f, err := d.Create(segmentName(1))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteAt(slices.Clone(data), 0); err != nil || f.Close() != nil {
			t.Fatal(err)
		}
		within(t, limit, "opening", func() {
			l, rep, err := Open("log", &Options{FS: fs, Policy: policy})
			if err != nil {
				return // refused
			}
			if rep.Records != 0 {
				t.Errorf("%+v", *rep)
			}
			mustClose(t, l)
		})
	}
}
