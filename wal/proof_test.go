package wal

import (
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/varvekv/varve/internal/recordio"
	"github.com/varvekv/varve/vfs"
)

// What segments say of each other, of themselves and of the manifest.

// A manifest edit that was proven once stays proven, when the segments that proved
// it are gone, and without anybody saying it again.
func TestProofOfAManifestEditOutlivesItsSegments(t *testing.T) {
	fs := vfs.NewStrict(1)
	lastEdit := uint64(0)
	o := Options{Judge: func(_ LSN, edit uint64) error { lastEdit = edit; return nil }}
	l, _ := mustOpen(t, fs, o)
	l.SetManifestEdit(7)
	for range 2 {
		if _, err := l.AppendSync(payload(1, 100)); err != nil {
			t.Fatal(err)
		}
		l.Cut()
	}
	mustClose(t, l)
	for range 3 {
		l, r := mustOpen(t, fs, o)
		if r.LastEdit != 7 || lastEdit != 7 || l.active.header.edit != 7 {
			t.Fatalf("edit %d proven, %d in the new header: %+v", lastEdit, l.active.header.edit, *r)
		}
		if _, err := l.AppendSync(payload(1, 100)); err != nil {
			t.Fatal(err)
		}
		l.Cut()
		if _, err := l.AppendSync(payload(1, 100)); err != nil {
			t.Fatal(err)
		}
		if h := l.active.header; h.edit != 7 {
			t.Fatalf("the next segment's header says edit %d", h.edit)
		}
		if err := l.Release(l.End()); err != nil {
			t.Fatal(err)
		}
		mustClose(t, l)
	}
}

// No new segment is needed: marks and the seal carry the edit too.
func TestMarksAndSealsProveTheManifestEdit(t *testing.T) {
	for _, how := range []takeKind{takeMark, takeSeal} {
		fs := vfs.NewStrict(1)
		l, _ := mustOpen(t, fs, Options{})
		if _, err := l.AppendSync(payload(1, 100)); err != nil {
			t.Fatal(err)
		}
		l.line.takeLead()
		l.SetManifestEdit(9)
		l.mu.Lock()
		l.lastMark.durable = 0 // so that a mark has something to prove
		l.mu.Unlock()
		if err := l.writeAndSync(how); err != nil {
			t.Fatal(err)
		}
		image := fs.CrashImageStrict()
		l.handOver()
		kill(t, l)
		l, r := mustOpen(t, image, Options{})
		if r.LastEdit != 9 {
			t.Fatalf("edit %d", r.LastEdit)
		}
		mustClose(t, l)
	}
}

// eachFrame walks the frames of a segment's bytes.
func eachFrame(data []byte, visit func(kind recordio.Kind, frame []byte)) {
	for at := headerBytes; at+recordio.HeaderBytes <= len(data); {
		n := recordio.HeaderBytes + int(data[at+8]) | int(data[at+9])<<8 | int(data[at+10])<<16
		visit(recordio.Kind(data[at+11]), data[at:at+n])
		at += n
	}
}

// The seal is changed in its chain, or count, and in nothing else.
func TestSealThatDisagreesWithItsSegmentIsNoSeal(t *testing.T) {
	c := smallLogs(t)[0]
	names := c.names()
	last := names[len(names)-1]
	for _, field := range []int64{0, 8} { // count, chain
		fs := remend(t, c, last, func(data []byte) { data[c.ends[last]-24+field] ^= 1 })
		l, r := mustOpen(t, fs, Options{})
		if r.Verdict != TornTail || !strings.Contains(r.Reason, "seal") || r.File != last {
			t.Fatalf("%+v", *r)
		}
		same(t, contents(t, l), c.records)
		mustClose(t, l)
	}
}

