package wal

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/varvekv/varve/internal/corruption"
	"github.com/varvekv/varve/internal/recordio"
	"github.com/varvekv/varve/vfs"
)

// What a later version may put into a log: what may be ignored is carried, what
// must be understood is refused by name, and neither is damage.

// reheader changes the header of a segment and makes its checksums right.
func reheader(t testing.TB, fs *vfs.Strict, name string, change func(p []byte)) {
	t.Helper()
	edit(t, fs, name, func(f vfs.File) error {
		block := make([]byte, headerBytes)
		if _, err := f.ReadAt(block, 0); err != nil {
			return err
		}
		change(block)
		sealHeader(block)
		_, err := f.WriteAt(block, 0)
		return err
	})
}

func headerOf(t testing.TB, fs *vfs.Strict, name string) []byte {
	t.Helper()
	block := make([]byte, headerBytes)
	edit(t, fs, name, func(f vfs.File) error {
		_, err := f.ReadAt(block, 0)
		return err
	})
	return block
}

// writtenLog was killed before it ever synced a record: recovery hardens it.
func writtenLog(t testing.TB) (fs *vfs.Strict, want []Record) {
	t.Helper()
	fs = vfs.NewStrict(1)
	l, _ := mustOpen(t, fs, Options{})
	for i := range 5 {
		p := payload(i, 300)
		lsn, err := l.Append(p)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, Record{lsn, p})
	}
	kill(t, l)
	return fs, want
}

func TestCompatibleFeaturesAndLaterHeaderFieldsAreCarried(t *testing.T) {
	fs, want := writtenLog(t)
	reheader(t, fs, segmentName(1), func(p []byte) {
		p[32] = 0x20 // compatible
		copy(p[152:], "a field of a later version")
	})
	whole := headerOf(t, fs, segmentName(1))
	l, r := mustOpen(t, fs, Options{})
	same(t, contents(t, l), want)
	if r.Verdict != Clean {
		t.Fatalf("%+v", *r)
	}
	mustClose(t, l)
	if !bytes.Equal(headerOf(t, fs, segmentName(1)), whole) {
		t.Fatal("rewriting the header lost what was not understood")
	}
}

func TestReadCompatibleFeaturesAllowReading(t *testing.T) {
	fs, want := writtenLog(t)
	reheader(t, fs, segmentName(1), func(p []byte) { p[25] = 1 })
	before := fs.Fingerprint()
	_, _, err := Open("log", &Options{FS: fs})
	if !errors.Is(err, ErrUnsupported) || errors.Is(err, ErrCorruption) || !strings.Contains(err.Error(), segmentName(1)) || !strings.Contains(err.Error(), "0x100") {
		t.Fatal(err)
	}
	if fs.Fingerprint() != before {
		t.Fatal("a refused open changed something")
	}
	l, _ := mustOpen(t, fs, Options{ReadOnly: true})
	same(t, contents(t, l), want)
	mustClose(t, l)
}

// remend changes the bytes of a segment and makes its frames' checksums right.
func remend(t testing.TB, c *damageCase, name string, change func(data []byte)) *vfs.Strict {
	t.Helper()
	fs := c.fs.CrashImageKept()
	edit(t, fs, name, func(f vfs.File) error {
		data := make([]byte, c.ends[name])
		if _, err := f.ReadAt(data, 0); err != nil {
			return err
		}
		change(data)
		_, err := f.WriteAt(mendFrames(data), 0)
		return err
	})
	return fs
}

func TestFramesThatAreNotUnderstoodAreRefusedUnderEveryPolicy(t *testing.T) {
	c := smallLogs(t)[0]
	name := c.names()[1]
	for what, change := range map[string]func(data []byte){
		"kind 9":     func(data []byte) { data[headerBytes+11] = 9 },
		"flags 0x7":  func(data []byte) { data[headerBytes+12] |= byte(recordio.FlagExtension) },
		"flags 0x83": func(data []byte) { data[headerBytes+12] |= 0x80 },
	} {
		fs := remend(t, c, name, change)
		before := fs.Fingerprint()
		for policy := TolerateTornTail; policy <= Salvage; policy++ {
			_, _, err := Open("log", &Options{FS: fs, Policy: policy})
			if !errors.Is(err, ErrUnsupported) || errors.Is(err, ErrCorruption) || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), what) {
				t.Fatalf("%s, policy %d: %v", what, policy, err)
			}
		}
		if fs.Fingerprint() != before {
			t.Fatal("a refused open changed something")
		}
	}
}

// The caller of the replay may call it damage; the log knows better, and says where.
func TestOperationsThatAreNotUnderstoodNameFileAndPosition(t *testing.T) {
	for what, payload := range map[string][]byte{
		"keyspace 3": {0x41, 3, 1, 'k', 1, 'v'},
		"kind 5":     {5, 1, 'k', 1, 'v'},
	} {
		fs := vfs.NewStrict(1)
		l, _ := mustOpen(t, fs, Options{})
		p, sum := ops(1, "before", "1")
		l.AppendOps(p, sum, 1, 1)
		at := l.AppendOps(payload, crcSum(payload), 2, 1).LSN
		mustClose(t, l)
		_, _, err := Open("log", &Options{FS: fs, Replay: func(u Unit) error {
			d := DecodeOps(u.Payload)
			for d.Next() {
			}
			if d.Err() != nil {
				return corruption.New("x", 0, "%v", d.Err())
			}
			return nil
		}})
		place := fmt.Sprintf("%s at offset %d", segmentName(1), headerBytes+at)
		if !errors.Is(err, ErrUnsupported) || errors.Is(err, ErrCorruption) || !strings.Contains(err.Error(), place) || !strings.Contains(err.Error(), what) {
			t.Fatalf("%s: %v", what, err)
		}
	}
}

func TestKeyspaceZeroAndSkippableOperationsPass(t *testing.T) {
	d := DecodeOps([]byte{0x41, 0, 1, 'k', 1, 'v', 0xc5, 9, 1, 'k', 1, 'v'})
	if !d.Next() || d.Op.Kind != OpPut || d.Op.Skip || string(d.Op.Key) != "k" {
		t.Fatal(d.Op, d.Err())
	}
	if !d.Next() || !d.Op.Skip {
		t.Fatal(d.Op, d.Err())
	}
	if d.Next() || d.Err() != nil {
		t.Fatal(d.Op, d.Err())
	}
}
