package wal

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/varvekv/varve/vfs"
)

// What Open does with files: it removes none that holds bytes, needs none that was
// released, and keeps its counts.

func logDir(t testing.TB, fs vfs.FS) vfs.Dir {
	t.Helper()
	d, err := fs.OpenDir("log", false)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// bytesOf is what a file in the log's directory holds; ok tells whether it is there.
func bytesOf(t testing.TB, fs vfs.FS, name string) (data []byte, ok bool) {
	t.Helper()
	d := logDir(t, fs)
	info, err := d.Stat(name)
	if err != nil {
		return nil, false
	}
	f, err := d.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	data = make([]byte, info.SizeBytes)
	if n, err := f.ReadAt(data, 0); n < len(data) {
		t.Fatal(err)
	}
	return data, true
}

// setAside checks that a file lies aside with all its bytes.
func setAside(t *testing.T, fs vfs.FS, rep *Recovery, name string, want []byte) {
	t.Helper()
	if got, ok := bytesOf(t, fs, name+tornSuffix); !ok || !bytes.Equal(got, want) {
		names, _ := logDir(t, fs).List()
		t.Errorf("%s was not set aside whole (%d bytes of %d): %v %+v", name, len(got), len(want), names, *rep)
	}
	if !slices.Contains(rep.SetAside, name+tornSuffix) {
		t.Errorf("the report does not say that %s was set aside: %+v", name, *rep)
	}
}

func zeroHeader(f vfs.File) error {
	_, err := f.WriteAt(make([]byte, headerBytes), 0)
	return err
}

func TestSegmentWithAZeroedHeaderIsSetAsideNotRemoved(t *testing.T) {
	c := smallLogs(t)[0]
	name := c.names()[1]
	for _, policy := range []Policy{PointInTime, Salvage} {
		fs := c.fs.CrashImageKept()
		edit(t, fs, name, zeroHeader)
		want, _ := bytesOf(t, fs, name)
		l, rep := mustOpen(t, fs, Options{Policy: policy})
		setAside(t, fs, rep, name, want)
		mustClose(t, l)
	}
}

// frozen is a clock that stands: no mark is due.
func frozen() time.Time { return time.Unix(1, 0) }

// The headers of both unsynced segments never reached the disk, their frames did.
func TestUnsyncedSegmentsWithoutHeadersAreAllSetAside(t *testing.T) {
	fs := vfs.NewStrict(1)
	l, _ := mustOpen(t, fs, Options{SegmentBytes: 16 << 10, Clock: frozen})
	lsn, err := l.AppendSync(payload(1, 100))
	if err != nil {
		t.Fatal(err)
	}
	synced := []Record{{lsn, payload(1, 100)}}
	for i := range 2 {
		l.Cut()
		if _, err := l.Append(payload(2+i, 300)); err != nil {
			t.Fatal(err)
		}
	}
	image := fs.CrashImageKept()
	kill(t, l)
	lost := map[string][]byte{}
	for _, name := range []string{segmentName(2), segmentName(3)} {
		edit(t, image, name, zeroHeader)
		lost[name], _ = bytesOf(t, image, name)
	}
	l, rep := mustOpen(t, image, Options{})
	same(t, contents(t, l), synced)
	for name, want := range lost {
		setAside(t, image, rep, name, want)
	}
	mustClose(t, l)
}

// Segment 1 ends torn, so segment 2 goes; that its one record is damaged does not
// make it empty.
func TestSegmentBehindATornTailIsSetAsideThoughItsRecordIsDamaged(t *testing.T) {
	fs := vfs.NewStrict(1)
	l, _ := mustOpen(t, fs, Options{SegmentBytes: 16 << 10, Clock: frozen})
	var lsns []LSN
	for i := range 3 {
		if i == 2 {
			l.Cut()
		}
		lsn, err := l.Append(payload(i, 300))
		if err != nil {
			t.Fatal(err)
		}
		lsns = append(lsns, lsn)
	}
	image := fs.CrashImageKept()
	kill(t, l)
	edit(t, image, segmentName(1), flip(headerBytes+int64(lsns[1])+100, 3))
	edit(t, image, segmentName(2), flip(headerBytes+100, 3))
	want, _ := bytesOf(t, image, segmentName(2))
	l, rep := mustOpen(t, image, Options{})
	if rep.Verdict != TornTail {
		t.Errorf("%+v", *rep)
	}
	same(t, contents(t, l), []Record{{lsns[0], payload(0, 300)}})
	setAside(t, image, rep, segmentName(2), want)
	mustClose(t, l)
}

// putOps appends operations from sequence number from to number to, one a unit, Synced.
func putOps(t testing.TB, l *Log, from, to uint64) (tickets []Ticket) {
	t.Helper()
	for seq := from; seq <= to; seq++ {
		p, sum := ops(seq, "key", "value")
		ticket := l.AppendOps(p, sum, seq, 1)
		if err := l.Commit(ticket.End, Synced); err != nil {
			t.Fatal(err)
		}
		tickets = append(tickets, ticket)
	}
	return tickets
}

// A flip before ReplayFrom, in the newest segment, hides nothing of what follows.
func TestDamageBeforeReplayFromHidesNoAcknowledgedUnit(t *testing.T) {
	for _, closed := range []bool{false, true} {
		for flipped := range 2 { // of the two units before ReplayFrom
			fs := vfs.NewStrict(1)
			l, _ := mustOpen(t, fs, Options{StartKept: true})
			tickets := putOps(t, l, 1, 5)
			if closed {
				mustClose(t, l)
			} else {
				kill(t, l)
			}
			edit(t, fs, segmentName(1), flip(headerBytes+int64(tickets[flipped].LSN)+26, 2))
			var got []uint64
			o := Options{StartKept: true, ReplayFrom: tickets[2].LSN, Replay: func(u Unit) error {
				got = append(got, u.FirstSeq)
				return nil
			}}
			l, rep := mustOpen(t, fs, o)
			if !slices.Equal(got, []uint64{3, 4, 5}) || rep.LastSeq != 5 {
				t.Errorf("closed %v, unit %d damaged: replayed %v, %+v", closed, flipped+1, got, *rep)
			}
			putOps(t, l, 6, 7)
			kill(t, l)
			got = nil
			l, rep = mustOpen(t, fs, o)
			if !slices.Equal(got, []uint64{3, 4, 5, 6, 7}) {
				t.Errorf("again: replayed %v, %+v", got, *rep)
			}
			mustClose(t, l)
		}
	}
}

// What was released of a segment that is still needed may be damaged.
func TestDamageBeforeTheReleasedStartIsNotRead(t *testing.T) {
	for _, policy := range []Policy{TolerateTornTail, Strict} {
		fs := vfs.NewStrict(1)
		l, _ := mustOpen(t, fs, Options{})
		var want []Record
		for i := range 6 {
			p := payload(i, 200)
			lsn, err := l.AppendSync(p)
			if err != nil {
				t.Fatal(err)
			}
			want = append(want, Record{lsn, p})
		}
		if err := l.Release(want[3].LSN); err != nil {
			t.Fatal(err)
		}
		same(t, contents(t, l), want[3:])
		mustClose(t, l)
		edit(t, fs, segmentName(1), flip(headerBytes+int64(want[1].LSN)+60, 4))
		for range 2 {
			l, rep := mustOpen(t, fs, Options{Policy: policy})
			if rep.Start != want[3].LSN || l.Start() != want[3].LSN {
				t.Errorf("begins at LSN %d and %d, not %d", rep.Start, l.Start(), want[3].LSN)
			}
			same(t, contents(t, l), want[3:])
			if err := l.Check(t.Context()); err != nil {
				t.Error(err)
			}
			for _, err := range l.RecordsFrom(want[1].LSN) {
				if !errors.Is(err, ErrNotFound) {
					t.Error(err)
				}
				break
			}
			mustClose(t, l)
		}
	}
}

// No segment with operations is left: their count is in headers and marks.
func TestSequencesOutliveEverySegmentWithOperations(t *testing.T) {
	for _, startKept := range []bool{false, true} {
		fs := vfs.NewStrict(1)
		l, _ := mustOpen(t, fs, Options{StartKept: startKept})
		putOps(t, l, 1, 10)
		start, _ := l.Cut()
		if err := l.Release(start); err != nil {
			t.Fatal(err)
		}
		mustClose(t, l)
		o := Options{StartKept: startKept}
		if startKept {
			o.ReplayFrom = start
		}
		for round := range 4 {
			l, rep := mustOpen(t, fs, o)
			if rep.LastSeq < 10 || l.DurableSeq() < 10 || l.active.header.firstSeq < 11 {
				t.Errorf("start kept %v, round %d: last sequence %d, durable %d, first of the new segment %d", startKept, round, rep.LastSeq, l.DurableSeq(), l.active.header.firstSeq)
			}
			if round == 3 {
				mustClose(t, l)
			} else {
				kill(t, l)
			}
		}
	}
}

// The greatest number that fits has no next one: such a file is not the log's.
func TestFileWithTheGreatestNumberIsAStranger(t *testing.T) {
	for _, name := range []string{"18446744073709551615.log", "18446744073709551615.log.torn"} {
		for _, content := range []string{"", "somebody's diary"} {
			fs := vfs.NewStrict(1)
			l, _ := mustOpen(t, fs, Options{SegmentBytes: 16 << 10})
			want := recordsInSegments(t, l, 2)
			mustClose(t, l)
			f, err := logDir(t, fs).Create(name)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := f.WriteAt([]byte(content), 0); err != nil || f.Close() != nil {
				t.Fatal(err)
			}
			for i := range 3 {
				l, rep := mustOpen(t, fs, Options{SegmentBytes: 16 << 10})
				if n := l.active.number; n == 0 || n > 100 || rep.Verdict != Clean {
					t.Fatalf("%s: goes on in segment %d: %+v", name, n, *rep)
				}
				lsn, err := l.AppendSync(payload(i, 10))
				if err != nil {
					t.Fatal(err)
				}
				want = append(want, Record{lsn, payload(i, 10)})
				l.Cut()
				same(t, contents(t, l), want)
				mustClose(t, l)
			}
			if got, ok := bytesOf(t, fs, name); !ok || string(got) != content {
				t.Errorf("%s was touched: there %v, %q", name, ok, got)
			}
		}
	}
}