// A segment exchanged for another that agrees with its own seal: only the next
// segment's header knows what stood there.
func TestNextHeaderKnowsTheChainOfTheSegmentBefore(t *testing.T) {
	c := smallLogs(t)[0]
	name := c.names()[0]
	fs := remend(t, c, name, func(data []byte) {
		data[headerBytes+recordio.HeaderBytes+2] ^= 1 // a record
		mendFrames(data)
		chain := uint64(0)
		eachFrame(data, func(kind recordio.Kind, frame []byte) {
			if kind == recordio.KindSeal {
				binary.LittleEndian.PutUint64(frame[len(frame)-16:], chain)
			}
			chain = chained(chain, binary.LittleEndian.Uint32(frame))
		})
	})
	rep := c.verifyAny(t, fs, "exchanged "+name, true)
	if rep.Verdict != Corrupt || rep.File != name || !strings.Contains(rep.Reason, "next segment's header") {
		t.Fatalf("%+v", *rep)
	}
}

// A number that the leader has made a file for is never prepared: the file in use
// would be renamed over.
func TestPreparingLeavesOutWhatTheLeaderHasClaimed(t *testing.T) {
	l, _ := mustOpen(t, vfs.NewStrict(1), Options{})
	defer mustClose(t, l)
	k := &l.keeper
	k.claim(l.active.number + 5)
	number, _, ok := k.beginPreparing()
	if !ok || number != l.active.number+6 {
		t.Fatal(number, ok)
	}
	k.endPreparing(number, nil)
}

// What is set aside is removed in time: the log's own, and nobody else's.
func TestOnlyTheLogsOwnTornFilesAreRemoved(t *testing.T) {
	fs := vfs.NewStrict(1)
	l, _ := mustOpen(t, fs, Options{})
	if _, err := l.AppendSync(payload(1, 100)); err != nil {
		t.Fatal(err)
	}
	mustClose(t, l)
	d, err := fs.OpenDir("log", false)
	if err != nil {
		t.Fatal(err)
	}
	own := segmentName(7) + tornSuffix
	others := []string{"000003.sst.torn", "MANIFEST-000002.torn", "diary.torn", "7.log.torn"}
	for _, name := range append(others, own) {
		f, err := d.Create(name)
		if err != nil || f.Close() != nil {
			t.Fatal(err)
		}
	}
	l, _ = mustOpen(t, fs, Options{})
	if l.active.number <= 7 {
		t.Fatal("a number that was set aside is used again")
	}
	if _, err := l.AppendSync(payload(1, 100)); err != nil {
		t.Fatal(err)
	}
	if err := l.Release(l.End()); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "removal", func() bool { names, _ := d.List(); return !slices.Contains(names, own) })
	mustClose(t, l)
	names, _ := d.List()
	for _, name := range others {
		if !slices.Contains(names, name) {
			t.Errorf("%s is gone", name)
		}
	}
}

// A segment is released while the leader is about to write it: the file prepared for
// it goes to one of the two, and the other does not make a second.
func TestReleaseOfASegmentThatIsAboutToBeWritten(t *testing.T) {
	l, _ := mustOpen(t, vfs.NewStrict(1), Options{})
	defer mustClose(t, l)
	l.line.takeLead()
	defer l.handOver()
	if _, err := l.appendRecord(payload(1, 100)); err != nil {
		t.Fatal(err)
	}
	l.Cut()
	if _, err := l.appendRecord(payload(1, 100)); err != nil {
		t.Fatal(err)
	}
	k, seg := &l.keeper, l.active
	f, err := k.makeSpare(t.Context(), seg.number, 64<<10, reusable{})
	if err != nil {
		t.Fatal(err)
	}
	k.endPreparing(seg.number, f)
	l.Cut()
	seg.io.Lock() // the leader's place in writeBlocks
	done := make(chan error, 1)
	go func() { done <- k.disposeOne(t.Context(), seg, 1) }()
	time.Sleep(20 * time.Millisecond)
	err = l.makeFile(seg)
	seg.io.Unlock()
	if err := errors.Join(err, <-done); err != nil {
		t.Fatal(err)
	}
}
