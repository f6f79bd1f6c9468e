package wal

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/varvekv/varve/internal/crc"
	"github.com/varvekv/varve/vfs"
)

// testRandom makes identities that differ between logs and not between runs.
func testRandom() func() uint64 {
	n := uint64(0x1000)
	return func() uint64 { n++; return n }
}

func mustOpen(t testing.TB, fs vfs.FS, o Options) (*Log, *Recovery) {
	t.Helper()
	o.FS = fs
	if o.Random == nil {
		o.Random = testRandom()
	}
	l, r, err := Open("log", &o)
	if err != nil {
		t.Fatalf("open: %v (%+v)", err, *r)
	}
	return l, r
}

func mustClose(t testing.TB, l *Log) {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

func payload(i, n int) []byte {
	p := make([]byte, n)
	for j := range p {
		p[j] = byte(i*31 + j*7 + j>>8)
	}
	return p
}

// contents reads every record.
func contents(t testing.TB, l *Log) (got []Record) {
	t.Helper()
	for r, err := range l.Records() {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, r.Clone())
	}
	return got
}

func TestRecordsSurviveClosingAndOpening(t *testing.T) {
	fs := vfs.NewStrict(1)
	sizes := []int{0, 1, 200, 4096, 5000, 70000, 1 << 20, 1<<20 + 1, 3 << 20}
	var want []Record
	for round := range 4 {
		l, r := mustOpen(t, fs, Options{SegmentBytes: 64 << 10})
		if r.Verdict != Clean || r.Unclean || int(r.Records) != len(want) {
			t.Fatalf("round %d: %+v, want %d records", round, *r, len(want))
		}
		for i, n := range sizes {
			p := payload(round*100+i, n)
			append := l.Append
			if i%2 == 0 {
				append = l.AppendSync
			}
			lsn, err := append(p)
			if err != nil {
				t.Fatal(err)
			}
			want = appendRecord(want, lsn, p)
		}
		if want[0].LSN != 0 {
			t.Fatal("the first record is not at LSN 0")
		}
		same(t, contents(t, l), want)
		mustClose(t, l)
	}
}

func appendRecord(to []Record, lsn LSN, p []byte) []Record { return append(to, Record{lsn, p}) }

func same(t testing.TB, got, want []Record) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d records, want %d", len(got), len(want))
	}
	for i := range want {
		if got[i].LSN != want[i].LSN || !bytes.Equal(got[i].Data, want[i].Data) {
			t.Fatalf("record %d: LSN %d with %d bytes, want %d with %d", i, got[i].LSN, len(got[i].Data), want[i].LSN, len(want[i].Data))
		}
	}
}

func TestOpenAndCloseAgainAndAgainLeavesOneSegment(t *testing.T) {
	fs := vfs.NewStrict(1)
	l, _ := mustOpen(t, fs, Options{})
	if _, err := l.Append([]byte("one")); err != nil {
		t.Fatal(err)
	}
	mustClose(t, l)
	for range 5 {
		l, r := mustOpen(t, fs, Options{})
		if r.Records != 1 || r.Verdict != Clean {
			t.Fatalf("%+v", *r)
		}
		mustClose(t, l)
	}
	d, err := fs.OpenDir("log", false)
	if err != nil {
		t.Fatal(err)
	}
	names, _ := d.List()
	if len(names) > 3 { // the segment with the record, an empty one, LOCK
		t.Fatal(names)
	}
}

func ops(firstSeq uint64, kv ...string) (payload []byte, sum uint32) {
	for i := 0; i+1 < len(kv); i += 2 {
		payload = AppendPut(payload, []byte(kv[i]), []byte(kv[i+1]))
	}
	return payload, crc.Sum(payload)
}

func TestReplayInOrderAndReleaseByCut(t *testing.T) {
	fs := vfs.NewStrict(1)
	l, _ := mustOpen(t, fs, Options{StartKept: true})
	seq := uint64(1)
	put := func(key, value string) Ticket {
		p, sum := ops(seq, key, value)
		seq++
		ticket := l.AppendOps(p, sum, seq-1, 1)
		if err := l.Commit(ticket.End, Written); err != nil {
			t.Fatal(err)
		}
		return ticket
	}
	put("a", "1")
	put("b", "2")
	start, number := l.Cut()
	third := put("c", "3")
	if third.LSN != start || number != 2 {
		t.Fatalf("cut said LSN %d segment %d; the append stands at %d", start, number, third.LSN)
	}
	if err := l.Release(start); err != nil {
		t.Fatal(err)
	}
	put("d", "4")
	mustClose(t, l)

	var got []string
	replay := func(u Unit) error {
		for d := DecodeOps(u.Payload); d.Next(); {
			got = append(got, fmt.Sprintf("%d %s=%s", u.FirstSeq, d.Op.Key, d.Op.Value))
		}
		return nil
	}
	l, r := mustOpen(t, fs, Options{StartKept: true, ReplayFrom: start, Replay: replay})
	if fmt.Sprint(got) != "[3 c=3 4 d=4]" || r.LastSeq != 4 || r.Verdict != Clean {
		t.Fatal(got, *r)
	}
	mustClose(t, l)
}

func TestSecondOpenerIsLockedOut(t *testing.T) {
	fs := vfs.NewStrict(1)
	l, _ := mustOpen(t, fs, Options{})
	if _, _, err := Open("log", &Options{FS: fs}); !errors.Is(err, ErrLocked) {
		t.Fatal(err)
	}
	mustClose(t, l)
	l, _ = mustOpen(t, fs, Options{ReadOnly: true})
	l2, _ := mustOpen(t, fs, Options{ReadOnly: true})
	if _, err := l.Append(nil); !errors.Is(err, ErrReadOnly) {
		t.Fatal(err)
	}
	mustClose(t, l)
	mustClose(t, l2)
}

func crcSum(p []byte) uint32 { return crc.Sum(p) }
