package sstable

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/varvekv/varve/internal/codec"
	"github.com/varvekv/varve/internal/hash"
	"github.com/varvekv/varve/internal/ikey"
	"github.com/varvekv/varve/internal/invariants"
)

func TestAddRefusesWhatDoesNotAscend(t *testing.T) {
	big := string(make([]byte, 5000)) // closes a block
	for _, c := range [][2]entry{
		{put("b", 1, ""), put("a", 1, "")},
		{put("b", 1, ""), put("b", 1, "")},
		{put("b", 1, ""), put("b", 2, "")},
		{del("b", 1), del("b", 1)},
		{put("b", 1, big), put("a", 1, big)},
		{put("b", 1, big), put("b", 2, "")},
		{put("b", 1, string(make([]byte, writeBytes))), put("b", 1, "")},
	} {
		w := NewWriter(&memFile{}, WriterOptions{Identity: 1})
		if err := w.Add(c[0].k, c[0].v); err != nil {
			t.Fatal(err)
		}
		err := w.Add(c[1].k, c[1].v)
		if !errors.Is(err, errOrder) {
			t.Fatalf("%v after %v: %v", c[1].k, c[0].k, err)
		}
		if _, ferr := w.Finish(); ferr != err {
			t.Fatalf("the error does not stay: %v", ferr)
		}
	}
}

func TestAddRefusesWhatIsTooLong(t *testing.T) {
	w := NewWriter(&memFile{}, WriterOptions{Identity: 1})
	if err := w.Add(ikey.Make(make([]byte, MaxKeyBytes), 1, ikey.KindPut), nil); err != nil {
		t.Fatal(err)
	}
	if err := w.Add(ikey.Make(make([]byte, MaxKeyBytes+1), 1, ikey.KindPut), nil); err == nil || w.Add(put("x", 1, "").k, nil) == nil {
		t.Fatal("key accepted")
	}
	w.Close()
	if err := NewWriter(&memFile{}, WriterOptions{Identity: 1}).Add(ikey.Make(nil, 1, 7), nil); err == nil {
		t.Fatal("kind accepted")
	}
}

