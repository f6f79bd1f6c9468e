package wal

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	iofs "io/fs"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/varvekv/varve/internal/codec"
	"github.com/varvekv/varve/vfs"
)

func archiveDir(t testing.TB, fs vfs.FS) vfs.Dir {
	t.Helper()
	d, err := fs.OpenDir("archive", true)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// Close comes right behind Release: the archive gets everything all the same.
func TestCloseArchivesWhatWasReleased(t *testing.T) {
	fs := vfs.NewStrict(1)
	var told atomic.Int64
	l, want := archiveLog(t, fs, Archive{Dir: archiveDir(t, fs), Handler: func(ctx context.Context, _ ArchivedSegment) error {
		select {
		case <-time.After(5 * time.Millisecond):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}}, &Events{Archived: func(ArchivedSegment, time.Duration) { told.Add(1) }})
	mustClose(t, l)
	if names, _ := archiveDir(t, fs).List(); len(names) < want || int(told.Load()) < want {
		t.Fatalf("%d segments told of, %v in the archive, %d released", told.Load(), names, want)
	}
}

// A handler that hangs does not hang Close, whether it looks at its context or not.
func TestCloseDoesNotHangOnAHandler(t *testing.T) {
	for _, looks := range []bool{true, false} {
		hung := make(chan struct{})
		var failed atomic.Int64
		l, _ := archiveLog(t, vfs.NewStrict(1), Archive{Handler: func(ctx context.Context, _ ArchivedSegment) error {
			if looks {
				<-ctx.Done()
				return ctx.Err()
			}
			<-hung
			return nil
		}}, &Events{
			Archived:      func(s ArchivedSegment, _ time.Duration) { t.Errorf("segment %d is archived", s.Number) },
			ArchiveFailed: func(_ uint64, _ error, dropped bool) { failed.Add(1) },
		})
		l.keeper.grace = 10 * time.Millisecond
		begin := time.Now()
		mustClose(t, l)
		if took := time.Since(begin); took > 20*handlerGrace || failed.Load() != 1 {
			t.Fatalf("Close took %v, %d failures", took, failed.Load())
		}
		close(hung)
	}
}

// What is told of as archived survives a power cut.
func TestArchivedCopiesAreDurable(t *testing.T) {
	for _, compress := range []bool{false, true} {
		fs := vfs.NewStrict(1)
		segments := make(chan ArchivedSegment, 100)
		l, _ := archiveLog(t, fs, Archive{Dir: archiveDir(t, fs), Compress: compress}, &Events{Archived: func(s ArchivedSegment, _ time.Duration) { segments <- s }})
		mustClose(t, l)
		image := fs.CrashImageStrict()
		close(segments)
		for s := range segments {
			s.dir = archiveDir(t, image)
			r, err := s.Open()
			if err != nil {
				t.Fatal(err)
			}
			p, err := io.ReadAll(r)
			if h, _, herr := parseHeader(p); err != nil || herr != nil || h.number != s.Number || int64(len(p)) != s.SizeBytes || r.Close() != nil {
				t.Fatal(s.Number, len(p), err, herr)
			}
		}
	}
}

// Two logs that were given one directory never remove or replace each other's copies.
func TestArchiveOfTwoLogs(t *testing.T) {
	fs := vfs.NewStrict(1)
	first, want := archiveLog(t, fs, Archive{Dir: archiveDir(t, fs)}, nil)
	mustClose(t, first)
	before, _ := archiveDir(t, fs).List()
	if len(before) != want {
		t.Fatal(before)
	}
	random := uint64(0x7000)
	open := func(path string, minSegment uint64, events *Events) {
		l, _, err := Open(path, &Options{
			FS: fs, MinSegment: minSegment, Random: func() uint64 { random++; return random }, Events: events,
			Archive: Archive{Dir: archiveDir(t, fs), MaxBytes: 1, MaxAge: time.Nanosecond},
		})
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if _, err := l.AppendSync(payload(1, 5000)); err != nil {
				t.Fatal(err)
			}
			l.Cut()
		}
		if err := l.Release(l.End()); err != nil {
			t.Fatal(err)
		}
		mustClose(t, l)
	}
	open("second", 100, nil)
	after, _ := archiveDir(t, fs).List()
	if strings.Join(before, " ") != strings.Join(after, " ") {
		t.Fatalf("the second log, which keeps nothing, left %v of %v", after, before)
	}
	var refused atomic.Int64
	open("third", 1, &Events{ArchiveFailed: func(_ uint64, err error, _ bool) { // its names are taken
		if !errors.Is(err, iofs.ErrExist) {
			t.Error(err)
		}
		refused.Add(1)
	}})
	for _, name := range before {
		if h, err := archivedHeader(archiveDir(t, fs), name, false); err != nil || h.identity != first.Identity() {
			t.Fatalf("%s: %+v %v", name, h, err)
		}
	}
	if refused.Load() == 0 {
		t.Fatal("nobody was told")
	}
}

// A directory in which a log lives is no archive: its segments look like copies.
func TestArchiveNeedsADirectoryOfItsOwn(t *testing.T) {
	fs := vfs.NewStrict(1)
	other, _ := mustOpen(t, fs, Options{})
	if _, err := other.AppendSync(payload(1, 100)); err != nil {
		t.Fatal(err)
	}
	mustClose(t, other)
	own, err := fs.OpenDir("own", true)
	if err != nil {
		t.Fatal(err)
	}
	lived, err := fs.OpenDir("log", false)
	if err != nil {
		t.Fatal(err)
	}
	for _, archive := range []vfs.Dir{own, lived} {
		before := fs.Fingerprint()
		if _, _, err := OpenDir(own, &Options{Archive: Archive{Dir: archive, MaxBytes: 1}}); err == nil || fs.Fingerprint() != before {
			t.Fatal(err)
		}
	}
}

// goldenCopy is two blocks: one that compresses, one that does not.
func goldenCopy() [2][]byte {
	noise, x := make([]byte, 64), uint32(1)
	for i := range noise {
		x = x*1664525 + 1013904223
		noise[i] = byte(x >> 24)
	}
	return [2][]byte{bytes.Repeat([]byte("a segment, compressed; "), 40), noise}
}

// The format of compressed copies: what was written once is read for ever. Only the
// compressor's own bytes may come out otherwise.
func TestGoldenArchive(t *testing.T) {
	blocks := goldenCopy()
	d := archiveDir(t, vfs.NewStrict(1))
	written := writeCopy(t, d, "000001.log.vz", blocks)
	const golden = "testdata/archive.golden"
	if *rewrite {
		if err := os.WriteFile(golden, []byte(hex.Dump(written)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want := readDump(t, golden)
	head, tail := archiveHeadBytes, blockHeadBytes+len(blocks[1])+blockHeadBytes+8
	if !bytes.Equal(want[:head], written[:head]) || !bytes.Equal(want[len(want)-tail:], written[len(written)-tail:]) {
		t.Fatalf("the format of copies changed:\n%s", hex.Dump(written))
	}
	if got, err := readCopy(t, d, "000002.log.vz", want); err != nil || !bytes.Equal(got, append(blocks[0], blocks[1]...)) {
		t.Fatal(err, len(got))
	}
	later := bytes.Clone(want)
	later[8]++
	strange := bytes.Clone(want)
	at := len(want) - tail // the second block
	strange[at+8] = 9
	binary.LittleEndian.PutUint32(strange[at+9:], crcSum(append(bytes.Clone(strange[at:at+9]), blocks[1]...)))
	for name, p := range map[string][]byte{"000003.log.vz": later, "000004.log.vz": strange} {
		if _, err := readCopy(t, d, name, p); !errors.Is(err, ErrUnsupported) || errors.Is(err, ErrCorruption) || !strings.Contains(err.Error(), name) {
			t.Fatal(err)
		}
	}
	strange[at+8] = byte(codec.Invalid)
	if _, err := readCopy(t, d, "000005.log.vz", strange); !errors.Is(err, ErrCorruption) {
		t.Fatal(err)
	}
}

func writeCopy(t *testing.T, d vfs.Dir, name string, blocks [2][]byte) []byte {
	t.Helper()
	f, err := d.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := newArchiveWriter(f, true)
	for _, p := range blocks {
		if err := w.block(p); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.finish(); err != nil {
		t.Fatal(err)
	}
	p := make([]byte, w.at)
	if _, err := f.ReadAt(p, 0); err != nil {
		t.Fatal(err)
	}
	return p
}

func readCopy(t *testing.T, d vfs.Dir, name string, data []byte) ([]byte, error) {
	t.Helper()
	f, err := d.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(data, 0); err != nil || f.Close() != nil {
		t.Fatal(err)
	}
	r, err := openArchived(d, name, true)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

// readDump reads a hex dump back.
func readDump(t *testing.T, name string) (data []byte) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if len(line) < 60 {
			continue
		}
		p, err := hex.DecodeString(strings.ReplaceAll(strings.ReplaceAll(line[10:58], " ", ""), "\n", ""))
		if err != nil {
			t.Fatal(err)
		}
		data = append(data, p...)
	}
	return data
}
