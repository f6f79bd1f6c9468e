package main

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// The golden files of the formats, as files that a database would have. They are
// text where they were made for reading: hex dumps, which may lack lines of zeros.

// golden DIR writes all of them.
func golden(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: golden DIR")
	}
	dir := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(dir, 0o700))
	write := func(name string, data []byte) { ts.Check(os.WriteFile(filepath.Join(dir, name), data, 0o600)) }
	read := func(path ...string) string {
		text, err := os.ReadFile(filepath.Join(append([]string{"..", ".."}, path...)...))
		ts.Check(err)
		return string(text)
	}
	for i, name := range []string{"v1-none", "v1-s2", "v1-zstd"} {
		write("00000"+strconv.Itoa(i+1)+".sst", undump(ts, read("sstable", "testdata", name+".hex"), 1))
	}
	name := ""
	segments := map[string]string{}
	for line := range strings.Lines(read("wal", "testdata", "segment.golden")) {
		if !strings.Contains(line, "|") {
			name = strings.TrimSpace(line)
			continue
		}
		segments[name] += line
	}
	for name, text := range segments {
		write(name, undump(ts, text, 4096))
	}
	write("000009.log.vz", undump(ts, read("wal", "testdata", "archive.golden"), 1))
	manifest := []byte(read("manifest", "testdata", "v1-manifest.bin"))
	write("MANIFEST-000001", append(manifest, make([]byte, 139264-len(manifest))...)) // its header says how long it was
	write("CURRENT", []byte(read("manifest", "testdata", "v1-current.txt")))
}

// undump reads what hex.Dump wrote, and fills up with zeros to whole blocks.
func undump(ts *testscript.TestScript, text string, block int) []byte {
	var data []byte
	for line := range strings.Lines(text) {
		if len(line) < 60 {
			continue
		}
		at, err := strconv.ParseInt(line[:8], 16, 32)
		ts.Check(err)
		p, err := hex.DecodeString(strings.ReplaceAll(line[10:58], " ", ""))
		ts.Check(err)
		whole := (int(at) + len(p) + block - 1) / block * block
		data = append(data, make([]byte, max(0, whole-len(data)))...)
		copy(data[at:], p)
	}
	return data
}