func TestFinishedAndClosedWritersRefuse(t *testing.T) {
	w := NewWriter(&memFile{}, WriterOptions{Identity: 1})
	w.Add(put("a", 1, "v").k, nil)
	if _, err := w.Finish(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	if _, err := w.Finish(); err != errFinished || w.Add(put("b", 1, "").k, nil) != errFinished {
		t.Fatal(err)
	}
	w = NewWriter(&memFile{}, WriterOptions{Identity: 1})
	w.Close()
	w.Close()
	if err := w.Add(put("a", 1, "").k, nil); err != errFinished {
		t.Fatal(err)
	}
}

func TestWriteErrorsStay(t *testing.T) {
	entries := makeEntries(1, shape{n: 3000, minValue: 1000, maxValue: 1000})
	for _, op := range []string{"write", "writeback"} {
		for fail := 1; fail < 20; fail++ {
			calls := 0
			f := &memFile{name: "000001.sst", fail: func(o string, _ int64) error {
				if o == op {
					if calls++; calls == fail {
						return errInjected
					}
				}
				return nil
			}}
			w := NewWriter(f, WriterOptions{Identity: 1})
			for _, e := range entries {
				if err := w.Add(e.k, e.v); err != nil {
					break
				}
			}
			_, err := w.Finish()
			if calls >= fail && (!errors.Is(err, errInjected) || !strings.Contains(err.Error(), "000001.sst")) {
				t.Fatalf("%s %d: %v", op, fail, err)
			}
			if calls > fail {
				t.Fatalf("%s was tried %d times after its failure", op, calls-fail)
			}
		}
	}
}

func TestBlocksStayWithinTheirTarget(t *testing.T) {
	for name, s := range shapes {
		if name == "large" {
			continue
		}
		f, p := writeTable(t, WriterOptions{}, makeEntries(1, s))
		d := newDesk(t, 0)
		r := d.open(t, f)
		for i := range r.index.count {
			if h := r.index.handle(i); h.stored+blockTrailerBytes > DefaultBlockBytes {
				t.Errorf("%s: block %d takes %d bytes", name, i, h.stored)
			}
		}
		if fill := float64(p.DataBytes) / float64(max(p.DataBlocks, 1)); p.DataBlocks > 10 && fill < 3500 {
			t.Errorf("%s: blocks take %.0f bytes on average", name, fill)
		}
	}
}

func TestEstimatedBytesIsClose(t *testing.T) {
	for name, s := range shapes {
		f := &memFile{}
		w := NewWriter(f, WriterOptions{Identity: 1})
		for _, e := range makeEntries(1, s) {
			if err := w.Add(e.k, e.v); err != nil {
				t.Fatal(err)
			}
		}
		guess := w.EstimatedBytes()
		p, err := w.Finish()
		if err != nil || w.EstimatedBytes() != p.FileBytes {
			t.Fatal(err)
		}
		if diff := guess - p.FileBytes; diff > p.FileBytes/50+600 || -diff > p.FileBytes/50+600 {
			t.Errorf("%s: estimated %d, file is %d", name, guess, p.FileBytes)
		}
	}
}

func TestOneUserKeyInThousandVersions(t *testing.T) {
	var entries []entry
	for i := range 5000 {
		entries = append(entries, put("hot", uint64(10_000-i), fmt.Sprint(i)))
	}
	entries = append(entries, put("hotter", 1, "x"))
	f, p := writeTable(t, WriterOptions{BlockBytes: 512}, entries)
	if p.UserKeys != 2 || p.DataBlocks < 20 {
		t.Fatalf("%+v", p)
	}
	d := newDesk(t, 1<<20)
	r := d.open(t, f)
	var s Scratch
	for seq := uint64(4990); seq < 10_010; seq += 7 {
		checkGet(t, entries, r, d, &s, []byte("hot"), seq)
	}
	if _, err := r.Check(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// A value far above every buffer passes through a bounded extra memory, on the
// way in and on the way out.
func TestHugeValuesTakeBoundedExtraMemory(t *testing.T) {
	const size = 64 << 20
	value := bytes.Repeat([]byte("0123456789abcde\n"), size/16)
	for _, typ := range []codec.Type{codec.None, codec.S2} {
		f := &memFile{name: "000001.sst", data: make([]byte, 0, size+1<<20)}
		before := allocated()
		w := NewWriter(f, WriterOptions{Identity: 1, Compression: typ})
		for _, e := range []entry{put("a", 1, "small"), {ikey.Make([]byte("b"), 2, ikey.KindPut), value}, put("c", 3, "small")} {
			if err := w.Add(e.k, e.v); err != nil {
				t.Fatal(err)
			}
		}
		p, err := w.Finish()
		if err != nil || p.DataBlocks != 3 || p.ValueBytes != size+10 {
			t.Fatal(p, err)
		}
		if n := allocated() - before; n > 4<<20 {
			t.Errorf("%v: writing allocated %d bytes", typ, n)
		}
		readHuge(t, f, value)
	}
}

func readHuge(t *testing.T, f *memFile, value []byte) {
	t.Helper()
	d := newDesk(t, 1<<20)
	r := d.open(t, f)
	var s Scratch
	before := allocated()
	d.slot.Enter()
	_, got, ok, err := r.Get([]byte("b"), hash.Sum([]byte("b")), ikey.MaxSeq, &s)
	if err != nil || !ok || !bytes.Equal(got, value) {
		t.Fatal(len(got), ok, err)
	}
	_, _, _, _ = r.Get([]byte("a"), hash.Sum([]byte("a")), ikey.MaxSeq, &s)
	d.slot.Exit()
	if n := allocated() - before; n > int64(len(value)+8<<20) {
		t.Errorf("reading allocated %d bytes", n)
	}
	if cap(s.raw) > keptBytes {
		t.Errorf("the scratch still holds %d bytes", cap(s.raw))
	}
	if _, err := r.Check(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func allocated() int64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.TotalAlloc)
}

func TestWriterAllocatesNothingPerEntry(t *testing.T) {
	if invariants.Enabled {
		t.Skip("sync.Pool drops at random under the race detector")
	}
	keys := benchKeys(20_000)
	v := make([]byte, 100)
	run := func() {
		w := NewWriter(&nullFile{}, WriterOptions{Identity: 1})
		for i, k := range keys {
			if err := w.Add(ikey.Make(k, uint64(i), ikey.KindPut), v); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := w.Finish(); err != nil {
			t.Fatal(err)
		}
	}
	if n := testing.AllocsPerRun(5, run); n > 100 {
		t.Errorf("%v allocations for %d entries", n, len(keys))
	}
}
