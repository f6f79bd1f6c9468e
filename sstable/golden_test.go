package sstable

import (
	"bytes"
	"context"
	"encoding/hex"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/varvekv/varve/internal/codec"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files anew")

// goldenEntries is fixed for good: the files in testdata are made of it.
func goldenEntries() []entry {
	entries := []entry{put("", 7, "the empty key"), put("apple", 12, "red"), put("apple", 3, "green"), del("apricot", 9)}
	for _, k := range []string{"key/0001", "key/0002", "key/0003", "key/0003/long/tail"} {
		entries = append(entries, put(k, 20, "value of "+k), put(k, 5, ""))
	}
	entries = append(entries, put("large", 30, string(bytes.Repeat([]byte("0123456789"), 60))))
	return append(entries, put("zoo", 1, "last"))
}

// The bytes of a table change only on purpose: tables of earlier versions are
// read for good. Checked without compression only byte for byte, because an
// encoder may find other matches in a later version.
func TestGolden(t *testing.T) {
	for name, typ := range map[string]codec.Type{"v1-none": codec.None, "v1-s2": codec.S2, "v1-zstd": codec.Zstd} {
		path := filepath.Join("testdata", name+".hex")
		f, _ := writeTable(t, WriterOptions{BlockBytes: 512, Compression: typ, TimeMin: 1, TimeMax: 2}, goldenEntries())
		if *rewrite {
			if err := os.MkdirAll("testdata", 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(hex.Dump(f.data)), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		golden := readDump(t, path)
		if typ == codec.None && !bytes.Equal(golden, f.data) {
			t.Errorf("%s: the writer makes other bytes than before:\n%s", name, hex.Dump(f.data))
		}
		r := newDesk(t, 0).open(t, &memFile{name: name, data: golden})
		got, err := r.Check(context.Background())
		if err != nil || got.Entries != uint64(len(goldenEntries())) {
			t.Fatalf("%s: %v, %+v", name, err, got)
		}
		c := r.NewCursor(CursorOptions{})
		i := 0
		for ok := c.First(); ok; ok = c.Next() {
			sameEntry(t, goldenEntries(), i, c)
			i++
		}
		c.Close()
	}
}

// readDump reads what hex.Dump wrote.
func readDump(t testing.TB, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var out []byte
	for _, line := range bytes.Split(text, []byte("\n")) {
		if len(line) < 60 {
			continue
		}
		digits := bytes.ReplaceAll(line[8:60], []byte(" "), nil)
		b, err := hex.DecodeString(string(digits))
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		out = append(out, b...)
	}
	return out
}
