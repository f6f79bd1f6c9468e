package varve

import (
	"errors"
	"strings"
	"testing"

	"github.com/varvekv/varve/internal/crc"
	"github.com/varvekv/varve/vfs"
)

// An operation of a later version in the log is neither dropped nor called damage.
func TestOperationsOfALaterVersionAreRefused(t *testing.T) {
	for what, ops := range map[string][]byte{
		"keyspace 3": {0x41, 3, 1, 'k', 1, 'v'},
		"kind 5":     {5, 1, 'k', 1, 'v'},
	} {
		fs := vfs.NewStrict(1)
		db, err := Open("db", &Options{FS: fs})
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Put([]byte("a"), []byte("1")); err != nil {
			t.Fatal(err)
		}
		db.log.AppendOps(ops, crc.Sum(ops), db.lastSeq+1, 1)
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		for _, readOnly := range []bool{true, false} {
			_, err := Open("db", &Options{FS: fs, ReadOnly: readOnly})
			if !errors.Is(err, ErrUnsupported) || errors.Is(err, ErrCorruption) || !strings.Contains(err.Error(), what) ||
				!strings.Contains(err.Error(), ".log at offset") {
				t.Fatalf("%s: %v", what, err)
			}
		}
	}
}
